//! Commands in the documents: each prints the output that is shown below it.
//!
//! Commands that need only the repository run here, page by page. [`ELSEWHERE`] lists the others with the reason, and
//! the test checks their paths and options.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::command::run;
use crate::markdown::{Step, blocks, is_right, spans, steps};
use crate::shell::Shell;
use crate::{Document, check, documents, root, texts};

/// Page that `integration/tests/envoy/quick_start.rs` runs in a real Envoy.
const IN_ENVOY: &str = "docs/quick-start.md";

/// Commands that do not run here, by their first words, with the reason. `paths.rs` checks their paths, make targets
/// and variables.
const ELSEWHERE: [(&str, &str); 19] = [
    ("make ", "builds, tests or measures, for minutes"),
    (
        "RUSTUP_TOOLCHAIN=1.95.0 PANVEIL_WASM_TOOLCHAIN=rustup make ",
        "builds, for minutes; `make reproduce` does the same",
    ),
    ("RUSTUP_TOOLCHAIN=1.95.0 make ", "builds for minutes; scripts/cli-archive runs the result"),
    ("cargo install ", "builds for minutes; the release workflow builds the crate package"),
    ("docker compose ", "needs Docker; integration/tests/manifests compares its Envoy with the sidecar"),
    ("tar --create ", "replaces the seeds of a fuzz target"),
    ("tar ", "needs an archive of a release; scripts/cli-archive makes them"),
    ("rustup ", "needs the network"),
    ("target/release/eval ", "measures, for minutes; its options are looked at below"),
    ("cd dist", "needs the output of `make dist`"),
    ("sha256sum ", "needs the output of `make dist`; `make test-dist` runs it"),
    ("skopeo ", "needs a registry; image/tests pushes to one and inspects it with skopeo"),
    ("\"$(scripts/envoy)\" ", "needs Envoy; integration/tests/envoy runs this file"),
    ("kubectl kustomize ", "needs kustomize; integration/tests/manifests runs it and compares"),
    ("kubectl ", "needs a cluster"),
    ("helm ", "needs a cluster"),
    ("curl ", "needs Envoy; integration/tests/envoy requests the same pages, and runs those of the quick start"),
    ("git revert ", "is for the reader's own manifests"),
    ("openssl rand ", "creates a secret in a cluster"),
];

/// Options of programs that do not run here, and the folder with the source of the program.
const OPTIONS_OF: [(&str, &str); 1] = [("target/release/eval ", "integration/src/bin/eval")];

/// Absolute paths of the pages that the test replaces with its own folder.
const IN_THE_FOLDER: [&str; 1] = ["/var/log"];

const POLICY: &str = "request: block
rules:
- name: charges
  match:
    direction: request
    where: [body]
    path: {prefix: /v1/charges}
  action: allow
- name: images
  match: {where: [body], content_type: ['image/*']}
  action: skip
";

/// Mesh with a workload that has no sidecar.
const CLUSTER: &str = r#"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, ports: [{containerPort: 8080}]}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: batch, namespace: shop}
spec: {template: {metadata: {labels: {sidecar.istio.io/inject: "false"}}, spec: {containers: [{name: batch}]}}}
"#;

const ISTIO: &str = "apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: panveil, namespace: shop}
spec:
  url: oci://registry.example/panveil/panveil:0.1.0
  sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  phase: AUTHN
  priority: 1000
  match: [{mode: SERVER}]
  failStrategy: FAIL_RELOAD
";

const MESH_CONFIG: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: 'accessLogFile: \"\"'}
";

const ACCEPTED: &str = "- rule: no-sidecar
  subject: Deployment shop/batch
  reason: handles no card numbers, see ticket 123
  expires: 2999-12-31
";

/// Public test numbers.
const VISA: &str = "4111111111111111";
const AMEX: &str = "378282246310005";

