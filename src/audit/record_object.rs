//! The record as a protobuf message, which access logs print as a JSON object: `google.protobuf.Struct`.

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
    let mut reader = Reader { rest: record };
    let object = reader.object()?;
    reader.rest.is_empty().then_some(object)
}

/// The part of a record that has not been read.
struct Reader<'r> {
    rest: &'r str,
}

impl<'r> Reader<'r> {
    /// Reads an object as `Struct`.
    fn object(&mut self) -> Option<Vec<u8>> {
        let mut object = Vec::new();
        self.items('{', '}', |reader| {
            let mut entry = Vec::new();
            push(&mut entry, KEY, reader.string()?.as_bytes());
            reader.take(':')?;
            push(&mut entry, VALUE, &reader.value()?);
            push(&mut object, ENTRY, &entry);
            Some(())
        })?;
        Some(object)
    }

    /// Reads a list as `ListValue`.
    fn list(&mut self) -> Option<Vec<u8>> {
        let mut list = Vec::new();
        self.items('[', ']', |reader| {
            push(&mut list, ITEM, &reader.value()?);
            Some(())
        })?;
        Some(list)
    }

    /// Reads a value as `Value`.
    fn value(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        match self.rest.bytes().next()? {
            b'"' => push(&mut value, STRING_VALUE, self.string()?.as_bytes()),
            b'{' => push(&mut value, STRUCT_VALUE, &self.object()?),
            b'[' => push(&mut value, LIST_VALUE, &self.list()?),
            b'0'..=b'9' => {
                value.push(tag(NUMBER_VALUE, FIXED64));
                value.extend(self.number()?.to_le_bytes());
            }
            _ => {
                let is_true = self.rest.starts_with("true");
                self.rest = self.rest.strip_prefix(if is_true { "true" } else { "false" })?;
                value.extend([tag(BOOL_VALUE, VARINT), u8::from(is_true)]);
            }
        }
        Some(value)
    }

    /// Reads items, separated by commas, between two characters.
    fn items(&mut self, begin: char, end: char, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(begin)?;
        if self.take(end).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            if self.take(',').is_none() {
                return self.take(end);
            }
        }
    }

    fn string(&mut self) -> Option<&'r str> {
        self.take('"')?;
        let (text, rest) = self.rest.split_once('"')?;
        self.rest = rest;
        (!text.contains('\\')).then_some(text)
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "the type of the message has no other number, and counts are far smaller"
    )]
    fn number(&mut self) -> Option<f64> {
        let end = self.rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(digits.parse::<u64>().ok()? as f64)
    }

    fn take(&mut self, character: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(character)?;
        Some(())
    }
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
