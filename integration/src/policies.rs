//! Generator of policies from the shipped schema: valid ones, and invalid ones with one error.

use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};

/// Schema that operators use in their editors.
pub const SCHEMA: &str = include_str!("../../envoy-config/schemas/policy.schema.json");

/// Secret in an invalid policy, which no error message may contain.
pub const SECRET: &str = "S3cret-4111111111111111";

/// Infinite sequence of policies.
#[derive(Debug)]
pub struct Policies {
    schema: Value,
    random: ChaCha8Rng,
    names: u32,
}

/// Maximum number of items in a generated list.
const MOST_ITEMS: u64 = 3;

/// Probability of an optional field.
const FIELD: f64 = 0.4;

impl Policies {
    /// Sequence for this seed.
    ///
    /// # Panics
    ///
    /// When the shipped schema is no JSON.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let schema = serde_json::from_str(SCHEMA).expect("the shipped schema is JSON");
        Self { schema, random: ChaCha8Rng::seed_from_u64(seed), names: 0 }
    }

    /// Policy that is valid by the schema. It may still be rejected, because some fields exclude each other.
    pub fn fitting(&mut self) -> Value {
        let schema = self.schema.clone();
        let mut policy = self.value("", &schema);
        reconcile(&mut policy);
        policy
    }

    /// Policy with one invalid value, name or character, as text.
    pub fn broken(&mut self) -> String {
        let policy = self.fitting();
        self.broken_from(policy)
    }

    /// `policy` with one invalid value, name or character, as text.
    pub fn broken_from(&mut self, mut policy: Value) -> String {
        if policy.as_object().is_none_or(Map::is_empty) {
            policy = json!({"mode": "enforce"});
        }
        if self.random.random_bool(0.1) {
            let text = policy.to_string();
            return text[..self.random.random_range(1..text.len())].to_owned();
        }
        let mut pointers = Vec::new();
        collect(&policy, String::new(), &mut pointers);
        let pointer = pointers.choose(&mut self.random).cloned().unwrap_or_default();
        if let Some(place) = policy.pointer_mut(&pointer) {
            self.break_value(place);
        }
        policy.to_string()
    }

    fn break_value(&mut self, place: &mut Value) {
        if let (Value::Object(fields), true) = (&mut *place, self.random.random_bool(0.5)) {
            fields.insert("unknown_field".into(), json!(SECRET));
            return;
        }
        let wrong = [
            json!(SECRET),
            json!(null),
            json!(-1),
            json!(1.5),
            json!(1e300),
            json!(u64::MAX),
            json!([[]]),
            json!({"a": SECRET}),
            json!("x".repeat(100_000)),
            json!(""),
            json!("\u{0}\n\"\\"),
            json!(vec![json!(SECRET); 2000]),
        ];
        let others: Vec<&Value> = wrong.iter().filter(|other| *other != place).collect();
        if let Some(other) = others.choose(&mut self.random) {
            *place = (*other).clone();
        }
    }

    fn value(&mut self, name: &str, schema: &Value) -> Value {
        if let Some(words) = schema["enum"].as_array() {
            return words.choose(&mut self.random).cloned().unwrap_or_default();
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            let choice = choices.choose(&mut self.random).cloned().unwrap_or_default();
            return self.value(name, &choice);
        }
        match schema["type"].as_str() {
            Some("boolean") => json!(self.random.random_bool(0.5)),
            Some("integer") => {
                let bound = |name: &str| schema[name].as_u64().unwrap_or_default();
                json!(self.random.random_range(bound("minimum")..=bound("maximum")))
            }
            Some("array") => {
                let least = schema["minItems"].as_u64().unwrap_or_default();
                let count = self.random.random_range(least..=MOST_ITEMS);
                (0..count).map(|_| self.value(name, &schema["items"])).collect()
            }
            Some("object") => self.object(schema),
            _ => json!(self.text(name)),
        }
    }

    fn object(&mut self, schema: &Value) -> Value {
        let Some(known) = schema["properties"].as_object() else { return json!({}) };
        let mut fields = Map::new();
        if schema["maxProperties"] == 1 {
            let names: Vec<&String> = known.keys().collect();
            let name = names.choose(&mut self.random).map(|name| (*name).clone()).unwrap_or_default();
            fields.insert(name.clone(), self.value(&name, &known[&name]));
            return Value::Object(fields);
        }
        for (name, field) in known {
            let needed = schema["required"].as_array().is_some_and(|needed| needed.contains(&json!(name)));
            if needed || self.random.random_bool(FIELD) {
                fields.insert(name.clone(), self.value(name, field));
            }
        }
        Value::Object(fields)
    }

    /// Text for a field with this name.
    fn text(&mut self, name: &str) -> String {
        let texts: &[&str] = match name {
            "name" => {
                self.names += 1;
                return format!("rule-{}", letters(self.names));
            }
            "regex" => &["/v1/[a-z]{1,20}", "\\bEMP-[0-9]{6}\\b", "[A-Z]{2}[0-9]{2}", "/(a|b)"],
            "exact" | "prefix" => &["/", "/v1/charges", "/v1", "/a/b/c"],
            "method" => &["GET", "POST", "PUT"],
            "host" => &["api.example.com", "*.example.com", "localhost"],
            "content_type" => &["application/json", "text/*"],
            "source" | "destination" => &["spiffe://cluster.local/ns/shop/sa/web", "spiffe://*/ns/pay/*"],
            "include" | "exclude" => &["shop", "payments", "kube-system"],
            "body" => &["refused", ""],
            "remote_ip" => &["10.0.0.0/8", "2001:db8::1", "::/0"],
            "route" | "cluster" => &["default", "outbound|443||*", "*.example.com"],
            "kind" => &["pan", "track", "chip", "verification_code", "pin", "pattern", "value"],
            "field" => &["pan", "card.number", "*.holder.ssn", "card.*"],
            "near" | "not_near" => &["routing number", "ssn", "Steuer-Nr."],
            "expires" => &["1999-12-31", "2100-02-28"],
            _ => &["order_id", "kto", "x-ticket"],
        };
        texts.choose(&mut self.random).copied().unwrap_or_default().to_owned()
    }
}

