//! The command on the running mesh: audits of the configuration of each Envoy, and a report over the access logs.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::sleep;

use super::Proxy;

/// The command, and the folder of its input and output.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Binary of the command.
    pub panveil: PathBuf,
    /// Folder for the configuration dumps, the audits and the report.
    pub folder: PathBuf,
}

/// Result of an audit.
#[derive(Debug)]
pub struct Audit {
    /// Exit status.
    pub status: i32,
    /// Findings, as objects.
    pub findings: Vec<Value>,
}

impl Audit {
    /// Rule and subject of each finding.
    #[must_use]
    pub fn found(&self) -> Vec<String> {
        let word = |finding: &Value, name| finding[name].as_str().unwrap_or_default().to_owned();
        self.findings.iter().map(|one| format!("{} {}", word(one, "rule"), word(one, "subject"))).collect()
    }
}

impl Evidence {
    /// Audits the running configuration of these proxies, and keeps the result as `audit-NAME.json`.
    ///
    /// # Errors
    ///
    /// When the command cannot be run, or reads something incompletely.
    pub async fn audit(&self, name: &str, proxies: &[&Proxy]) -> Result<Audit> {
        fs::create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        let mut arguments = vec!["audit".into(), "--format".into(), "json".into()];
        for proxy in proxies {
            let file = format!("{}.json", proxy.workload.name);
            fs::write(self.folder.join(&file), proxy.envoy.page("/config_dump?include_eds").await?)?;
            arguments.push(OsString::from(file));
        }
        let (status, output) = self.run(arguments).await?;
        ensure!(status < 2, "panveil audit: exit status {status}");
        fs::write(self.folder.join(audit_file(name)), &output)?;
        let lines = output.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
        let findings = lines.into_iter().filter(|line| line["record"] == "finding").collect();
        next_second().await?;
        Ok(Audit { status, findings })
    }

    /// Writes `report.html` and `report.txt` over the access logs of these proxies and the audits of these names.
    /// Returns the report as JSON.
    ///
    /// # Errors
    ///
    /// When the command cannot be run, or reads something incompletely.
    pub async fn report(&self, proxies: &[&Proxy], audits: &[&str]) -> Result<Value> {
        let mut json = String::new();
        for (format, file) in [("html", "report.html"), ("text", "report.txt"), ("json", "report.json")] {
            let mut arguments: Vec<OsString> = ["report", "--quiet", "--format", format].map(OsString::from).into();
            arguments.extend(audits.iter().flat_map(|name| ["--audit".into(), audit_file(name).into()]));
            arguments.extend(proxies.iter().map(|proxy| proxy.envoy.access_logs().0.into_os_string()));
            let (status, output) = self.run(arguments).await?;
            ensure!(status == 0, "panveil report: exit status {status}");
            fs::write(self.folder.join(file), &output)?;
            json = output;
        }
        serde_json::from_str(&json).context("panveil report --format json")
    }

    /// Everything that the command wrote.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn written(&self) -> Result<Vec<(String, String)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, fs::read_to_string(path)?));
        }
        Ok(files)
    }

    /// Runs the command in the folder. Returns its exit status and its output.
    async fn run(&self, arguments: Vec<OsString>) -> Result<(i32, String)> {
        let mut command = Command::new(&self.panveil);
        command.args(arguments).current_dir(&self.folder).kill_on_drop(true);
        let done = command.output().await.with_context(|| format!("{}: cannot be run", self.panveil.display()))?;
        let errors = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        ensure!(errors.is_empty(), "{errors}");
        Ok((done.status.code().context("the command was killed")?, String::from_utf8(done.stdout)?))
    }
}

fn audit_file(name: &str) -> String {
    format!("audit-{name}.json")
}

/// Waits for the next second: a report identifies an audit by its second.
async fn next_second() -> Result<()> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    sleep(Duration::from_secs(1).saturating_sub(Duration::from_nanos(u64::from(now.subsec_nanos())))).await;
    Ok(())
}
