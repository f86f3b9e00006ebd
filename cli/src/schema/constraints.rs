//! Combinations of valid fields that the parser of policies rejects, as far as a schema can describe them.

use serde_json::{Value, json};

/// Adds the constraints to the schema of a policy.
pub fn add(policy: &mut Value) {
    insert(policy, "", "allOf", audit());
    insert(policy, "/properties/rules/items", "allOf", rule());
    insert(policy, "/properties/rules/items/properties/match", "allOf", condition());
    // Records use these names if no rule matches.
    insert(policy, "/properties/rules/items/properties/name", "not", json!({ "enum": ["request", "response"] }));
}

fn insert(schema: &mut Value, pointer: &str, keyword: &str, value: Value) {
    if let Some(Value::Object(schema)) = schema.pointer_mut(pointer) {
        schema.insert(keyword.to_owned(), value);
    }
}

/// Constraints on the audit record.
fn audit() -> Value {
    let truncated = json!({
        "properties": { "audit": { "properties": { "truncated": { "const": true } }, "required": ["truncated"] } },
        "required": ["audit"],
    });
    let fingerprint = json!({
        "properties": { "audit": { "properties": { "fingerprint": { "const": true } }, "required": ["fingerprint"] } },
    });
    let keeps_none = json!({
        "properties": { "mask": { "properties": { "keep": { "const": "none" } }, "required": ["keep"] } },
        "required": ["mask"],
    });
    json!([{ "if": truncated, "then": { "not": { "anyOf": [fingerprint, keeps_none] } } }])
}

/// Constraints on a rule: one that protects card numbers does not expire, and one that skips finds nothing.
fn rule() -> Value {
    let passes = json!({ "properties": { "action": { "enum": ["allow", "skip"] } } });
    let monitors = json!({ "properties": { "mode": { "const": "monitor" } }, "required": ["mode"] });
    let tests = json!({ "anyOf": [{ "required": ["kind"] }, { "required": ["field"] }] });
    let negated = json!({ "properties": { "not": tests }, "required": ["not"] });
    let tests_findings = json!({ "properties": { "match": { "anyOf": [tests, negated] } }, "required": ["match"] });
    let selects_values = json!({ "properties": { "match": value_kind() }, "required": ["match"] });
    json!([
        { "if": selects_values, "then": { "properties": { "action": { "enum": ["mask", "block"] } } } },
        { "if": { "required": ["expires"] }, "then": { "anyOf": [passes, monitors] } },
        { "if": tests_findings, "then": { "not": { "properties": { "action": { "const": "skip" } } } } },
    ])
}

/// Constraints on a condition: only responses have an upstream, and only requests a path.
fn condition() -> Value {
    let is_response = json!({ "properties": { "direction": { "const": "response" } }, "required": ["direction"] });
    let is_path = json!({ "properties": { "where": { "const": ["path"] } }, "required": ["where"] });
    let is_any = json!({ "not": { "required": ["direction"] } });
    let of_upstream = json!({ "anyOf": [{ "required": ["destination"] }, { "required": ["status"] }] });
    let negated = json!({ "properties": { "not": of_upstream }, "required": ["not"] });
    let is_negated_response = json!({ "properties": { "not": is_response } });
    let of_body = json!({ "properties": { "where": { "const": ["body"] } }, "required": ["where", "field"] });
    json!([
        { "if": value_kind(), "then": of_body },
        { "not": { "properties": { "not": value_kind() }, "required": ["not"] } },
        { "if": of_upstream, "then": is_response },
        { "if": negated, "then": { "anyOf": [is_response, { "allOf": [is_any, is_negated_response] }] } },
        { "if": is_response, "then": { "not": is_path } },
    ])
}

/// Condition that selects values of fields.
fn value_kind() -> Value {
    json!({ "properties": { "kind": { "contains": { "const": "value" } } }, "required": ["kind"] })
}
