//! Records as events of the Open Cybersecurity Schema Framework: class Data Security Finding (2006), profile `security_control`.
//!
//! docs/logs-and-metrics.md has the mapping as a table. The names and numbers are those of <https://schema.ocsf.io/1.8.0>; version
//! 1.4.0 has the same.

use crate::report::property::Property;
use crate::report::record::{Finding, Record};
use crate::report::safe_text::SafeText;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use panveil::policy::Outcome;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::IpAddr;

const SCHEMA_VERSION: &str = "1.8.0";

/// Bytes of the hash in a `finding_info.uid`.
const UID_BYTES: usize = 16;

/// Number in the schema, with its caption.
type Caption = (u32, &'static str);

/// Event for a record with findings of a stream at `time`, in milliseconds since 1970.
pub fn event(record: &Record, time: u64) -> Value {
    let outcome = outcome(record);
    let (action, disposition) = control(outcome);
    let severity = severity(record);
    let found = record.findings.iter().fold(record.findings_beyond, |sum, finding| sum.saturating_add(finding.count));
    let request = request_line(record);
    let mut event = json!({
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2006,
        "class_name": "Data Security Finding",
        "type_uid": 200_601,
        "type_name": "Data Security Finding: Create",
        "time": time,
        "severity_id": severity.0,
        "severity": severity.1,
        "status_id": 1,
        "status": "New",
        "action_id": action.0,
        "action": action.1,
        "disposition_id": disposition.0,
        "disposition": disposition.1,
        "is_alert": severity.0 > LOW.0,
        "count": found,
        "message": format!("{}: payment card data in HTTP traffic", outcome.as_str()),
        "metadata": {
            "version": SCHEMA_VERSION,
            "profiles": ["security_control"],
            "product": {"name": "panveil", "vendor_name": "panveil"},
            "log_name": "panveil_record",
            "log_version": panveil::audit::RECORD_VERSION.to_string(),
            "correlation_uid": text(&record.request_id),
        },
        "finding_info": {
            "title": "Payment card data in HTTP traffic",
            "types": names(record, |finding| &finding.kind),
            "data_sources": ["Envoy access log"],
        },
        "data_security": data_security(record),
        "policy": {"name": names(record, |finding| &finding.rule).join(",")},
        "src_endpoint": source(record),
        "dst_endpoint": destination(record),
        "actor": {"app_name": text(&record.source)},
        // A resource needs a name.
        "resources": (!request.is_empty()).then(|| json!([{"type": "HTTP request", "name": request}])),
        "unmapped": unmapped(record),
    });
    remove_empty(&mut event);
    let uid = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(event.to_string()).get(..UID_BYTES).unwrap_or_default());
    if let Some(info) = event.get_mut("finding_info").and_then(Value::as_object_mut) {
        // The same line gives the same id, so that a receiver can drop duplicates.
        info.insert("uid".to_owned(), uid.into());
    }
    event
}

/// Strictest outcome of the findings, or that of the stream if it was blocked for another reason.
fn outcome(record: &Record) -> Outcome {
    if &*record.action == Outcome::Blocked.as_str() {
        return Outcome::Blocked;
    }
    record.findings.iter().filter_map(Finding::outcome).max().unwrap_or(Outcome::Clean)
}

/// `action_id` and `disposition_id` of the profile `security_control`.
fn control(outcome: Outcome) -> (Caption, Caption) {
    match outcome {
        Outcome::Blocked => ((2, "Denied"), (2, "Blocked")),
        Outcome::Masked => ((4, "Modified"), (11, "Corrected")),
        Outcome::Allowed => ((1, "Allowed"), (1, "Allowed")),
        Outcome::Reported => ((3, "Observed"), (15, "Detected")),
        Outcome::Uninspected | Outcome::Clean => ((0, "Unknown"), (0, "Unknown")),
    }
}

const LOW: Caption = (2, "Low");

/// `severity_id`: what the receiver got decides.
fn severity(record: &Record) -> Caption {
    let is = |finding: &Finding, outcome| finding.outcome() == Some(outcome);
    if record.findings.iter().any(|finding| finding.has_passed() && finding.is_authentication_data()) {
        (4, "High")
    } else if record.findings.iter().any(|finding| is(finding, Outcome::Reported)) {
        (3, "Medium")
    } else if record.findings.iter().all(|finding| is(finding, Outcome::Allowed)) {
        (1, "Informational")
    } else {
        LOW
    }
}

