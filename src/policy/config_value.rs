//! Policy text as a tree of values, before its fields are read.
//!
//! serde_json reads the text and knows lines and columns, but its errors about types and values quote the values. So
//! it only builds this tree, where nothing can be wrong but the syntax, and [`read`](super::read) takes it from
//! there.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::error::PolicyError;

/// A policy is a page of text. What is larger is something else.
const MAX_BYTES: usize = 1 << 20;

/// A JSON value. It keeps the fields of an object in order and even twice, so that a repeated field can be refused by
/// name; and no number that is not a whole one, since no field takes one. No `Debug`: it holds what the operator
/// wrote.
pub(super) enum ConfigValue {
    Null,
    Boolean(bool),
    Whole(u64),
    Negative,
    Fraction,
    Text(String),
    List(Vec<ConfigValue>),
    Object(Vec<(String, ConfigValue)>),
}

impl ConfigValue {
    /// `{}`.
    pub(super) const EMPTY: Self = Self::Object(Vec::new());

    /// Reads JSON. Nothing but white space is an empty object, since a host gives that to a plugin without a
    /// configuration.
    pub(super) fn parse(json: &[u8]) -> Result<Self, PolicyError> {
        if json.len() > MAX_BYTES {
            return Err(PolicyError::too_large(MAX_BYTES));
        }
        let text = str::from_utf8(json).map_err(|error| {
            let read = json.get(..error.valid_up_to()).unwrap_or_default();
            let line_ends = read.iter().filter(|&&byte| byte == b'\n').count();
            PolicyError::not_utf8(line_ends.saturating_add(1))
        })?;
        // Editors on Windows put a byte order mark in front.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim().is_empty() {
            return Ok(Self::EMPTY);
        }
        serde_json::from_str(text).map_err(|error| not_json(&error))
    }

    /// What kind of value it is, as an error says it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Whole(_) => "a whole number",
            Self::Negative => "a negative number",
            Self::Fraction => "a number with a fraction or an exponent",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// serde_json's errors of syntax are fixed sentences. Those about data may quote it, so their text is not used: they
/// cannot happen here, since every value has its place in the tree.
fn not_json(error: &serde_json::Error) -> PolicyError {
    let reason = match error.classify() {
        Category::Syntax | Category::Eof => error.to_string(),
        Category::Data | Category::Io => "not understood".to_owned(),
    };
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = reason.strip_suffix(&place).unwrap_or(&reason);
    PolicyError::not_json(reason.to_owned(), error.line(), error.column())
}

impl<'de> Deserialize<'de> for ConfigValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ConfigVisitor)
    }
}

struct ConfigVisitor;

impl<'de> Visitor<'de> for ConfigVisitor {
    type Value = ConfigValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<ConfigValue, E> {
        Ok(ConfigValue::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<ConfigValue, E> {
        Ok(ConfigValue::Boolean(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<ConfigValue, E> {
        Ok(ConfigValue::Whole(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<ConfigValue, E> {
        Ok(ConfigValue::Negative)
    }

    fn visit_f64<E>(self, _: f64) -> Result<ConfigValue, E> {
        Ok(ConfigValue::Fraction)
    }

    fn visit_str<E>(self, value: &str) -> Result<ConfigValue, E> {
        Ok(ConfigValue::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<ConfigValue, E> {
        Ok(ConfigValue::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<ConfigValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(ConfigValue::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<ConfigValue, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = access.next_entry()? {
            fields.push(field);
        }
        Ok(ConfigValue::Object(fields))
    }
}
