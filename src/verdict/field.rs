//! Extraction of the name before a value.
//!
//! A name is the key of a JSON member, form field, header, attribute or element, the name of an array or of a form part, or a
//! path segment.

use super::context::EnclosingNames;
use super::words::{self, is_one_of};
use crate::scan::lanes::{Simd16, Splat, rfind};
use std::borrow::Cow;

/// The name directly before a value. `before` is the text before the value.
pub fn name(before: &[u8]) -> Option<&[u8]> {
    EXTRACTORS.iter().find_map(|extract| extract(before))
}

/// The name to report for a value: its column heading, else the name directly before it, else the array that encloses it.
pub fn nearest(before: &[u8], enclosing: &EnclosingNames) -> Option<Vec<u8>> {
    let EnclosingNames { heading, array, .. } = enclosing;
    let near = || named_pair(before).or_else(|| name(before));
    heading.as_deref().or_else(near).or(array.as_deref()).map(<[u8]>::to_vec)
}

/// A function that extracts a name from the text before a number.
type NameExtractor = fn(&[u8]) -> Option<&[u8]>;

/// One extractor for each notation, in the order of precedence.
const EXTRACTORS: [NameExtractor; 7] = [member, tag, identifier, array, form_part, segment, compound];

/// The longest name that is extracted.
pub const LONGEST_NAME: usize = 40;

/// The name in a name/value pair, `"name":"card_number","value":"`: the quoted value of a key `name`, `key` or `field`.
pub fn named_pair(before: &[u8]) -> Option<&[u8]> {
    let start = before.len().saturating_sub(LONGEST_NAME.saturating_mul(3));
    let near = before.get(start..)?;
    let mut end = near.len();
    let is_closing = |bytes: Simd16| bytes.is(b'"') | bytes.is(b'{') | bytes.is(b'}');
    while let Some(closing) = rfind(near.get(..end)?, is_closing) {
        let is_quote = near.get(closing) == Some(&b'"');
        let gap = near.len().saturating_sub(closing).saturating_sub(1);
        if !is_quote || gap > LONGEST_NAME {
            return None;
        }
        end = closing;
        let Some((rest, value)) = quoted(near.get(..=closing)?) else { continue };
        let Some(rest) = strip_one_of(rest.trim_ascii_end(), b":=") else { continue };
        let rest = rest.trim_ascii_end();
        let rest = rest.strip_suffix(b"\"").or(rest.strip_suffix(b"'")).unwrap_or(rest);
        let is_key = |key: &&str| ends_with_word(rest, key.as_bytes());
        if ["name", "key", "field"].iter().any(is_key) {
            return Some(value);
        }
    }
    None
}

fn ends_with_word(text: &[u8], word: &[u8]) -> bool {
    let Some(split) = text.len().checked_sub(word.len()) else { return false };
    let (rest, end) = text.split_at_checked(split).unwrap_or_default();
    end.eq_ignore_ascii_case(word) && !rest.last().is_some_and(u8::is_ascii_alphanumeric)
}

/// The key of an object member, directly before the number or its quote: `"key": "` and `'key' => '`.
fn member(before: &[u8]) -> Option<&[u8]> {
    let rest = strip_one_of(before, b"\"'").unwrap_or(before).trim_ascii_end();
    let rest = rest.strip_suffix(b"=>").or(rest.strip_suffix(b":"))?;
    let (_, key) = quoted(rest.trim_ascii_end())?;
    Some(key)
}

/// The text without the HTML formatting elements directly before the number: `card: <b>` becomes `card: `.
pub fn without_formatting_tags(before: &[u8]) -> Cow<'_, [u8]> {
    if before.trim_ascii_end().last() != Some(&b'>') {
        return Cow::Borrowed(before);
    }
    let mut text = before.to_vec();
    for _ in 0..MOST_FORMATTING_TAGS {
        let Some(rest) = text.trim_ascii_end().strip_suffix(b">") else { break };
        let Some(start) = rest.iter().rposition(|byte| *byte == b'<') else { break };
        let inside = rest.get(start.saturating_add(1)..).unwrap_or_default();
        let inside = inside.strip_prefix(b"/").unwrap_or(inside);
        let name = inside.split(|byte| !byte.is_ascii_alphanumeric()).next().unwrap_or_default();
        if !is_one_of(name, &words::FORMATTING_TAGS) {
            break;
        }
        text.truncate(start);
        text.push(b' ');
    }
    Cow::Owned(text)
}

