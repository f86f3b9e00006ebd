//! Readers of the fields of a file with cases.

use crate::document::{Diagnostic, Node, YamlValue};
use std::ops::RangeInclusive;

/// Rejects a value that is no object, and fields that are repeated or not among `known`.
pub fn expect_object(node: &Node, known: &[&str]) -> Result<(), Diagnostic> {
    let YamlValue::Object(fields) = &node.value else {
        return Err(Diagnostic::at(node.position, format!("expected an object with {}", known.join(", "))));
    };
    for (index, (name, _)) in fields.iter().enumerate() {
        if !known.contains(&name.text.as_str()) {
            return Err(Diagnostic::at(name.position, format!("unknown field; expected one of {}", known.join(", "))));
        }
        if fields.iter().take(index).any(|(other, _)| other.text == name.text) {
            return Err(Diagnostic::at(name.position, format!("{} given more than once", name.text)));
        }
    }
    Ok(())
}

/// Text of a field, if it is given.
pub fn text<'n>(node: &'n Node, name: &str) -> Result<Option<&'n str>, Diagnostic> {
    node.field(name).map(as_text).transpose()
}

/// Field that must be given.
pub fn field<'n>(node: &'n Node, name: &str) -> Result<&'n Node, Diagnostic> {
    node.field(name).ok_or_else(|| Diagnostic::at(node.position, format!("missing field {name}")))
}

/// Whole number of a field, if it is given.
pub fn whole(node: &Node, name: &str, range: RangeInclusive<u16>) -> Result<Option<u16>, Diagnostic> {
    let Some(field) = node.field(name) else { return Ok(None) };
    let number = field.number(&[]).and_then(|number| u16::try_from(number).ok());
    let problem = || {
        let (first, last) = (range.start(), range.end());
        Diagnostic::at(field.position, format!("expected a whole number from {first} to {last}"))
    };
    number.filter(|number| range.contains(number)).map(Some).ok_or_else(problem)
}

/// Names and values of an object of texts, such as headers.
pub fn pairs(node: &Node, name: &str) -> Result<Vec<(String, String)>, Diagnostic> {
    let Some(field) = node.field(name) else { return Ok(Vec::new()) };
    let YamlValue::Object(fields) = &field.value else {
        return Err(Diagnostic::at(field.position, "expected an object of names and values"));
    };
    let pairs = fields.iter().map(|(name, value)| Ok((name.text.to_ascii_lowercase(), as_text(value)?.to_owned())));
    pairs.collect()
}

/// One of these words.
pub fn word<T: Copy>(node: &Node, words: &[(impl AsRef<str>, T)]) -> Result<T, Diagnostic> {
    let found = node.as_text().and_then(|text| words.iter().find(|(word, _)| word.as_ref() == text));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| word.as_ref()).collect();
        Diagnostic::at(node.position, format!("expected one of {}", words.join(", ")))
    })
}

/// Value that must be text.
pub fn as_text(node: &Node) -> Result<&str, Diagnostic> {
    node.as_text().ok_or_else(|| Diagnostic::at(node.position, "expected text; quote it"))
}
