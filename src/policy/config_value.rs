//! Policy text as a tree of values, before its fields are read.
//!
//! serde_json reports lines and columns, but its errors about types and values quote the values. It therefore only builds this tree,
//! in which every JSON value is valid. [`read`](super::read) checks the fields.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::error::PolicyError;

/// Largest policy in bytes.
const MAX_BYTES: usize = 1 << 20;

/// JSON value. It keeps the order of fields and duplicate fields, so that a duplicate is rejected by its name. Of a number that is not
/// a whole number it keeps only the kind, because no field accepts one. Has no `Debug`: it contains values of the policy.
///
/// Other parts of the filter read JSON by it too: a further type for serde_json would add up to 25 KB to the wasm.
pub enum ConfigValue {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// Whole number.
    Whole(u64),
    /// Negative whole number.
    Negative,
    /// Number with a fraction or an exponent.
    Fraction,
    /// String.
    Text(String),
    /// Array.
    List(Vec<Self>),
    /// Object.
    Object(Vec<(String, Self)>),
}

impl ConfigValue {
    /// `{}`.
    pub(super) const EMPTY: Self = Self::Object(Vec::new());

    /// Reads JSON. White space alone is an empty object, because a host passes an empty text to a plugin without configuration.
    pub(super) fn parse(json: &[u8]) -> Result<Self, PolicyError> {
        if json.len() > MAX_BYTES {
            return Err(PolicyError::too_large(MAX_BYTES));
        }
        let text = str::from_utf8(json).map_err(|error| {
            let read = json.get(..error.valid_up_to()).unwrap_or_default();
            let line_ends = read.iter().filter(|&&byte| byte == b'\n').count();
            PolicyError::not_utf8(line_ends.saturating_add(1))
        })?;
        // Editors on Windows write a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim().is_empty() {
            return Ok(Self::EMPTY);
        }
        serde_json::from_str(text).map_err(|error| not_json(&error))
    }

    /// Reads any JSON value, without the rules for a policy; `None` for other text.
    pub fn of_json(json: &[u8]) -> Option<Self> {
        serde_json::from_str(str::from_utf8(json).ok()?).ok()
    }

    /// Kind of the value, as errors name it.
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

/// Converts a syntax error. serde_json's messages about syntax are constant. Messages about data may quote it and are not used; they do
/// not occur here, because the tree accepts every value.
fn not_json(error: &serde_json::Error) -> PolicyError {
    let reason = match error.classify() {
        Category::Syntax | Category::Eof => error.to_string(),
        Category::Data | Category::Io => "not understood".to_owned(),
    };
    let position = format!(" at line {} column {}", error.line(), error.column());
    let reason = reason.strip_suffix(&position).unwrap_or(&reason);
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
