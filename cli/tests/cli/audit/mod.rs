//! `panveil audit` on a mesh in which panveil inspects every port, and on the same mesh with one fault.

mod egress;
mod faults;
mod input;
mod proxies;

use crate::command::{file, run};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The mesh without a fault.
const MESH: &str = include_str!("mesh.yaml");

/// Lines of an audit in JSON whose `record` has this value, and the exit status.
fn records(name: &str, text: &str, record: &str) -> (Vec<Value>, Option<i32>) {
    // Tests run in parallel, and cases of two tests may share a name.
    static COUNT: AtomicUsize = AtomicUsize::new(0);

    let path = file(&format!("{}-{name}", COUNT.fetch_add(1, Ordering::Relaxed)), text);
    let output = run(&["audit", "--format", "json", &path], b"");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    (lines.filter(|line| line["record"] == record).collect(), output.status.code())
}

/// Rules of the findings, with subject and port: `no-plugin Deployment shop/web 9090`.
fn findings(name: &str, text: &str) -> Vec<String> {
    let (findings, status) = records(name, text, "finding");
    assert_eq!(status, Some(i32::from(!findings.is_empty())), "{findings:?}");
    let shown = |finding: &Value| {
        let port = finding["port"].as_u64().map(|port| format!(" {port}")).unwrap_or_default();
        format!("{} {}{port}", finding["rule"].as_str().unwrap(), finding["subject"].as_str().unwrap())
    };
    findings.iter().map(shown).collect()
}

/// The mesh with one text replaced.
fn changed(from: &str, to: &str) -> String {
    assert!(MESH.contains(from), "{from}");
    MESH.replacen(from, to, 1)
}
