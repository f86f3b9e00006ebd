//! JSON Schema (draft 2020-12) of a declared object.

use panveil::policy::field::{FieldSpec, ObjectSpec, Presence, ValueSpec};
use serde_json::{Map, Value, json};

/// Dialect of the schemas.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Identifier of the schema of that name. It is no address.
pub fn id(name: &str) -> String {
    format!("urn:panveil:schema:{name}")
}

/// Schema of a document that is such an object. If `is_closed`, other fields are not allowed.
pub fn document(object: &ObjectSpec, name: &str, title: &str, is_closed: bool) -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!(DIALECT));
    schema.insert("$id".to_owned(), json!(id(name)));
    schema.insert("title".to_owned(), json!(title));
    schema.extend(of_object(object, is_closed));
    Value::Object(schema)
}

fn of_object(object: &ObjectSpec, is_closed: bool) -> Map<String, Value> {
    let fields: Map<String, Value> =
        object.fields.iter().map(|field| (field.name.to_owned(), of_field(field, is_closed))).collect();
    let required = object.fields.iter().filter(|field| matches!(field.presence, Presence::Required));
    let required: Vec<&str> = required.map(|field| field.name).collect();
    let mut schema = Map::new();
    schema.insert("description".to_owned(), json!(one_line(object.description)));
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(fields));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    if is_closed {
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
    if object.is_choice {
        schema.insert("minProperties".to_owned(), json!(1));
        schema.insert("maxProperties".to_owned(), json!(1));
    }
    schema
}

fn of_field(field: &FieldSpec, is_closed: bool) -> Value {
    let mut schema = of_value(&field.value, is_closed);
    // The description of the field is more specific than that of an object's type.
    schema.insert("description".to_owned(), json!(one_line(field.description)));
    if let Presence::Default(default) = field.presence {
        schema.insert("default".to_owned(), default_value(&field.value, &default()));
    }
    Value::Object(schema)
}

fn of_value(value: &ValueSpec, is_closed: bool) -> Map<String, Value> {
    let mut schema = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            schema.insert(name.to_owned(), value);
        }
    };
    match value {
        ValueSpec::Boolean => set("type", Some(json!("boolean"))),
        ValueSpec::Whole { min, max } => {
            set("type", Some(json!("integer")));
            set("minimum", Some(json!(min)));
            set("maximum", (*max < usize::MAX).then(|| json!(max)));
        }
        ValueSpec::OneOf(words) => {
            set("type", Some(json!("string")));
            set("enum", Some(json!(words())));
        }
        ValueSpec::Text(text) => {
            set("type", Some(if text.or_null { json!(["string", "null"]) } else { json!("string") }));
            set("pattern", text.pattern.map(|pattern| json!(pattern)));
            set("minLength", text.min.map(|min| json!(min)));
            set("maxLength", text.max.map(|max| json!(max)));
        }
        ValueSpec::List { item, min, max } => {
            set("type", Some(json!("array")));
            set("items", Some(Value::Object(of_value(item, is_closed))));
            set("minItems", (*min > 0).then(|| json!(min)));
            set("maxItems", max.map(|max| json!(max)));
        }
        ValueSpec::Object(object) => schema = of_object(object(), is_closed),
        ValueSpec::OneOrMore { item, max } => {
            let one = of_value(item, is_closed);
            let list = json!({ "type": "array", "items": one, "minItems": 1, "maxItems": max });
            set("anyOf", Some(json!([one, list])));
        }
    }
    schema
}

/// Default in JSON, from its form in the effective policy.
fn default_value(value: &ValueSpec, text: &str) -> Value {
    match value {
        ValueSpec::List { .. } if text == "none" => json!([]),
        ValueSpec::List { .. } => text.split(", ").collect(),
        ValueSpec::OneOf(_) => json!(text),
        // Numbers, booleans and null are written as in JSON.
        _ => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
    }
}

/// Description without the line ends of the source.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<&str>>().join(" ")
}
