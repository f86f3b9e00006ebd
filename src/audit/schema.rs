//! JSON Schema (draft 2020-12) of a record.

use super::action::{Action, Reason};
use super::record::Record;
use crate::policy::{Direction, Limit, Location, schema};
use crate::stream::FindingKind;
use crate::verdict::Brand;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use std::borrow::Cow;

/// The schema of a record.
pub fn record() -> Value {
    let settings = schema::settings().for_serialize().with_transform(RecursiveTransform(never_null));
    let mut schema = settings.into_generator().into_root_schema_for::<Record<'static>>();
    schema.insert("title".into(), json!("panveil audit record"));
    schema.to_value()
}

/// Removes `null` from the types of optional fields, because a record omits a field without a value.
fn never_null(schema: &mut Schema) {
    if let Some([kind, Value::String(null)]) = schema.get("type").and_then(Value::as_array).map(Vec::as_slice)
        && null == "null"
    {
        let kind = kind.clone();
        schema.insert("type".into(), kind);
    }
}

impl JsonSchema for Action {
    fn schema_name() -> Cow<'static, str> {
        "Action".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        words(Self::ALL.map(Self::as_str))
    }
}

pub(super) fn direction(_: &mut SchemaGenerator) -> Schema {
    words([Direction::Request, Direction::Response].map(Direction::as_str))
}

pub(super) fn place(_: &mut SchemaGenerator) -> Schema {
    words([Location::Headers, Location::Path, Location::Body, Location::Trailers].map(Location::as_str))
}

pub(super) fn kind(_: &mut SchemaGenerator) -> Schema {
    words(FindingKind::NAMES)
}

pub(super) fn brand(_: &mut SchemaGenerator) -> Schema {
    words(Brand::ALL.map(Brand::as_str))
}

pub(super) fn reason(_: &mut SchemaGenerator) -> Schema {
    words(Reason::ALL.map(Reason::as_str))
}

pub(super) fn limit(_: &mut SchemaGenerator) -> Schema {
    words(Limit::ALL.map(Limit::as_str))
}

fn words<const N: usize>(words: [&'static str; N]) -> Schema {
    json_schema!({"type": "string", "enum": words.to_vec()})
}
