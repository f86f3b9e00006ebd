//! Policy parser: a policy is accepted completely or rejected. Every field of the shipped schema is tested with valid,
//! invalid and hostile values, and generated policies are tested too.

use std::sync::LazyLock;

use panveil::policy::Policy;
use panveil_integration::policies::{Policies, SCHEMA, SECRET};
use serde_json::{Value, json};

const SEED: u64 = 5;
const DRAWN: usize = 1000;

/// Fields that accept any short text.
const FREE_TEXT: [&str; 8] = [
    "block.body",
    "detect.patterns[].regex",
    "rules[].match.path.regex",
    "rules[].match.header.exact",
    "rules[].match.header.prefix",
    "rules[].match.not.path.regex",
    "rules[].match.not.header.exact",
    "rules[].match.not.header.prefix",
];

/// Maximum length of an error message.
const LONGEST_ERROR: usize = 400;

/// Surroundings of a field, with `@` in its place.
fn around(path: &str) -> String {
    match path.split_once("[].") {
        Some(("detect.patterns", "name")) => r#"{"detect":{"patterns":[{"regex":"a","name":@}]}}"#.into(),
        Some(("detect.patterns", "regex")) => r#"{"detect":{"patterns":[{"name":"a","regex":@}]}}"#.into(),
        Some(("detect.patterns", rest)) => {
            format!(r#"{{"detect":{{"patterns":[{{"name":"a","regex":"a","{rest}":@}}]}}}}"#)
        }
        Some(("rules", "name")) => r#"{"rules":[{"action":"mask","name":@}]}"#.into(),
        Some(("rules", "action")) => r#"{"rules":[{"name":"a","action":@}]}"#.into(),
        Some(("rules", rest)) => rule(&nested(rest))
            // Fields that need another one.
            .replace(r#""header":{"name":@}"#, r#""header":{"name":@,"present":true}"#)
            .replace(r#""header":{"exact""#, r#""header":{"name":"a","exact""#)
            .replace(r#""header":{"prefix""#, r#""header":{"name":"a","prefix""#)
            .replace(r#""header":{"present""#, r#""header":{"name":"a","present""#)
            .replace(r#""match":{"#, r#""match":{"direction":"response","#)
            .replace(r#""direction":"response","direction""#, r#""direction""#)
            .replace(r#""direction":"response","where":@"#, r#""where":@"#),
        _ => nested(path),
    }
}

fn rule(rest: &str) -> String {
    format!(r#"{{"rules":[{{"name":"a","action":"mask",{}]}}"#, &rest[1..])
}

fn nested(path: &str) -> String {
    path.rsplit('.').fold("@".to_owned(), |inner, name| format!("{{\"{name}\":{inner}}}"))
}

/// Every field of the schema, by its path in errors and on the reference page.
fn fields(object: &Value, path: &str, all: &mut Vec<(String, Value)>) {
    for (name, field) in object["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        all.push((path.clone(), field.clone()));
        fields(field, &path, all);
        fields(&field["items"], &format!("{path}[]"), all);
        fields(&field["anyOf"][0], &path, all);
    }
}

static FIELDS: LazyLock<Vec<(String, Value)>> = LazyLock::new(|| {
    let mut all = Vec::new();
    fields(&serde_json::from_str(SCHEMA).expect("a schema"), "", &mut all);
    assert!(all.len() > 40, "{} fields", all.len());
    all
});

/// Error for this value at this path.
fn refused(path: &str, value: &Value) -> String {
    let text = around(path).replace('@', &value.to_string());
    let error = match Policy::parse(text.as_bytes()) {
        Ok(_) => panic!("{path}: {} is accepted", shorten(&text)),
        Err(error) => error.to_string(),
    };
    sentence(&error);
    let place = path.replace("[]", "[0]");
    assert!(error.starts_with(&format!("policy: {place}")), "{path}: {}: {error}", shorten(&text));
    error
}

/// Checks that an error is one actionable line: it names the expected value, or a suggestion.
fn sentence(error: &str) {
    assert!(error.len() <= LONGEST_ERROR && error.lines().count() == 1, "{error}");
    assert!(!error.contains(SECRET) && !error.contains("xxxxxxxx"), "{error}");
    let says = ["expected ", "did you mean", "missing field", "more than once", "larger than", "not JSON"];
    assert!(says.iter().any(|words| error.contains(words)), "{error}");
}

fn accepted(path: &str, value: &Value) {
    let text = around(path).replace('@', &value.to_string());
    if let Err(error) = Policy::parse(text.as_bytes()) {
        panic!("{path}: {} is refused: {error}", shorten(&text));
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(200).collect()
}

#[test]
fn every_field_takes_what_the_schema_says_and_nothing_else() {
    for (path, field) in FIELDS.iter() {
        let own_words: Vec<Value> = field["enum"].as_array().cloned().unwrap_or_default();
        for word in &own_words {
            accepted(path, word);
        }
        match field["type"].as_str() {
            Some("integer") => {
                let bound = |name: &str| field[name].as_i64().expect("a bound");
                accepted(path, &json!(bound("minimum")));
                accepted(path, &json!(bound("maximum")));
                for wrong in [json!(bound("minimum") - 1), json!(bound("maximum") + 1), json!(u64::MAX), json!(1e300)] {
                    refused(path, &wrong);
                }
            }
            Some("boolean") => [true, false].iter().for_each(|value| accepted(path, &json!(value))),
            Some("array") => {
                if field["minItems"] == 1 {
                    refused(path, &json!([]));
                } else {
                    accepted(path, &json!([]));
                }
                refused(path, &json!([[]]));
                refused(path, &json!({}));
            }
            Some("object") => {
                refused(path, &json!([]));
                refused(path, &json!("{}"));
            }
            _ => {}
        }
        let kinds = field["type"].to_string();
        for wrong in [json!(true), json!(1.5), json!(7), json!(null), json!({"a": SECRET}), json!([[SECRET]])] {
            let kind = match &wrong {
                Value::Bool(_) => "boolean",
                Value::Number(number) if number.is_f64() => "number",
                Value::Number(_) => "integer",
                Value::Null => "null",
                Value::Array(_) => "array",
                _ => "object",
            };
            // The fields of an object or a list have tests of their own.
            if !kinds.contains(&format!("\"{kind}\"")) || kind == "array" {
                refused(path, &wrong);
            }
        }
    }
}

#[test]
fn every_field_refuses_what_is_far_too_large() {
    for (path, field) in FIELDS.iter() {
        refused(path, &json!("x".repeat(10_000)));
        if !FREE_TEXT.contains(&path.as_str()) {
            refused(path, &json!(SECRET));
        }
        if let Some(most) = field["maxItems"].as_u64() {
            let error = refused(path, &json!(vec![json!(SECRET); usize::try_from(most).expect("few") + 1]));
            assert!(!error.contains(SECRET));
        }
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let large = format!(r#"{{"block":{{"body":"{}"}}}}"#, "x".repeat(2 << 20));
    for text in [deep, large] {
        let error = Policy::parse(text.as_bytes()).err().expect("refused").to_string();
        sentence(&error);
    }
}

#[test]
fn every_object_knows_its_fields_and_no_others() {
    let mut objects = vec![(String::new(), serde_json::from_str(SCHEMA).expect("a schema"))];
    for (path, field) in FIELDS.iter() {
        if field["properties"].is_object() {
            objects.push((path.clone(), field.clone()));
        } else if field["items"]["properties"].is_object() {
            objects.push((format!("{path}[]"), field["items"].clone()));
        } else if field["anyOf"][0]["properties"].is_object() {
            objects.push((path.clone(), field["anyOf"][0].clone()));
        }
    }
    for (path, object) in objects {
        let unknown = json!({"zz": SECRET});
        let text = match path.strip_suffix("[]") {
            Some(list) => around(list).replace('@', &json!([unknown]).to_string()),
            None if path.is_empty() => unknown.to_string(),
            None => around(&path).replace('@', &unknown.to_string()),
        };
        let error = Policy::parse(text.as_bytes()).err().expect("refused").to_string();
        let mut known: Vec<&str> =
            object["properties"].as_object().expect("fields").keys().map(String::as_str).collect();
        known.sort_unstable();
        let mut told: Vec<&str> = error.split("; expected one of ").nth(1).unwrap_or_default().split(", ").collect();
        told.sort_unstable();
        assert_eq!(told, known, "{path}: {error}");
        sentence(&error);
        // Misspelled name.
        let first = known.first().expect("a field");
        let error = Policy::parse(text.replace("zz", &format!("{first}x")).as_bytes()).err().expect("refused");
        assert!(error.to_string().contains(&format!("did you mean \"{first}\"?")), "{path}: {error}");
    }
}

#[test]
fn drawn_policies_are_taken_whole_or_refused() {
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).expect("a schema")).expect("a valid schema");
    let mut policies = Policies::new(SEED);
    let (mut taken, mut turned_down) = (0, 0);
    for number in 0..DRAWN {
        let fitting = policies.fitting();
        match Policy::parse(fitting.to_string().as_bytes()) {
            Ok(policy) => {
                taken += 1;
                assert!(schema.is_valid(&fitting), "seed {SEED}, number {number}: {fitting}");
                is_in_effect(&fitting, &policy);
            }
            Err(error) => sentence(&error.to_string()),
        }
        let broken = policies.broken();
        match Policy::parse(broken.as_bytes()) {
            // The replacement may be valid too.
            Ok(_) => assert!(serde_json::from_str(&broken).is_ok_and(|broken| schema.is_valid(&broken)), "{broken}"),
            Err(error) => {
                turned_down += 1;
                sentence(&error.to_string());
            }
        }
    }
    assert!(taken > DRAWN / 2, "only {taken} of {DRAWN} fitting policies are taken");
    assert!(turned_down > DRAWN * 9 / 10, "only {turned_down} of {DRAWN} broken policies are refused");
}

#[test]
fn the_schema_refuses_combinations_and_spellings_that_the_parser_refuses() {
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).expect("a schema")).expect("a valid schema");
    let rule = |fields: &str| format!(r#"{{"rules":[{{"name":"a",{fields}}}]}}"#);
    let condition = |fields: &str| rule(&format!(r#""action":"allow","match":{{{fields}}}"#));
    for (valid, invalid) in [
        (rule(r#""action":"allow","expires":"2027-03-31""#), rule(r#""action":"mask","expires":"2027-03-31""#)),
        (
            rule(r#""action":"block","mode":"monitor","expires":"2027-03-31""#),
            rule(r#""action":"block","mode":"enforce","expires":"2027-03-31""#),
        ),
        (rule(r#""action":"allow","expires":"2027-03-31""#), rule(r#""action":"allow","expires":"2027-13-31""#)),
        (rule(r#""action":"mask","match":{"kind":["pan"]}"#), rule(r#""action":"skip","match":{"kind":["pan"]}"#)),
        (rule(r#""action":"mask","match":{"field":["a"]}"#), rule(r#""action":"skip","match":{"field":["a"]}"#)),
        (
            rule(r#""action":"mask","match":{"not":{"field":["a"]}}"#),
            rule(r#""action":"skip","match":{"not":{"kind":["pan"]}}"#),
        ),
        (
            rule(r#""action":"mask","match":{"where":["body"],"field":["a"],"kind":["value"]}"#),
            rule(r#""action":"allow","match":{"where":["body"],"field":["a"],"kind":["value"]}"#),
        ),
        (
            rule(r#""action":"block","match":{"where":["body"],"field":["a"],"kind":["pan","value"]}"#),
            rule(r#""action":"block","match":{"where":["body"],"kind":["pan","value"]}"#),
        ),
        (
            rule(r#""action":"block","match":{"field":["a"],"kind":["pan"]}"#),
            rule(r#""action":"block","match":{"field":["a"],"kind":["value"]}"#),
        ),
        (
            rule(r#""action":"mask","match":{"not":{"where":["body"],"field":["a"],"kind":["pan"]}}"#),
            rule(r#""action":"mask","match":{"not":{"where":["body"],"field":["a"],"kind":["value"]}}"#),
        ),
        (condition(r#""field":["a.*.b","*.c"]"#), condition(r#""field":["a*"]"#)),
        (condition(r#""direction":"response","status":[200]"#), condition(r#""status":[200]"#)),
        (
            condition(r#""direction":"response","not":{"status":[200]}"#),
            condition(r#""direction":"request","not":{"status":[200],"direction":"response"}"#),
        ),
        (condition(r#""not":{"status":[200],"direction":"response"}"#), condition(r#""not":{"status":[200]}"#)),
        (rule(r#""action":"mask","owner":"team 7""#), rule(r#""action":"mask","owner":"411111111111""#)),
        (
            condition(r#""direction":"response","destination":["spiffe://a/b"]"#),
            condition(r#""destination":["spiffe://a/b"]"#),
        ),
        (
            condition(r#""direction":"response","destination":["spiffe://a/b"]"#),
            condition(r#""direction":"request","destination":["spiffe://a/b"]"#),
        ),
        (
            condition(r#""direction":"response","where":["path","body"]"#),
            condition(r#""direction":"response","where":["path"]"#),
        ),
        (condition(r#""host":["*.a.example"]"#), condition(r#""host":["a.example:80"]"#)),
        (condition(r#""host":["[::1]"]"#), condition(r#""host":["a..b"]"#)),
        (condition(r#""path":{"prefix":"/v1/"}"#), condition(r#""path":{"prefix":"/v1//a"}"#)),
        (condition(r#""path":{"exact":"/"}"#), condition(r#""path":{"exact":"/a?b"}"#)),
        (condition(r#""path":[{"exact":"/a"}]"#), condition(r#""path":[{"exact":"/%61"}]"#)),
        (condition(r#""content_type":["text/*"]"#), condition(r#""content_type":["*/*"]"#)),
        (condition(r#""source":["spiffe://*/ns/*/sa/a"]"#), condition(r#""source":["spiffe://A/b"]"#)),
        (condition(r#""source":["spiffe://*.a/b"]"#), condition(r#""source":["spiffe://a/b c"]"#)),
        (
            r#"{"rules":[{"name":"requests","action":"mask"}]}"#.into(),
            r#"{"rules":[{"name":"request","action":"mask"}]}"#.into(),
        ),
        (
            r#"{"rules":[{"name":"a-1234","action":"mask"}]}"#.into(),
            r#"{"rules":[{"name":"a-12345","action":"mask"}]}"#.into(),
        ),
        (r#"{"audit":{"truncated":true}}"#.into(), r#"{"audit":{"truncated":true,"fingerprint":true}}"#.into()),
        (
            r#"{"audit":{"fingerprint":true},"mask":{"keep":"none"}}"#.into(),
            r#"{"audit":{"truncated":true},"mask":{"keep":"none"}}"#.into(),
        ),
    ] {
        for (text, is_valid) in [(&valid, true), (&invalid, false)] {
            assert_eq!(Policy::parse(text.as_bytes()).is_ok(), is_valid, "{text}");
            assert_eq!(schema.is_valid(&serde_json::from_str(text).expect("JSON")), is_valid, "{text}");
        }
    }
}

/// Checks the effective value: that of the policy, otherwise the default of the schema.
fn is_in_effect(written: &Value, policy: &Policy) {
    for (path, value) in policy.effective() {
        let pointer = format!("/{}", path.replace('.', "/"));
        let default = FIELDS.iter().find(|(field, _)| *field == path).map(|(_, field)| field["default"].clone());
        let wanted = written.pointer(&pointer).cloned().or(default).expect("a field of the schema");
        let wanted = match &wanted {
            Value::String(_) if path == "block.body" => "set".to_owned(),
            Value::String(text) => text.clone(),
            // Rules and patterns are listed by their names.
            Value::Array(items) if items.is_empty() => "none".to_owned(),
            Value::Array(items) => {
                let names: Vec<&str> =
                    items.iter().filter_map(|item| item.as_str().or_else(|| item["name"].as_str())).collect();
                assert!(names.iter().all(|name| value.contains(name)), "{path}: {value}: {wanted}");
                continue;
            }
            other => other.to_string(),
        };
        assert_eq!(value, wanted, "{path}");
    }
}