/// The most formatting elements that are removed.
const MOST_FORMATTING_TAGS: usize = 4;

/// The key of the object that contains the member, or of the array of such objects: `"card": {"id": 1, "number": "`.
pub fn parent(before: &[u8]) -> Option<&[u8]> {
    let is_bracket = |bytes: Simd16| bytes.lower().is(b'{') | bytes.lower().is(b'}');
    let mut depth: usize = 0;
    let mut rest = before;
    while let Some(index) = rfind(rest, is_bracket) {
        let (outside, inside) = rest.split_at_checked(index)?;
        rest = outside;
        match inside.first() {
            Some(b'}' | b']') => depth = depth.saturating_add(1),
            _ if depth > 0 => depth = depth.saturating_sub(1),
            _ => {
                if let Some(named) = outside.trim_ascii_end().strip_suffix(b":") {
                    return quoted(named.trim_ascii_end()).map(|(_, key)| key);
                }
            }
        }
    }
    None
}

/// True if an unquoted name and `:`, `=` or `#` are before the number: `card number: `.
pub fn ends_unquoted(before: &[u8]) -> bool {
    let rest = before.trim_ascii_end();
    let Some(rest) = strip_one_of(rest, b":=#") else { return false };
    rest.last().is_some_and(u8::is_ascii_alphabetic)
}

/// The name of the element whose content begins with the number: `<name attribute="…">`.
fn tag(before: &[u8]) -> Option<&[u8]> {
    let rest = before.trim_ascii_end().strip_suffix(b">")?;
    let start = rest.iter().rposition(|byte| matches!(byte, b'<' | b'>'))?;
    let inside = rest.get(start..)?.strip_prefix(b"<")?;
    let in_tag = |byte: &u8| is_name(byte) || matches!(byte, b':' | b'.');
    let end = inside.iter().position(|byte| !in_tag(byte)).unwrap_or(inside.len());
    let name = inside.get(..end.min(LONGEST_NAME))?;
    (!name.is_empty()).then_some(name)
}

/// An unquoted name and its assignment sign: `card=`, `card: `, `card[number]=`, `card => "`.
fn identifier(before: &[u8]) -> Option<&[u8]> {
    let mut rest = before.trim_ascii_end();
    for _ in 0..2 {
        rest = strip_one_of(rest, b"[(\"' <%;?").unwrap_or(rest);
    }
    let rest = rest.trim_ascii_end();
    let rest = rest.strip_suffix(b"=>").or(strip_one_of(rest, b"=:"))?.trim_ascii_end();
    let in_key = |byte: &u8| is_name(byte) || matches!(byte, b'.' | b'[' | b']');
    let start = rest.iter().rposition(|byte| !in_key(byte)).map_or(0, |index| index.saturating_add(1));
    let run = rest.get(start..)?;
    let run = run.get(run.len().saturating_sub(LONGEST_NAME)..)?;
    let letter = run.iter().position(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80)?;
    run.get(letter..)
}

/// The key of the array that contains the number: `"key": [1, 2, `.
fn array(before: &[u8]) -> Option<&[u8]> {
    let bracket = last_bracket(before)?;
    array_name(before.get(..=bracket)?)
}

/// The index of the last byte of `text` that begins or ends an object or begins an array.
pub fn last_bracket(text: &[u8]) -> Option<usize> {
    let [array, begin, end] = [b'[', b'{', b'}'].map(Splat::hoisted);
    rfind(text, |bytes| bytes.is(array) | bytes.is(begin) | bytes.is(end))
}

/// The key of the array that the last byte of `text` opens.
pub fn array_name(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_suffix(b"[")?;
    let (_, key) = quoted(rest.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end())?;
    Some(key)
}

/// The name of a multipart form part: `name="key"`, followed by white space only.
fn form_part(before: &[u8]) -> Option<&[u8]> {
    let rest = before.trim_ascii_end();
    if rest.len() == before.len() {
        return None;
    }
    let (rest, key) = quoted(rest)?;
    rest.ends_with(b"name=").then_some(key)
}