/// Changes fields that exclude each other, so that most policies are accepted.
fn reconcile(policy: &mut Value) {
    let detects_codes = policy.pointer("/detect/authentication_data") != Some(&json!(false));
    let has_patterns =
        policy.pointer("/detect/patterns").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    for rule in policy.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten() {
        let may_test_findings = rule["action"] != "skip";
        let may_select_values = ["mask", "block"].iter().any(|action| rule["action"] == *action);
        for pointer in ["/match", "/match/not"] {
            let Some(Value::Object(condition)) = rule.pointer_mut(pointer) else { continue };
            if !(may_test_findings && detects_codes && has_patterns) {
                condition.remove("kind");
            }
            if !may_test_findings {
                condition.remove("field");
            }
            let values = json!("value");
            let Some(Value::Array(kinds)) = condition.get_mut("kind") else { continue };
            if pointer == "/match" && may_select_values && kinds.contains(&values) {
                condition.insert("where".to_owned(), json!(["body"]));
                condition.insert("field".to_owned(), json!(["ssn"]));
            } else {
                kinds.retain(|kind| *kind != values);
                kinds.push(json!("pan"));
            }
            for header in condition.get_mut("header").into_iter() {
                let headers = if let Value::Array(list) = header { list.iter_mut().collect() } else { vec![header] };
                for header in headers.into_iter().filter_map(Value::as_object_mut) {
                    header.retain(|field, _| field == "name");
                    header.insert("prefix".to_owned(), json!("a"));
                }
            }
        }
        let uses_upstream = |pointer: &str| rule.pointer(pointer).is_some();
        if ["destination", "status", "not/destination", "not/status"]
            .iter()
            .any(|name| uses_upstream(&format!("/match/{name}")))
        {
            rule["match"]["direction"] = json!("response");
            rule["match"]["where"] = json!(["body"]);
        }
        if rule.pointer("/match/not") == Some(&json!({})) {
            rule["match"]["not"] = json!({"where": ["trailers"]});
        }
    }
}

/// Number in letters, since names have few digits.
fn letters(number: u32) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

/// JSON pointers of all values in `value`.
fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), field)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        collect(child, format!("{pointer}/{name}"), pointers);
    }
    pointers.push(pointer);
}
