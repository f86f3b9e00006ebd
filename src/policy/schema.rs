//! What may be written in a policy, as a JSON Schema (draft 2020-12)?
//!
//! Names, structure and descriptions come from the types that a policy is read into, words and bounds from what reads them.
//! A schema cannot say all that the reader checks: what fits it may still be refused.

use super::condition::MOST_ITEMS;
use super::config::Config;
use super::detect::{MOST_KEYS, Pattern};
use super::namespaces::MOST_NAMES;
use super::read::Word;
use super::rule::{MOST_RULES, Rule};
use crate::mask::Style;
use crate::scan::pattern::MOST_PATTERNS;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The schema of a policy.
pub fn policy() -> Value {
    let mut schema = settings().into_generator().into_root_schema_for::<Config>();
    schema.insert("title".into(), json!("panveil policy"));
    schema.to_value()
}

/// How schemas are made: in one piece, and without the line ends of the source in what they say.
pub(crate) fn settings() -> SchemaSettings {
    let mut settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(unwrap_lines));
    settings.inline_subschemas = true;
    settings
}

fn unwrap_lines(schema: &mut Schema) {
    if let Some(description) = schema.get("description").and_then(Value::as_str) {
        let line = description.split_whitespace().collect::<Vec<&str>>().join(" ");
        schema.insert("description".into(), json!(line));
    }
}

/// Makes an object refuse other fields, and need those that have no default.
pub(super) fn object(schema: &mut Schema) {
    choices(schema);
    let is_needed = |field: &Value| field.get("default").is_none() && field.get("properties").is_none();
    let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let needed: Vec<Value> = fields.filter(|(_, field)| is_needed(field)).map(|(name, _)| json!(name)).collect();
    if !needed.is_empty() {
        schema.insert("required".into(), Value::Array(needed));
    }
}

/// Makes an object refuse other fields, and need none.
pub(super) fn choices(schema: &mut Schema) {
    schema.remove("required");
    schema.insert("additionalProperties".into(), json!(false));
}

/// An object whose description is that of the field it is the value of.
pub(super) fn inner<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

pub(super) fn word<T: Word>(_: &mut SchemaGenerator) -> Schema {
    let words: Vec<&str> = T::ALL.iter().map(|value| value.word()).collect();
    json_schema!({"type": "string", "enum": words})
}

pub(super) fn words<T: Word>(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": word::<T>(generator)})
}

pub(super) fn some_words<T: Word>(generator: &mut SchemaGenerator) -> Schema {
    some(word::<T>(generator))
}

pub(super) fn boolean(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "boolean"})
}

pub(super) fn whole<const LEAST: u64, const MOST: u64>(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "minimum": LEAST, "maximum": MOST})
}

pub(super) fn name(_: &mut SchemaGenerator) -> Schema {
    text("^[A-Za-z0-9._-]{1,64}$")
}

pub(super) fn expression(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 1024})
}

pub(super) fn reply_body(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "null"], "maxLength": 4096})
}

pub(super) fn keys(_: &mut SchemaGenerator) -> Schema {
    list(MOST_KEYS, json_schema!({"type": "string", "minLength": 1, "maxLength": 64}))
}

pub(super) fn namespaces(_: &mut SchemaGenerator) -> Schema {
    list(MOST_NAMES, text("^[a-z0-9-]{1,63}$"))
}

pub(super) fn patterns(generator: &mut SchemaGenerator) -> Schema {
    list(MOST_PATTERNS, Pattern::json_schema(generator))
}

pub(super) fn rules(generator: &mut SchemaGenerator) -> Schema {
    list(MOST_RULES, Rule::json_schema(generator))
}

pub(super) fn methods(_: &mut SchemaGenerator) -> Schema {
    some(text("^[A-Z_-]{1,32}$"))
}

pub(super) fn hosts(_: &mut SchemaGenerator) -> Schema {
    some(json_schema!({"type": "string", "minLength": 1}))
}

pub(super) fn content_types(_: &mut SchemaGenerator) -> Schema {
    some(text("^[^/]+/[^/]+$"))
}

pub(super) fn peers(_: &mut SchemaGenerator) -> Schema {
    some(text("^spiffe://[^/]+/.+$"))
}

/// A way to compare paths, and what with.
pub(super) fn path(generator: &mut SchemaGenerator) -> Schema {
    let plain = json!({"type": "string", "pattern": "^/", "maxLength": 1024});
    let described = |description: &str, schema: Value| {
        let mut described = Map::from_iter([("description".to_owned(), json!(description))]);
        described.extend(schema.as_object().cloned().unwrap_or_default());
        Value::Object(described)
    };
    json_schema!({
        "type": "object",
        "properties": {
            "exact": described("Complete path.", plain.clone()),
            "prefix": described("First segments of the path, or all of them.", plain),
            "regex": described("Regular expression that matches the complete path.", expression(generator).to_value()),
        },
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
    })
}

impl JsonSchema for Style {
    fn schema_name() -> Cow<'static, str> {
        "Style".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        use crate::mask::{Keep, MaskCharacter};

        let with = |mut schema: Schema, description: &str, default: &str| {
            schema.insert("description".into(), json!(description));
            schema.insert("default".into(), json!(default));
            schema.to_value()
        };
        let keep = "Digits that stay readable, at most as many as PCI SSC's FAQ 1091 permits for the brand and length.";
        let characters: Vec<String> =
            MaskCharacter::ALL.iter().map(|one| char::from(one.as_byte()).to_string()).collect();
        json_schema!({
            "type": "object",
            "properties": {
                "keep": with(word::<Keep>(generator), keep, Keep::First6Last4.word()),
                "character": with(json_schema!({"type": "string", "enum": characters}), "Character that replaces the other digits.", "*"),
            },
            "additionalProperties": false,
        })
    }
}

fn text(pattern: &str) -> Schema {
    json_schema!({"type": "string", "pattern": pattern})
}

fn list(most: usize, items: Schema) -> Schema {
    json_schema!({"type": "array", "items": items, "maxItems": most})
}

/// A list with something in it.
fn some(items: Schema) -> Schema {
    json_schema!({"type": "array", "items": items, "minItems": 1, "maxItems": MOST_ITEMS})
}