fn data_security(record: &Record) -> Value {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for finding in &record.findings {
        let count = kinds.entry(&finding.kind).or_default();
        *count = count.saturating_add(finding.count);
    }
    let details = kinds.into_iter().map(|(kind, count)| json!({"type": safe(kind), "count": count}));
    let is_payment = record.findings.iter().any(Finding::is_account_data);
    let category: Caption = if is_payment { (3, "Financial") } else { (99, "Other") };
    json!({
        "category_id": category.0,
        "category": category.1,
        "data_lifecycle_state_id": 2,
        "data_lifecycle_state": "Data in-Transit",
        "detection_system_id": 2,
        "detection_system": "DLP Gateway",
        "detection_pattern": names(record, |finding| &finding.pattern).join(","),
        "discovery_details": details.collect::<Vec<Value>>(),
    })
}

fn source(record: &Record) -> Value {
    let address = record.client.as_deref().and_then(address);
    json!({"ip": address, "svc_name": text(&record.source)})
}

fn destination(record: &Record) -> Value {
    let host = record.host.as_deref().unwrap_or_default();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port.parse::<u16>().ok()),
        _ => (host, None),
    };
    let address = address(name);
    let name = if address.is_none() { safe(name) } else { String::new() };
    let service = text(&record.destination).or_else(|| text(&record.cluster));
    json!({"ip": address, "hostname": name, "port": port, "svc_name": service})
}

/// Address in the notation of the schema. A redacted one is none, and neither is one whose groups are a card number.
fn address(text: &str) -> Option<String> {
    let address = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok()?.to_string();
    // A colon separates no groups of a card number.
    let dashed = address.replace(':', "-");
    (safe(&dashed) == dashed).then_some(address)
}

fn request_line(record: &Record) -> String {
    let parts = [&record.method, &record.path].into_iter().filter_map(text);
    parts.collect::<Vec<String>>().join(" ")
}

/// Fields of the record without an attribute in the schema, by their own names.
fn unmapped(record: &Record) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "direction": safe(&finding.direction),
            "place": safe(&finding.place),
            "field": safe(&finding.field),
            "kind": safe(&finding.kind),
            "brand": safe(&finding.brand),
            "pattern": safe(&finding.pattern),
            "action": safe(&finding.action),
            "rule": safe(&finding.rule),
            "count": finding.count,
        })
    };
    let uninspected = record.uninspected.iter();
    let limits = record.limits.iter();
    json!({
        "action": safe(&record.action),
        "authentication_data": record.authentication_data.then_some(true),
        "route": text(&record.route),
        "cluster": text(&record.cluster),
        "mtls": record.mtls,
        "findings": record.findings.iter().map(finding).collect::<Vec<Value>>(),
        "findings_beyond": (record.findings_beyond > 0).then_some(record.findings_beyond),
        "uninspected": uninspected
            .map(|note| json!({"direction": safe(&note.direction), "reason": safe(&note.reason)}))
            .collect::<Vec<Value>>(),
        "limits": limits
            .map(|note| json!({"direction": safe(&note.direction), "limit": safe(&note.limit)}))
            .collect::<Vec<Value>>(),
    })
}

/// A property of each finding, once.
fn names(record: &Record, property: impl Fn(&Finding) -> &Property) -> Vec<String> {
    let mut names = Vec::new();
    for name in record.findings.iter().map(property).filter(|name| !name.is_empty()).map(|name| safe(name)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn text(property: &Option<Property>) -> Option<String> {
    property.as_deref().map(safe)
}

fn safe(text: &str) -> String {
    SafeText::of(text).as_str().to_owned()
}

/// Removes attributes without a value, and objects without an attribute: the schema has no null.
fn remove_empty(value: &mut Value) {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(remove_empty);
            fields.retain(|_, value| !is_empty(value));
        }
        Value::Array(items) => items.iter_mut().for_each(remove_empty),
        _ => {}
    }
}
