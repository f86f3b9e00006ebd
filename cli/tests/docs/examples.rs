//! Examples in the documents: every block of JSON, YAML and TOML has a known kind, and only fields of that kind.

use std::collections::BTreeSet;
use std::path::Path;

use panveil::policy::Policy;
use serde_json::{Map, Value};

use crate::markdown::{Block, blocks};
use crate::{documents, read, texts};

/// Languages of blocks without data. Other tests check them, or they show output.
const NO_DATA: [&str; 5] = ["console", "logql", "promql", "sh", "text"];

/// Fields that only a manifest or a kustomization has at its top level.
const MANIFEST: [&str; 4] = ["apiVersion", "spec", "containers", "resources"];

/// Fields of a workflow of GitHub or of a configuration of pre-commit, at its top level, and others that this repository does not use.
const CI: [&str; 2] = ["repos", "steps"];
const OF_CI: &str = " repos repo rev hooks args events sarif_file depth ";

/// Field names of each kind.
struct Fields {
    policy: BTreeSet<String>,
    record: BTreeSet<String>,
    reply: String,
    log: String,
    envoy: String,
    istio: String,
    lines: String,
    cases: String,
    ci: String,
}

impl Fields {
    fn read() -> Self {
        let schema = |name: &str| {
            let text = read(&Path::new("envoy-config/schemas").join(name));
            let schema: Value = serde_json::from_str(&text).unwrap_or_default();
            names(schema.get("properties").and_then(Value::as_object).unwrap_or(&Map::new()))
        };
        Self {
            policy: schema("policy.schema.json"),
            record: schema("record.schema.json"),
            reply: read(Path::new("src/exchange/refusal.rs")),
            log: read(Path::new("envoy-config/standalone/sidecar.yaml")),
            // The shipped files lack some fields; the configurations of the tests have them.
            envoy: texts("envoy-config/standalone", ".yaml")
                + &texts("integration/src", ".rs")
                + &texts("integration/tests/envoy", ".rs"),
            istio: texts("envoy-config/istio", ".yaml"),
            lines: texts("cli/src/scan", ".rs"),
            cases: texts("integration/cases", ".toml"),
            ci: [".pre-commit-hooks.yaml", "action.yml"].map(|path| read(Path::new(path))).concat()
                + &texts(".github/workflows", ".yml")
                + OF_CI,
        }
    }

    /// Error in a block. A block of unknown kind is an error too.
    fn complaint(&self, block: &Block) -> Option<String> {
        let language = block.language.as_str();
        match language {
            "json" => match serde_json::from_str(&block.text) {
                Ok(Value::Object(object)) => self.object(&object, &block.text),
                _ => Some("no JSON object".into()),
            },
            "jsonl" => {
                let objects = block.text.lines().map(serde_json::from_str::<Map<String, Value>>);
                let mut names = objects.flat_map(|object| object.map(|object| names(&object)).unwrap_or_default());
                let unknown = names.find(|name| !self.lines.contains(name.as_str()));
                unknown.map(|name| format!("{name} is in no line of scan --records"))
            }
            "yaml" => self.yaml(&block.text),
            "toml" => unknown(&keys(&block.text, '='), &self.cases, "case"),
            other => (!NO_DATA.contains(&other)).then(|| format!("a block of {other:?} has no check")),
        }
    }

    fn object(&self, object: &Map<String, Value>, text: &str) -> Option<String> {
        let names = names(object);
        if names.is_subset(&self.policy) {
            Policy::parse(text.as_bytes()).err().map(|error| error.to_string())
        } else if names.contains("findings") {
            names.difference(&self.record).next().map(|name| format!("{name} is in no record"))
        } else if names.contains("title") {
            unknown(&names, &self.reply, "reply")
        } else {
            unknown(&names, &self.log, "access log, policy, record or reply")
        }
    }

