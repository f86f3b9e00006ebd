//! Path of the field that contains a finding, as conditions of rules test it.
//!
//! | format | path |
//! |---|---|
//! | JSON | keys from the outermost object on, without their escapes; arrays add nothing |
//! | form, query | name of the parameter, decoded; `card[number]` is `card.number`, and an index adds nothing |
//! | XML | elements from the root on, without namespace prefixes, then the attribute |
//! | CSV | heading of the column |
//! | `multipart/form-data` | name of the part |
//! | header, trailer | its name; in a cookie or a URL then that of the cookie or parameter |
//!
//! In other formats, also in HTML, the path is unknown, and likewise behind a syntax error, in more than [`MOST_LEVELS`] levels, under a name
//! of more than [`LONGEST_NAME`] bytes, and if the path is longer than [`LONGEST_PATH`]. The tracker reads the source, because decoded escapes
//! hide its structure.

mod form;
mod header;
mod json;
mod markup;
mod multipart;
mod path;
mod values;

#[cfg(test)]
mod tests;

use self::form::FormFields;
pub use self::header::{PATH, URL_HEADERS, of_header};
use self::json::JsonFields;
use self::markup::MarkupFields;
pub use self::multipart::Boundary;
use self::multipart::MultipartFields;
pub use self::values::{ValueByte, ValueFinder};
use super::TextFormat;
use super::csv_header::CsvHeader;
use crate::policy::FieldPath;
use std::ops::Range;

/// Most levels of a path.
pub const MOST_LEVELS: usize = 64;

/// Longest name of a level in bytes, as received.
pub const LONGEST_NAME: usize = 128;

/// Longest path in bytes. Many small values can have the same long path, and each of them is compared.
pub const LONGEST_PATH: usize = 512;

/// Position within the fields of a text that arrives in chunks.
#[derive(Clone)]
pub enum FieldTracker {
    /// JSON, or a sequence of JSON values.
    Json(JsonFields),
    /// Form encoding.
    Form(FormFields),
    /// XML.
    Markup(MarkupFields),
    /// CSV.
    Csv(CsvHeader),
    /// `multipart/form-data`.
    Multipart(MultipartFields),
    /// A format without fields that a policy can name.
    Unknown,
    /// A format with fields that are not tracked: server-sent events, and any with two or four bytes per character.
    Untracked,
}

impl FieldTracker {
    /// Starts at the beginning of a text. `boundary` is that of a multipart body.
    pub fn new(text_format: TextFormat, boundary: Option<Boundary>) -> Self {
        match (text_format, boundary) {
            (_, Some(boundary)) => Self::Multipart(MultipartFields::new(boundary)),
            (TextFormat::Json, _) => Self::Json(JsonFields::default()),
            (TextFormat::Form, _) => Self::Form(FormFields::default()),
            (TextFormat::Markup, _) => Self::Markup(MarkupFields::default()),
            (TextFormat::Csv, _) => Self::Csv(CsvHeader::default()),
            (TextFormat::Html | TextFormat::Mime | TextFormat::Text | TextFormat::Unknown, None) => Self::Unknown,
            (TextFormat::Events | TextFormat::Wide, _) => Self::Untracked,
        }
    }

    /// Advances past `text`.
    pub fn advance(&mut self, text: &[u8]) {
        match self {
            Self::Json(fields) => text.iter().for_each(|byte| fields.step(*byte)),
            Self::Form(fields) => text.iter().for_each(|byte| fields.step(*byte)),
            Self::Markup(fields) => text.iter().for_each(|byte| fields.step(*byte)),
            Self::Csv(header) => header.advance(text),
            Self::Multipart(fields) => text.iter().for_each(|byte| fields.step(*byte)),
            Self::Unknown | Self::Untracked => {}
        }
    }

    /// Path of the field at `span`. `advance_to` advances the tracker to a position.
    pub fn path_at(&mut self, span: &Range<usize>, mut advance_to: impl FnMut(&mut Self, usize)) -> FieldPath {
        advance_to(self, span.start);
        let first = self.path();
        advance_to(self, span.end.saturating_sub(1));
        if first == self.path() { first } else { FieldPath::Unknown }
    }

    /// Part of the text to which `byte`, the next one, belongs. `mask` is the mask character.
    fn value_byte(&self, byte: u8, mask: u8) -> ValueByte {
        match self {
            Self::Json(fields) => fields.value_byte(byte, mask),
            Self::Form(fields) => fields.value_byte(byte, mask),
            Self::Markup(fields) => fields.value_byte(byte, mask),
            Self::Csv(header) => header.value_byte(byte, mask),
            Self::Multipart(fields) => fields.value_byte(byte, mask),
            Self::Unknown => ValueByte::Outside,
            Self::Untracked => ValueByte::Unknown,
        }
    }

    /// Path of the field at the next byte.
    fn path(&self) -> FieldPath {
        match self {
            Self::Json(fields) => fields.path(),
            Self::Form(fields) => fields.path(),
            Self::Markup(fields) => fields.path(),
            Self::Csv(header) => header.path(),
            Self::Multipart(fields) => fields.path(),
            Self::Unknown | Self::Untracked => FieldPath::Unknown,
        }
    }
}