/// The path segment before the one that the number begins: `/transactions/`.
fn segment(before: &[u8]) -> Option<&[u8]> {
    let rest = before.strip_suffix(b"/")?;
    let start = rest.iter().rposition(|byte| !is_name(byte))?;
    let name = rest.get(start.saturating_add(1)..)?;
    let named =
        rest.get(start) == Some(&b'/') && name.len() <= LONGEST_NAME && name.iter().any(u8::is_ascii_alphabetic);
    named.then_some(name)
}

/// A word in running text that has the form of a field name: `trace_id ` and `orderId `.
fn compound(before: &[u8]) -> Option<&[u8]> {
    let rest = before.strip_suffix(b" ")?;
    let start = rest.iter().rposition(|byte| !is_name(byte)).map_or(0, |index| index.saturating_add(1));
    let name = rest.get(start..)?;
    let humps = name.windows(2).any(|pair| matches!(pair, [b'a'..=b'z', b'A'..=b'Z']));
    let is_compound = humps || name.contains(&b'_');
    (is_compound && name.len() <= LONGEST_NAME).then_some(name)
}

/// True for the characters of a name: letters, digits, underscores, dashes and mask characters. A name that contains a number
/// must stay a name when the number is masked.
fn is_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte >= 0x80 || matches!(byte, b'_' | b'-' | b'*' | b'#')
}

/// Splits off the quoted text at the end of `text`, if it has 1 to [`LONGEST_NAME`] bytes. Returns the text before it and the
/// text between the quotes.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let quote = text.last().copied().filter(|byte| matches!(byte, b'"' | b'\''))?;
    let inside = text.get(..text.len().saturating_sub(1))?;
    let open = inside.iter().rposition(|byte| *byte == quote)?;
    let value = inside.get(open.saturating_add(1)..)?;
    let good = !value.is_empty() && value.len() <= LONGEST_NAME && !value.contains(&b'\n');
    good.then_some((inside.get(..open)?, value))
}

fn strip_one_of<'t>(text: &'t [u8], bytes: &[u8]) -> Option<&'t [u8]> {
    let (last, rest) = text.split_last()?;
    bytes.contains(last).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_extracted_from_every_notation() {
        for (before, name) in [
            ("{\"card_number\": \"", "card_number"),
            ("{\"n\":1,\"pan\":", "pan"),
            ("{'pan' => '", "pan"),
            ("a=1&card[number]=", "card[number]"),
            ("x-card-number: ", "x-card-number"),
            ("level=info cardNumber=\"", "cardNumber"),
            ("<ns:CardNumber type=\"x\">", "ns:CardNumber"),
            ("<input value=\"", "value"),
            ("{\"amounts\":[1, 2,\n ", "amounts"),
            ("form-data; name=\"card\"\r\n\r\n", "card"),
            ("/api/transactions/", "transactions"),
            ("INFO trace_id ", "trace_id"),
            ("INFO orderId ", "orderId"),
        ] {
            let found = super::name(before.as_bytes()).map(String::from_utf8_lossy);
            assert_eq!(found.as_deref(), Some(name), "{before}");
        }
        let pair = named_pair(b"{\"name\":\"card_number\",\"value\":\"").map(String::from_utf8_lossy);
        assert_eq!(pair.as_deref(), Some("card_number"));
    }

    #[test]
    fn formatting_tags_are_removed() {
        for (before, expected) in [
            ("card: <b>", "card:  "),
            ("<td>Card</td><td class=\"x\">", "<td>Card "),
            ("<number>", "<number>"),
            ("a > ", "a > "),
        ] {
            assert_eq!(String::from_utf8_lossy(&without_formatting_tags(before.as_bytes())), expected, "{before}");
        }
    }

    #[test]
    fn the_key_of_the_enclosing_object_is_found() {
        for (before, expected) in [
            ("{\"card\":{\"id\":1,\"number\":\"", Some("card")),
            ("{\"cards\":[{\"number\":1},{\"x\":[1],\"number\":\"", Some("cards")),
            ("{\"card\":{\"id\":1},\"number\":\"", None),
        ] {
            let found = parent(before.as_bytes()).map(String::from_utf8_lossy);
            assert_eq!(found.as_deref(), expected, "{before}");
        }
    }
}
