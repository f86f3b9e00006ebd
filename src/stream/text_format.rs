//! Format of a text, which determines its escapes and valid masks.

use super::charset;
use crate::mask::Form;
use crate::scan::{Escapes, View};
use std::ops::Range;

/// Format of a text, as far as escapes and masks depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFormat {
    /// JSON: the mask of an unquoted number must be a number.
    Json,
    /// Form encoding and URL queries: a plus sign is a space.
    Form,
    /// CSV and TSV, whose first rows contain the column headings.
    Csv,
    /// Server-sent events, whose data can be JSON.
    Events,
    /// XML, or markup without a known content type: a number can contain a comment.
    Markup,
    /// HTML, whose elements need no end tag.
    Html,
    /// E-mail and other MIME messages, whose parts can be quoted-printable.
    Mime,
    /// Any other text, in which a number can be masked with any character.
    Text,
    /// Text in UTF-16 or UTF-32, of any format. Numbers are masked with mask characters.
    Wide,
    /// Not known yet. [`Self::resolve`] decides between JSON, markup and text by the first byte.
    Unknown,
}

impl TextFormat {
    /// The format for a content type.
    pub fn of_content_type(content_type: Option<&[u8]>) -> Self {
        match content_type {
            Some(content_type) if charset::is_wide(content_type) => Self::Wide,
            _ => Self::of_essence(&essence(content_type).to_ascii_lowercase()),
        }
    }

    /// The format for an `essence` in lowercase.
    pub fn of_essence(essence: &[u8]) -> Self {
        let contains_one_of =
            |words: &[&[u8]]| words.iter().any(|word| essence.windows(word.len()).any(|part| part == *word));
        if contains_one_of(&[b"json"]) {
            return Self::Json;
        }
        if contains_one_of(&[b"csv", b"tsv", b"separated-values"]) {
            return Self::Csv;
        }
        if contains_one_of(&[b"xml"]) {
            return Self::Markup;
        }
        if contains_one_of(&[b"html"]) {
            return Self::Html;
        }
        let is_message = essence.starts_with(b"message/") || essence.starts_with(b"multipart/");
        if is_message && essence != b"multipart/form-data" {
            return Self::Mime;
        }
        match essence {
            b"application/x-www-form-urlencoded" => Self::Form,
            b"text/event-stream" => Self::Events,
            b"" | b"text/plain" | b"application/octet-stream" => Self::Unknown,
            _ => Self::Text,
        }
    }

    /// Escapes to decode.
    pub fn escapes(self) -> Escapes {
        match self {
            Self::Form => Escapes::FORM,
            Self::Wide => Escapes::WIDE,
            Self::Markup | Self::Html => Escapes::MARKUP,
            Self::Mime => Escapes::QUOTED,
            Self::Json | Self::Csv | Self::Events | Self::Text | Self::Unknown => Escapes::TEXT,
        }
    }

    /// Resolves an unknown format by the first bytes of the text: JSON begins with `{` or `[`, markup with `<`, and each can have a byte order
    /// mark.
    pub fn resolve(self, bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(&charset::BYTE_ORDER_MARK).unwrap_or(bytes);
        match (self, bytes.iter().find(|byte| !byte.is_ascii_whitespace())) {
            (Self::Unknown, Some(b'{' | b'[')) => Self::Json,
            (Self::Unknown, Some(b'<')) => Self::Markup,
            (Self::Unknown, Some(_)) => Self::Text,
            (known, _) => known,
        }
    }

    /// Form of the digits at `span`. `anchor` is the last [anchor](Self::is_anchor) before the view's window.
    ///
    /// In JSON, digits between the delimiters of a number count as one. In a string with the same delimiters (`"a: 4111…, b"`) the
    /// mask then consists of digits, which is also valid.
    pub fn form_of(self, view: View<'_>, span: &Range<usize>, anchor: u8) -> Form {
        let before = view.window().get(..span.start).unwrap_or_default();
        let opens = before.iter().rev().find(|byte| Self::is_anchor(**byte)).unwrap_or(&anchor);
        let closes = view.at(span.end);
        let is_bare = match self {
            Self::Json => {
                matches!(opens, 0 | b':' | b',' | b'[')
                    && (matches!(closes, 0 | b',' | b'}' | b']' | b'.') || closes.is_ascii_whitespace())
            }
            // A number directly after `data:` is not JSON.
            Self::Events => matches!(opens, b':' | b',' | b'[') && matches!(closes, b',' | b'}' | b']' | b'.'),
            Self::Form
            | Self::Csv
            | Self::Markup
            | Self::Html
            | Self::Mime
            | Self::Text
            | Self::Wide
            | Self::Unknown => false,
        };
        if is_bare { Form::Digits } else { Form::Text }
    }

