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
const EXTRACTORS: [NameExtractor; 10] =
    [member, serialized, previous_element, tag, identifier, array, object_of_key, form_part, segment, compound];

/// The longest name that is extracted, in bytes: longer than every phrase of the vocabulary.
pub const LONGEST_NAME: usize = 72;

/// The text before a value without the wrapper of the value: `"card":{"S":"` becomes `"card":`.
///
/// Document databases, telemetry and remote procedure calls write the type of a value around it.
pub fn without_wrappers(before: &[u8]) -> &[u8] {
    let mut text = before;
    for _ in 0..MOST_WRAPPERS {
        let Some(outside) = member_of_wrapper(text) else { break };
        text = outside;
    }
    text
}

/// The most wrappers that are removed, one within the other.
const MOST_WRAPPERS: usize = 2;

/// The text before the object whose first member is the value, if the key of the member names only a type.
fn member_of_wrapper(before: &[u8]) -> Option<&[u8]> {
    let rest = strip_one_of(before, b"\"'").unwrap_or(before).trim_ascii_end();
    let (outside, key) = quoted(rest.strip_suffix(b":")?.trim_ascii_end())?;
    let outside = outside.trim_ascii_end().strip_suffix(b"{")?.trim_ascii_end();
    (is_type_name(key) && outside.ends_with(b":")).then_some(outside)
}

/// True if `key` names the type of a value: `S`, `stringValue`, `$numberLong`.
fn is_type_name(key: &[u8]) -> bool {
    let word: Vec<u8> = key.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    // `$t`, `#text` and `_` are what XML becomes in JSON; `$numberLong` is MongoDB's, and so is `_id`, which is no type.
    let stem = word.strip_suffix(b"value").unwrap_or(&word);
    let stem = if key.starts_with(b"$") { stem.strip_prefix(b"number").unwrap_or(stem) } else { stem };
    stem.is_empty() || is_one_of(stem, &words::TYPES)
}

/// The name of the previous element, `<name>card</name><value><string>`, in XML-RPC and property lists.
fn previous_element(before: &[u8]) -> Option<&[u8]> {
    let mut rest = before.trim_ascii_end();
    for _ in 0..MOST_WRAPPERS {
        let Some(inside) = rest.strip_suffix(b">") else { break };
        let start = inside.iter().rposition(|byte| matches!(byte, b'<' | b'>'))?;
        let (outside, tag) = inside.split_at_checked(start)?;
        if !tag.strip_prefix(b"<").is_some_and(is_type_name) {
            break;
        }
        rest = outside.trim_ascii_end();
    }
    let text = rest.strip_suffix(b"</name>").or(rest.strip_suffix(b"</key>"))?;
    let start = text.iter().rposition(|byte| *byte == b'>')?;
    let name = text.get(start.saturating_add(1)..)?;
    ((1..=LONGEST_NAME).contains(&name.len()) && !name.contains(&b'<')).then_some(name)
}

/// The name in a name/value pair, `"name":"card_number","value":"`: the quoted value of a key `name`, `key` or `field`. Also the
/// value of other keys, such as `label`, if the key of the number is one for values of any kind.
pub fn named_pair(before: &[u8]) -> Option<&[u8]> {
    let is_value = member(before).is_some_and(|key| is_one_of(key, &words::VALUE_KEYS));
    let start = before.len().saturating_sub(LONGEST_PAIR);
    let near = before.get(start..)?;
    let mut end = near.len();
    let is_closing = |bytes: Simd16| bytes.is(b'"') | bytes.is(b'{') | bytes.is(b'}');
    while let Some(closing) = rfind(near.get(..end)?, is_closing) {
        let is_quote = near.get(closing) == Some(&b'"');
        let gap = near.len().saturating_sub(closing).saturating_sub(1);
        if !is_quote || gap > LONGEST_VALUE_KEY {
            return None;
        }
        end = closing;
        let Some((rest, value)) = quoted(near.get(..=closing)?) else { continue };
        let Some(rest) = strip_one_of(rest.trim_ascii_end(), b":=") else { continue };
        let rest = rest.trim_ascii_end();
        let rest = rest.strip_suffix(b"\"").or(rest.strip_suffix(b"'")).unwrap_or(rest);
        let is_key = |key: &&str| ends_with_word(rest, key.as_bytes());
        if words::NAME_KEYS.iter().any(is_key) || (is_value && words::LABEL_KEYS.iter().any(is_key)) {
            return Some(value);
        }
    }
    None
}

/// The most bytes between a name and its value, and in a whole pair.
const LONGEST_VALUE_KEY: usize = 40;
const LONGEST_PAIR: usize = LONGEST_NAME + 2 * LONGEST_VALUE_KEY;

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

/// The name of what encloses the value: an object, an element, a section.
pub fn enclosing(before: &[u8]) -> Option<&[u8]> {
    parent(before).or_else(|| parent_element(before)).or_else(|| section(before))
}