/// Files that a page assumes, by name.
fn given(page: &str) -> Vec<(&'static str, Vec<u8>)> {
    let capture = || fs::read(root().join("cli/tests/cli/checkout.har")).unwrap_or_default();
    match page {
        "README.md" => vec![
            ("policy.yaml", POLICY.into()),
            ("checkout.har", capture()),
            ("response.json", b"{}".into()),
            ("var/log/clean.log", b"nothing\n".into()),
        ],
        "docs/command-line.md" => vec![
            ("policy.yaml", POLICY.into()),
            ("draft.yaml", b"mode: enforce\nmask:\n  keep: first6last4\n".into()),
            ("draft-rules.yaml", b"request: mask\n".into()),
            ("checkout.har", capture()),
            ("var/log/checkout.log", format!("{}{:23}{VISA}\n", "\n".repeat(117), "charged").into()),
            ("backups/2026-11.sql.gz", gzip(&format!("{}{:60}{AMEX}\n", "\n".repeat(90_411), "INSERT"))),
            ("fixtures/order.json", format!("{{\"pan\": {VISA}}}\n").into()),
            ("web-1.json", config_dump(&module("enforce"))),
            ("web-1.prom", statistics(0)),
            ("web-2.json", config_dump(&json!({"@type": "envoy.extensions.filters.http.rbac.v3.RBAC", "rules": {}}))),
            ("web-2.prom", b"envoy_server_live{} 1\n".into()),
            ("web-3.json", config_dump(&module("enfroce"))),
            ("web-3.prom", statistics(1)),
        ],
        "docs/audit.md" => {
            vec![
                ("cluster.yaml", CLUSTER.into()),
                ("gateways.yaml", "apiVersion: v1\nkind: List\nitems: []\n".into()),
                ("istio.yaml", ISTIO.into()),
                ("mesh.yaml", MESH_CONFIG.into()),
                ("accepted.yaml", ACCEPTED.into()),
            ]
        }
        "docs/report.md" => {
            vec![
                ("cluster.yaml", CLUSTER.into()),
                ("gateways.yaml", "apiVersion: v1\nkind: List\nitems: []\n".into()),
                ("istio.yaml", ISTIO.into()),
                ("mesh.yaml", MESH_CONFIG.into()),
                ("policy.yaml", POLICY.into()),
                ("access.log", streams()),
            ]
        }
        "docs/logs-and-metrics.md" => vec![("access.log", streams())],
        "docs/monitor-to-enforce.md" => vec![("access.log", access_log())],
        _ => vec![],
    }
}

/// Access log of a proxy in monitor mode for the traffic in the capture, with the columns that the page reads.
fn access_log() -> Vec<u8> {
    let policy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("monitor.yaml");
    assert!(fs::write(&policy, "mode: monitor").is_ok());
    let capture = root().join("cli/tests/cli/checkout.har");
    let entries = panveil(&["replay", &policy.to_string_lossy(), &capture.to_string_lossy(), "--format", "json"], "");
    let entries = entries.unwrap_or_else(|error| panic!("{error}"));
    let entries = entries.lines().flat_map(serde_json::from_str::<Value>);
    let lines = entries.map(|entry| {
        let record = entry.get("record").map(Value::to_string);
        json!({"panveil_record": record}).to_string() + "\n"
    });
    lines.collect::<String>().into()
}

/// Access log of five streams, and a line of Envoy's own log.
fn streams() -> Vec<u8> {
    let finding = |kind, action, count| {
        json!({"direction": "request", "place": "body", "field": "number", "kind": kind, "brand": "visa", "length": 16,
            "action": action, "rule": "charges", "count": count})
    };
    let record = |source: Option<&str>, host, findings: Value| {
        let mut record =
            json!({"version": 1, "action": "masked", "found": 1, "host": host, "path": "/", "findings": findings});
        if let Some(record) = record.as_object_mut() {
            record.insert("mtls".to_owned(), source.is_some().into());
            record.extend(source.map(|source| ("source".to_owned(), source.into())));
        }
        record.to_string()
    };
    let checkout = Some("spiffe://cluster.local/ns/shop/sa/checkout");
    let records = [
        Some(record(checkout, "payments.shop", json!([finding("pan", "allowed", 2)]))),
        Some(record(checkout, "payments.shop", json!([finding("pan", "masked", 1), finding("pin", "masked", 1)]))),
        Some(record(None, "tickets.shop", json!([finding("pan", "masked", 1)]))),
        None,
        None,
    ];
    let line = |(minute, record): (usize, Option<String>)| {
        let path = (minute < 4).then_some("/");
        let uninspected = (minute == 3).then_some("response:encoding");
        let line = json!({"time": format!("2026-11-30T09:0{minute}:00.000Z"), "method": path, "path": path, "protocol": "HTTP/2",
            "panveil_action": record.as_ref().map(|_| "masked"), "panveil_uninspected": uninspected, "panveil_record": record});
        format!("{line}\n")
    };
    let lines: String = records.into_iter().enumerate().map(line).collect();
    format!("2026-11-30T09:00:00Z\tinfo\tEnvoy proxy is ready\n{lines}").into()
}