    fn yaml(&self, text: &str) -> Option<String> {
        let top = text.lines().filter(|line| !line.starts_with([' ', '-', '#'])).map(|line| format!("{line}\n"));
        let top = keys(&top.collect::<String>(), ':');
        if top.is_subset(&self.policy) {
            return checked(text);
        }
        if top.contains("cases") {
            return crate::commands::panveil(&["test", "-"], text).err();
        }
        let keys = keys(text, ':');
        if top.iter().any(|key| CI.contains(&key.as_str())) {
            return unknown(&keys, &self.ci, "workflow or hook");
        }
        if top.iter().any(|key| MANIFEST.contains(&key.as_str())) {
            return unknown(&keys, &self.istio, "manifest")
                .or_else(|| text.contains("pluginConfig").then(|| checked(text)).flatten());
        }
        unknown(&keys, &self.envoy, "configuration of Envoy")
    }
}

/// Error of `panveil check` for a policy in YAML.
fn checked(text: &str) -> Option<String> {
    crate::commands::panveil(&["check", "-"], text).err()
}

fn names(object: &Map<String, Value>) -> BTreeSet<String> {
    object.keys().cloned().collect()
}

fn unknown(names: &BTreeSet<String>, known: &str, kind: &str) -> Option<String> {
    let found = |name: &String| known.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name);
    names.iter().find(|name| !found(name)).map(|name| format!("{name} is in no {kind}"))
}

/// Words in front of this sign. A word that continues behind the sign does not count.
fn keys(text: &str, sign: char) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for line in text
        .lines()
        .map(|line| line.split(" #").next().unwrap_or_default())
        .filter(|line| !line.trim_start().starts_with('#'))
    {
        let mut parts = line.split(sign).peekable();
        while let (Some(part), Some(next)) = (parts.next(), parts.peek()) {
            let ends = next.is_empty() || next.starts_with(' ');
            let word = part.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
            let quoted = part.matches('"').count() % 2 == 1 || part.matches('\'').count() % 2 == 1;
            if ends && !quoted && word.starts_with(|c: char| c.is_ascii_alphabetic()) {
                all.insert(word.to_owned());
            }
        }
    }
    all
}

#[test]
fn every_example_is_valid() {
    let fields = Fields::read();
    let mut problems = Vec::new();
    let mut policies: usize = 0;
    for document in documents() {
        for block in blocks(&document.text) {
            let complaint = fields.complaint(&block);
            problems.extend(complaint.map(|complaint| format!("{}:{}: {complaint}", document.path, block.line)));
            let is_policy = block.language == "json" && Policy::parse(block.text.as_bytes()).is_ok();
            policies = policies.saturating_add(usize::from(is_policy));
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
    assert!(policies > 9, "{policies} policies in all documents");
}

#[test]
fn invalid_examples_are_reported() {
    let fields = Fields::read();
    let complaint =
        |language: &str, text: &str| fields.complaint(&Block { language: language.into(), text: text.into(), line: 1 });
    for (language, text) in [
        ("json", "{\"request\": \"mask\"}"),
        ("json", "{\"version\": 1, \"findings\": []}"),
        ("json", "{\"title\": \"a\", \"status\": 403}"),
        ("json", "{\"panveil_action\": \"masked\"}"),
        ("yaml", "failure_policy: FAIL_RELOAD\n"),
        ("yaml", "apiVersion: a\nspec:\n  phase: AUTHN\n"),
        ("yaml", "policy: {}\ncases: [{name: a, request: {}, expect: {action: clean}}]\n"),
        ("text", "requst"),
    ] {
        assert_eq!(complaint(language, text), None, "{text}");
    }
    for (language, text) in [
        ("json", "{\"requst\": 1}"),
        ("json", "{\"request\": \"maks\"}"),
        ("json", "{\"findings\": [], \"acton\": 1}"),
        ("json", "{\"title\": \"a\", \"statsu\": 403}"),
        ("json", "[]"),
        ("yaml", "failure_polizy: FAIL_RELOAD\n"),
        ("yaml", "steps:\n- uzes: a\n"),
        ("yaml", "apiVersion: a\nspec:\n  phse: AUTHN\n"),
        ("yaml", "policy: {}\ncases: [{name: a, request: {}, expect: {action: masked}}]\n"),
        ("ymal", "a: 1\n"),
    ] {
        assert!(complaint(language, text).is_some(), "{text}");
    }
}