/// The key of the object that contains the member, or of the array of such objects: `"card": {"id": 1, "number": "`.
fn parent(before: &[u8]) -> Option<&[u8]> {
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

/// The name of the element that encloses the element whose content begins with the number: `<Card><Id>1</Id><Acct>`.
fn parent_element(before: &[u8]) -> Option<&[u8]> {
    let mut rest = before.trim_ascii_end();
    rest.strip_suffix(b">")?;
    // The element itself is the first open one.
    let mut depth: usize = 0;
    let mut opened: usize = 0;
    while let Some(start) = rfind(rest, |bytes| bytes.is(b'<')) {
        let (outside, tag) = rest.split_at_checked(start)?;
        rest = outside;
        let inside = tag.get(1..).unwrap_or_default();
        let end = inside.iter().position(|byte| !is_in_tag(byte)).unwrap_or(inside.len());
        let name = inside.get(..end).unwrap_or_default();
        let is_empty = inside.iter().take_while(|byte| **byte != b'>').last() == Some(&b'/');
        match inside.first() {
            Some(b'/') => depth = depth.saturating_add(1),
            Some(b'?' | b'!') | None => {}
            _ if is_empty => {}
            _ if depth > 0 => depth = depth.saturating_sub(1),
            _ if opened == 0 => opened = 1,
            _ => return (!name.is_empty() && name.len() <= LONGEST_NAME).then_some(name),
        }
    }
    None
}

/// True if an unquoted name and `:`, `=` or `#` are before the number: `card number: `.
pub fn ends_unquoted(before: &[u8]) -> bool {
    let rest = before.trim_ascii_end();
    let Some(rest) = strip_one_of(rest, b":=#") else { return false };
    ends_with_letter(rest)
}

/// The length of the longest characters in UTF-8.
const LONGEST_CHARACTER: usize = 4;

/// True if the last character is a letter.
fn ends_with_letter(text: &[u8]) -> bool {
    let near = text.get(text.len().saturating_sub(LONGEST_CHARACTER)..).unwrap_or_default();
    let start = near.iter().rposition(|byte| *byte & 0xc0 != 0x80).unwrap_or_default();
    let last = near.get(start..).and_then(|last| std::str::from_utf8(last).ok());
    // Some scripts end words with marks.
    last.is_some_and(|last| last.chars().next_back().is_some_and(|c| c.is_ascii_alphabetic() || !c.is_ascii()))
}

/// The name of the element whose content begins with the number: `<name attribute="…">`.
fn tag(before: &[u8]) -> Option<&[u8]> {
    let rest = before.trim_ascii_end().strip_suffix(b">")?;
    let start = rest.iter().rposition(|byte| matches!(byte, b'<' | b'>'))?;
    let inside = rest.get(start..)?.strip_prefix(b"<")?;
    let end = inside.iter().position(|byte| !is_in_tag(byte)).unwrap_or(inside.len());
    let name = inside.get(..end.min(LONGEST_NAME))?;
    (!name.is_empty()).then_some(name)
}

/// True for the characters of an element's name.
fn is_in_tag(byte: &u8) -> bool {
    is_name(byte) || matches!(byte, b':' | b'.')
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

/// The key before a value that PHP has serialized: `s:4:"card";s:16:"`, `s:4:"card";i:`.
fn serialized(before: &[u8]) -> Option<&[u8]> {
    let rest = strip_one_of(before, b"\"").unwrap_or(before).strip_suffix(b":")?;
    let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = rest.get(..rest.len().saturating_sub(digits))?;
    let rest = if digits > 0 { rest.strip_suffix(b"s:")? } else { strip_one_of(rest, b"id")? };
    quoted(rest.strip_suffix(b";")?).map(|(_, key)| key)
}

/// The key of the array that contains the number: `"key": [1, 2, `. Within a text of the array, its words decide.
fn array(before: &[u8]) -> Option<&[u8]> {
    if before.trim_ascii_end().last().is_some_and(u8::is_ascii_alphabetic) {
        return None;
    }
    let bracket = last_bracket(before)?;
    array_name(before.get(..=bracket)?)
}

/// The key of the object in which the number is a key itself: `"cards": {"`.
fn object_of_key(before: &[u8]) -> Option<&[u8]> {
    let rest = strip_one_of(before, b"\"'")?.trim_ascii_end();
    let is_key = matches!(rest.last(), Some(b'{' | b','))
        && last_bracket(rest).and_then(|bracket| rest.get(bracket)) != Some(&b'[');
    is_key.then(|| parent(rest)).flatten()
}

/// The name of the section of an INI or TOML file: the last line in brackets, `[card]`.
fn section(before: &[u8]) -> Option<&[u8]> {
    let end = before.iter().rposition(|byte| *byte == b']')?;
    let rest = before.get(..end)?;
    let start = rest.iter().rposition(|byte| *byte == b'[')?;
    let is_line = before.get(end.saturating_add(1)) == Some(&b'\n')
        && start.checked_sub(1).and_then(|index| before.get(index)).is_none_or(|byte| *byte == b'\n');
    let name = rest.get(start.saturating_add(1)..).filter(|name| name.len() <= LONGEST_NAME);
    name.filter(|name| is_line && !name.is_empty() && name.iter().all(is_in_tag))
}

/// The text before a quoted value of which the number follows a prefix: `"card": "test_` becomes `"card": "`.
pub fn before_prefix(before: &[u8]) -> Option<&[u8]> {
    let rest = strip_one_of(before, b"_-:")?;
    let letters = rest.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let quote = rest.len().checked_sub(letters)?;
    let before = rest.get(..quote)?;
    ((1..=LONGEST_PREFIX).contains(&letters) && before.last() == Some(&b'"')).then_some(before)
}

/// The longest prefix of a number within its value, in letters.
const LONGEST_PREFIX: usize = 8;

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
            ("a:1:{s:4:\"card\";s:16:\"", "card"),
            ("a:1:{s:4:\"card\";i:", "card"),
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
        for (before, expected) in [
            ("<Payment id=\"a\"><Card><Acct>", Some("Card")),
            ("<Card><Id>1</Id><Empty/><Acct type='x'>", Some("Card")),
            ("<?xml version='1.0'?><Acct>", None),
            ("<Card>1</Card><Acct>", None),
            ("<Acct> 1", None),
        ] {
            let found = parent_element(before.as_bytes()).map(String::from_utf8_lossy);
            assert_eq!(found.as_deref(), expected, "{before}");
        }
    }
}