/// Envoy's config dump with this configuration of panveil's filter, with the fields that the command reads.
fn config_dump(delivered: &Value) -> Vec<u8> {
    let listener = json!({"name": "inbound", "http_filters": [{"name": "panveil", "config_discovery": {}}]});
    let page = json!({"configs": [
        {"@type": "envoy.admin.v3.EcdsConfigDump",
            "ecds_filters": [{
                "ecds_filter": {"name": "panveil", "typed_config": delivered},
                "last_updated": "2026-11-30T12:12:34.217Z",
            }]},
        {"@type": "envoy.admin.v3.ListenersConfigDump", "static_listeners": [{"listener": listener}]},
    ]});
    page.to_string().into()
}

/// Envoy's statistics of an active proxy after so many rejected deliveries, with the samples that the command reads.
fn statistics(rejected: u64) -> Vec<u8> {
    let delivery = "envoy_extension_config_discovery_http_filter_panveil";
    let loaded = rejected.saturating_add(1);
    let accepted_at = if rejected == 0 { 1_796_040_754_300_u64 } else { 1_796_040_752_206 };
    format!(
        "envoy_server_live{{}} 1\npanveil_config_info{{version=\"0.1.0\",mode=\"enforce\"}} 1\n\
         {delivery}_config_reload{{}} {loaded}\n{delivery}_update_success{{}} 1\n\
         {delivery}_update_rejected{{}} {rejected}\n{delivery}_update_time{{}} {accepted_at}\n"
    )
    .into()
}

fn module(mode: &str) -> Value {
    let file = format!("/var/lib/istio/data/{}.wasm", "0123456789abcdef".repeat(4));
    json!({"@type": "envoy.extensions.filters.http.wasm.v3.Wasm", "config": {
        "vm_config": {"code": {"local": {"filename": file}}},
        "configuration": {"@type": "google.protobuf.StringValue", "value": json!({"mode": mode}).to_string()},
    }})
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// Reason why a command does not run here.
pub fn elsewhere(command: &str) -> Option<&'static str> {
    ELSEWHERE.iter().find(|(start, _)| command.starts_with(start)).map(|(_, why)| *why)
}

/// Folder with the parts of the repository that the commands of a page use.
fn folder(page: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs").join(page.replace('/', "-"));
    let _ = fs::remove_dir_all(&folder);
    let panveil = Path::new(env!("CARGO_BIN_EXE_panveil"));
    let links = ["envoy-config", "cli", "docs", "scripts"].map(|name| (root().join(name), name.to_owned()));
    let programs = ["target/release/panveil", "bin/panveil"].map(|name| (panveil.to_owned(), name.to_owned()));
    for (to, name) in links.into_iter().chain(programs) {
        let path = folder.join(name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| symlink(to, &path));
        assert!(made.is_ok(), "{}: {made:?}", path.display());
    }
    for (name, bytes) in given(page) {
        let path = folder.join(name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, bytes));
        assert!(made.is_ok(), "{}: {made:?}", path.display());
    }
    folder
}