    /// Form of the bytes at `span`, which can be a part of a number or of a word.
    pub fn form_within(self, view: View<'_>, span: &Range<usize>) -> Form {
        let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
        let before = (1..=MAX_ANCHOR_DISTANCE).map(|distance| view.before(span.start, distance));
        let opens = before.skip_while(|byte| part(*byte)).find(|byte| Self::is_anchor(*byte));
        let numeric = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-' | b'e' | b'E');
        let is_bare = opens.is_some_and(|opens| matches!(opens, 0 | b':' | b',' | b'['))
            && view.window().get(span.clone()).is_some_and(|bytes| bytes.iter().all(numeric));
        if self.may_contain_json_numbers() && is_bare { Form::Digits } else { Form::Text }
    }

    /// True when the text can contain JSON numbers.
    pub fn may_contain_json_numbers(self) -> bool {
        matches!(self, Self::Json | Self::Events)
    }

    /// True when `byte` is an anchor, which decides whether a number after it is a JSON number: neither white space nor a minus sign.
    pub fn is_anchor(byte: u8) -> bool {
        !byte.is_ascii_whitespace() && byte != b'-'
    }
}

/// A content type without its parameters; empty where there is none.
pub fn essence(content_type: Option<&[u8]>) -> &[u8] {
    let essence = content_type.and_then(|content_type| content_type.split(|byte| *byte == b';').next());
    essence.unwrap_or_default().trim_ascii()
}

/// Maximum distance from a part of a number or a word to the anchor before it.
const MAX_ANCHOR_DISTANCE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_type_determines_the_format() {
        for (content_type, text_format) in [
            (Some("application/json"), TextFormat::Json),
            (Some("application/problem+JSON; charset=utf-8"), TextFormat::Json),
            (Some("application/x-ndjson"), TextFormat::Json),
            (Some("text/plain; charset=utf-8"), TextFormat::Unknown),
            (Some("text/csv"), TextFormat::Csv),
            (Some("text/tab-separated-values"), TextFormat::Csv),
            (Some("text/x-tsv; charset=utf-8"), TextFormat::Csv),
            (Some("application/json; charset=UTF-16"), TextFormat::Wide),
            (Some("text/event-stream; charset=utf-8"), TextFormat::Events),
            (Some("text/html"), TextFormat::Html),
            (Some("application/xhtml+xml"), TextFormat::Markup),
            (Some("application/x-www-form-urlencoded"), TextFormat::Form),
            (Some("message/rfc822"), TextFormat::Mime),
            (Some("multipart/mixed; boundary=a"), TextFormat::Mime),
            (Some("multipart/form-data; boundary=a"), TextFormat::Text),
            (None, TextFormat::Unknown),
        ] {
            assert_eq!(TextFormat::of_content_type(content_type.map(str::as_bytes)), text_format, "{content_type:?}");
        }
    }

    #[test]
    fn the_first_byte_resolves_an_unknown_format() {
        assert_eq!(TextFormat::Unknown.resolve(b" \n{"), TextFormat::Json);
        assert_eq!(TextFormat::Unknown.resolve(b"a,b"), TextFormat::Text);
        assert_eq!(TextFormat::Unknown.resolve(b"\r\n<a>"), TextFormat::Markup);
        assert_eq!(TextFormat::Unknown.resolve(b"\xef\xbb\xbf [1]"), TextFormat::Json);
        assert_eq!(TextFormat::Unknown.resolve(b"  "), TextFormat::Unknown);
        assert_eq!(TextFormat::Text.resolve(b"{"), TextFormat::Text);
    }

    #[test]
    fn events_contain_json_or_other_text() {
        let form = |text: &str| {
            let (start, end) = (text.find('4').unwrap(), text.rfind('4').unwrap() + 1);
            TextFormat::Events.form_of(View::new(b"", text.as_bytes(), true, b'*'), &(start..end), 0)
        };
        assert_eq!(form("data: {\"a\":44}\n\n"), Form::Digits);
        assert_eq!(form("data: [1,44]\n\n"), Form::Digits);
        assert_eq!(form("data: 44\n\n"), Form::Text);
        assert_eq!(form("data: {\"a\":\"44\"}\n\n"), Form::Text);
    }

    #[test]
    fn numbers_and_strings_are_distinguished() {
        let form = |text: &str| {
            let start = text.find('4').unwrap();
            let end = text.rfind('4').unwrap() + 1;
            TextFormat::Json.form_of(View::new(b"", text.as_bytes(), true, b'*'), &(start..end), 0)
        };
        for number in ["{\"a\":44}", "[1, 44]", "[\n  44\n]", "{\"a\": -44 }", "44", "{\"a\":44.00}"] {
            assert_eq!(form(number), Form::Digits, "{number}");
        }
        for text in ["{\"a\":\"44\"}", "{\"a\":\"card 44 end\"}", "{\"a\":\"44 end\"}"] {
            assert_eq!(form(text), Form::Text, "{text}");
        }
    }
}
