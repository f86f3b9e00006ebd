//! Names in the documents exist: metrics, log columns, filter state, response code details, alerts and policy fields.

use std::path::Path;

use crate::markdown::spans;
use crate::{Document, check, read, texts};

/// Prefixes of nested policy fields.
const SECTIONS: [&str; 7] = ["audit.", "block.", "detect.", "limits.", "mask.", "namespaces.", "rules[]."];

/// Words of a text with this start, and the characters that continue them.
fn words(text: &str, start: &str, belongs: fn(char) -> bool) -> Vec<String> {
    let all = text.match_indices(start).filter(|(at, _)| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || "_/-.".contains(c))
    });
    all.map(|(at, _)| text.get(at..).unwrap_or_default().chars().take_while(|c| belongs(*c)).collect()).collect()
}

#[test]
fn every_metric_and_column_exists() {
    let code = texts("src", ".rs");
    let shipped = texts("envoy-config", ".yaml");
    let missing = |_: &Document, word: &str| {
        // The labels precede the last part of the name. Without tag rules they stay there.
        let counter = word
            .strip_suffix("_total")
            .or(word.strip_suffix("_info"))
            .or(word.split_once("____").map(|(name, _)| name));
        let counted = counter.is_some_and(|name| {
            ["_direction=.=", "_version=.=", "_tls=.=", "=.="]
                .iter()
                .any(|label| code.contains(&format!("\"{name}{label}")))
        });
        let written =
            counter.is_none() && (code.contains(&format!("\"{word}")) || shipped.contains(&format!(" {word}: ")));
        // `proxy:panveil_expected` is recorded by a rule of Prometheus.
        let recorded = shipped.lines().any(|line| {
            line.trim_start().starts_with("- record: ") && line.rsplit_once(':').is_some_and(|(_, name)| name == word)
        });
        (!counted && !written && !recorded).then(|| format!("{word} does not exist"))
    };
    let named = |document: &Document| {
        let all = words(&document.text, "panveil_", |c| c.is_ascii_alphanumeric() || "_:".contains(c));
        // `panveil_codings::Layer` is code.
        all.into_iter()
            .filter(|word| !word.contains("::"))
            .map(|word| word.trim_end_matches(['_', ':']).to_owned())
            .filter(|word| word != "panveil")
            .collect()
    };
    check("metric", named, missing);
}

#[test]
fn every_filter_state_exists() {
    let shipped = texts("envoy-config/standalone", ".yaml");
    let code = texts("src", ".rs");
    let missing = |_: &Document, key: &str| {
        let key = key.trim_start_matches("wasm.panveil.");
        let set = shipped.contains(&format!("wasm.panveil.{key}:")) || code.contains(&format!("\"{key}\""));
        (!set).then(|| format!("wasm.panveil.{key} is not set"))
    };
    let named = |document: &Document| {
        let all =
            words(&document.text.replace('(', " "), "wasm.panveil.", |c| c.is_ascii_lowercase() || "_.".contains(c));
        // `wasm.panveil.vm_…` are counters of Envoy. `<key>` is a placeholder.
        all.into_iter().filter(|word| !word.ends_with('.') && !word.contains(".vm_")).collect()
    };
    check("filter state", named, missing);
}

#[test]
fn every_alert_exists() {
    let rules = read(Path::new("envoy-config/prometheus/rules.yaml"));
    let missing = |_: &Document, name: &str| {
        (!rules.contains(&format!("alert: {name}\n"))).then(|| format!("there is no alert {name}"))
    };
    let named = |document: &Document| words(&document.text, "Panveil", |c| c.is_ascii_alphanumeric());
    check("alert", named, missing);
}

#[test]
fn every_field_of_a_policy_exists() {
    let reference = read(Path::new("docs/policy-reference.md"));
    let missing = |_: &Document, name: &str| {
        (!reference.contains(&format!("| `{name}` |"))).then(|| format!("no policy has a field {name}"))
    };
    let named = |document: &Document| {
        let spans = spans(&document.text).into_iter().map(|span| span.split(':').next().unwrap_or_default().to_owned());
        let is_field = |span: &String| {
            let name = |c: char| c.is_ascii_lowercase() || "_.[]".contains(c);
            SECTIONS.iter().any(|section| span.starts_with(section)) && span.chars().all(name)
        };
        spans.filter(is_field).collect()
    };
    check("field", named, missing);
}

#[test]
fn names_are_found_in_text() {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    assert_eq!(words("`panveil_a`, xpanveil_b panveil_c{d}", "panveil_", name), ["panveil_a", "panveil_c"]);
}