/// Runs the commands of a page. Returns the deviations, by line.
fn follow(page: &Document, steps: &[Step]) -> Vec<String> {
    let folder = folder(&page.path);
    let here = folder.to_string_lossy();
    let place = |text: &str| {
        IN_THE_FOLDER.iter().fold(text.to_owned(), |text, name| text.replace(name, &format!("{here}{name}")))
    };
    let search = std::env::var("PATH").unwrap_or_default();
    let path = format!("{here}/bin:{search}");
    let variables = [("PATH", path.as_str()), ("PANVEIL_HMAC_KEY", "00112233445566778899aabbccddeeff")];
    let mut shell = Shell::start(&folder, &variables).unwrap_or_else(|error| panic!("no bash: {error}"));
    let mut problems = Vec::new();
    for step in steps {
        match shell.run(&place(&step.command)) {
            Ok((printed, status)) => {
                if !is_right(&place(&step.shown), &printed, status) {
                    problems
                        .push(format!("{}:{}: {} ends with {status}:\n{printed}", page.path, step.line, step.command));
                }
            }
            Err(error) => {
                problems.push(format!("{}:{}: {}: {error}", page.path, step.line, step.command));
                break;
            }
        }
    }
    problems
}

#[test]
fn every_command_prints_the_shown_output() {
    let mut problems = Vec::new();
    let mut count: usize = 0;
    for document in documents().iter().filter(|document| document.path != IN_ENVOY) {
        let steps: Vec<Step> =
            steps(&document.text).into_iter().filter(|step| elsewhere(&step.command).is_none()).collect();
        if !steps.is_empty() {
            count = count.saturating_add(steps.len());
            problems.extend(follow(document, &steps));
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
    assert!(count > 10, "{count} commands");
}

#[test]
fn every_reason_is_needed() {
    let steps: Vec<Step> = documents().iter().flat_map(|document| steps(&document.text)).collect();
    for (start, why) in ELSEWHERE {
        assert!(
            steps.iter().any(|step| step.command.starts_with(start)),
            "no command begins with {start}, which {why}"
        );
    }
}

#[test]
fn every_option_of_other_programs_exists() {
    for (start, source) in OPTIONS_OF {
        let source = texts(source, ".rs");
        let unknown = |_: &Document, option: &str| {
            let name = option.trim_start_matches('-').replace('-', "_");
            (!source.contains(&format!("    {name}: "))).then(|| format!("{start}has no {option}"))
        };
        let named = |document: &Document| {
            let steps = steps(&document.text);
            let commands = steps.iter().filter(|step| step.command.starts_with(start));
            commands.flat_map(|step| options(&step.command)).collect()
        };
        check("option", named, unknown);
    }
}

/// Checks commands in running text, such as `panveil scan --records FILE`.
#[test]
fn every_subcommand_and_option_exists() {
    let complaint = |_: &Document, line: &str| {
        let mut words = line.split_whitespace();
        let subcommand = words.next().unwrap_or_default();
        match panveil(&[subcommand, "--help"], "") {
            Err(_) => Some(format!("panveil {subcommand}: no such command")),
            Ok(help) => options(line)
                .into_iter()
                .find(|option| !help.contains(option.as_str()))
                .map(|option| format!("panveil {line}: no {option}")),
        }
    };
    let named = |document: &Document| {
        let texts = spans(&document.text).into_iter();
        let texts = texts.chain(
            blocks(&document.text)
                .into_iter()
                .filter(|block| block.language == "console")
                .flat_map(|block| block.text.lines().map(str::to_owned).collect::<Vec<_>>()),
        );
        let lines = texts.filter_map(|text| {
            let line = text.trim_start_matches("$ ");
            line.strip_prefix("panveil ").or(line.strip_prefix("target/release/panveil ")).map(str::to_owned)
        });
        lines.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase())).collect()
    };
    check("subcommand", named, complaint);
}

fn options(command: &str) -> Vec<String> {
    let command = command.split('|').next().unwrap_or_default();
    let words = command.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2);
    words.map(|word| word.split('=').next().unwrap_or_default().to_owned()).collect()
}

/// Output of the command, or the reason of its failure.
pub fn panveil(arguments: &[&str], input: &str) -> Result<String, String> {
    let output = run(arguments, input.as_bytes());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr).trim().to_owned()) }
}
