//! The record as a protobuf message, which access logs print as a JSON object: `google.protobuf.Struct`.

use crate::policy::ConfigValue;

/// Type of the message, for the host.
pub const RECORD_OBJECT_TYPE: &str = "type.googleapis.com/google.protobuf.Struct";

/// Fields of `Struct`, of its entries and of `ListValue`.
const ENTRY: u8 = 1;
const KEY: u8 = 1;
const VALUE: u8 = 2;
const ITEM: u8 = 1;

/// Fields of `Value`.
const NUMBER_VALUE: u8 = 2;
const STRING_VALUE: u8 = 3;
const BOOL_VALUE: u8 = 4;
const STRUCT_VALUE: u8 = 5;
const LIST_VALUE: u8 = 6;

/// Wire types.
const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const LENGTH: u8 = 2;

/// The message for a record. `None` for another JSON text: a record contains no white space, escape, fraction or null.
pub fn record_object(record: &str) -> Option<Vec<u8>> {
    let is_other = record.contains(|character: char| character.is_whitespace() || character == '\\');
    match ConfigValue::of_json(record.as_bytes())? {
        ConfigValue::Object(fields) if !is_other => object(&fields),
        _ => None,
    }
}

/// The fields as `Struct`.
fn object(fields: &[(String, ConfigValue)]) -> Option<Vec<u8>> {
    let mut object = Vec::new();
    for (name, field) in fields {
        let mut entry = Vec::new();
        push(&mut entry, KEY, name.as_bytes());
        push(&mut entry, VALUE, &value(field)?);
        push(&mut object, ENTRY, &entry);
    }
    Some(object)
}

/// The items as `ListValue`.
fn list(items: &[ConfigValue]) -> Option<Vec<u8>> {
    let mut list = Vec::new();
    for item in items {
        push(&mut list, ITEM, &value(item)?);
    }
    Some(list)
}

/// A value as `Value`.
#[allow(
    clippy::cast_precision_loss,
    reason = "the type of the message has no other number, and counts are far smaller"
)]
fn value(of: &ConfigValue) -> Option<Vec<u8>> {
    let mut value = Vec::new();
    match of {
        ConfigValue::Text(text) => push(&mut value, STRING_VALUE, text.as_bytes()),
        ConfigValue::Object(fields) => push(&mut value, STRUCT_VALUE, &object(fields)?),
        ConfigValue::List(items) => push(&mut value, LIST_VALUE, &list(items)?),
        ConfigValue::Boolean(is_true) => value.extend([tag(BOOL_VALUE, VARINT), u8::from(*is_true)]),
        ConfigValue::Whole(number) => {
            value.push(tag(NUMBER_VALUE, FIXED64));
            value.extend((*number as f64).to_le_bytes());
        }
        ConfigValue::Null | ConfigValue::Negative | ConfigValue::Fraction => return None,
    }
    Some(value)
}

/// Appends a field with a length.
fn push(message: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    message.push(tag(field, LENGTH));
    let mut length = bytes.len();
    while length >= 0x80 {
        message.push(0x80 | u8::try_from(length & 0x7f).unwrap_or_default());
        length >>= 7;
    }
    message.push(u8::try_from(length).unwrap_or_default());
    message.extend_from_slice(bytes);
}

const fn tag(field: u8, wire_type: u8) -> u8 {
    field << 3 | wire_type
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_encoded() {
        // Python's protobuf reads these bytes as that object.
        let record = r#"{"version":1,"mtls":true,"findings":[{"field":"number"}],"limits":[]}"#;
        let expected = b"\x0a\x14\x0a\x07version\x12\x09\x11\0\0\0\0\0\0\xf0\x3f\
            \x0a\x0a\x0a\x04mtls\x12\x02\x20\x01\
            \x0a\x27\x0a\x08findings\x12\x1b\x32\x19\x0a\x17\x2a\x15\x0a\x13\x0a\x05field\x12\x0a\x1a\x08number__\
            \x0a\x0c\x0a\x06limits\x12\x02\x32\x00";
        let record = record.replace("number", "number__");
        assert_eq!(record_object(&record).as_deref(), Some(&expected[..]));
    }

    #[test]
    fn long_texts_have_long_lengths() {
        let object = record_object(&format!(r#"{{"path":"{}"}}"#, "a".repeat(2000))).unwrap();
        assert_eq!(object.get(..17), Some(&b"\x0a\xdc\x0f\x0a\x04path\x12\xd3\x0f\x1a\xd0\x0faa"[..]));
    }

    #[test]
    fn other_texts_are_rejected() {
        let record = r#"{"a":[1,{"b":"c"}],"d":false}"#;
        assert!(record_object(record).is_some());
        for end in 0..record.len() {
            assert_eq!(record_object(record.get(..end).unwrap()), None);
        }
        for text in
            ["{} ", "[]", r#"{"a":null}"#, r#"{"a":-1}"#, r#"{"a":1.5}"#, r#"{"a":"\""}"#, r#"{"a":1,}"#, "{1:2}"]
        {
            assert_eq!(record_object(text), None, "{text}");
        }
    }
}
