//! Character sets that are not supersets of ASCII, by their names in content types.
//!
//! In every other character set, known or unknown, a digit is its ASCII byte.

/// True when a content type names UTF-16, UTF-32 or an equivalent. In these, a digit is its ASCII byte with zero bytes.
pub fn is_wide(content_type: &[u8]) -> bool {
    let is_wide = |name: &[u8]| WIDE.iter().any(|wide| name.starts_with(wide));
    names(content_type).any(|name| is_wide(&name))
}

/// True when a content type names a character set that panveil cannot inspect. Digits are other bytes in EBCDIC, may be letters in
/// UTF-7, and are compressed in SCSU and BOCU-1.
pub fn is_unreadable(content_type: &[u8]) -> bool {
    names(content_type).any(|name| {
        let is_known = UNREADABLE.contains(&name.as_slice()) || name.windows(6).any(|part| part == b"ebcdic");
        is_known || code_page(&name).is_some_and(|number| EBCDIC.contains(&number))
    })
}

/// True when `text` begins with the UTF-16 byte order mark.
pub fn begins_wide(text: &[u8]) -> bool {
    matches!(text, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
}

/// Byte order mark of UTF-8.
pub const BYTE_ORDER_MARK: [u8; 3] = *b"\xef\xbb\xbf";

/// Prefixes of the names of wide character sets.
const WIDE: [&[u8]; 8] = [b"utf-16", b"utf16", b"utf-32", b"utf32", b"ucs-2", b"ucs-4", b"iso-10646-ucs", b"csunicode"];

const UNREADABLE: [&[u8]; 6] = [b"utf-7", b"utf7", b"unicode-1-1-utf-7", b"utf-7-imap", b"scsu", b"bocu-1"];

/// IBM code pages that are EBCDIC (IANA character sets registry).
#[rustfmt::skip]
const EBCDIC: [u16; 48] = [
    37, 256, 273, 274, 275, 277, 278, 280, 281, 284, 285, 290, 297, 420, 423, 424, 500, 803, 833, 836, 838, 870, 871,
    875, 880, 905, 918, 924, 930, 933, 935, 937, 939, 1025, 1026, 1047, 1140, 1141, 1142, 1143, 1144, 1145, 1146, 1147,
    1148, 1149, 1364, 1388,
];

/// Code page number in names such as `ibm037`, `cp500` and `ccsid01140`.
fn code_page(name: &[u8]) -> Option<u16> {
    let number = [&b"ibm"[..], b"cp", b"ccsid"].into_iter().find_map(|prefix| name.strip_prefix(prefix))?;
    let number = number.strip_prefix(b"-").unwrap_or(number);
    str::from_utf8(number).ok()?.parse().ok()
}

/// All `charset` parameters of a content type, in lowercase.
fn names(content_type: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    content_type.split(|byte| matches!(byte, b';' | b',')).skip(1).filter_map(|parameter| {
        let (name, value) = parameter.split_at_checked(parameter.iter().position(|byte| *byte == b'=')?)?;
        name.trim_ascii().eq_ignore_ascii_case(b"charset").then_some(())?;
        let value = value.strip_prefix(b"=").unwrap_or(value).trim_ascii();
        let value = value.strip_prefix(b"\"").unwrap_or(value);
        Some(value.strip_suffix(b"\"").unwrap_or(value).trim_ascii().to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn character_sets_are_recognized_by_name() {
        for (content_type, wide, unreadable) in [
            ("text/plain", false, false),
            ("text/plain; charset=utf-8", false, false),
            ("text/plain; charset=shift_jis", false, false),
            ("text/plain; charset=cp1252", false, false),
            ("text/plain; charset=ibm850", false, false),
            ("text/plain; charset=whatever", false, false),
            ("text/plain; note=utf-16", false, false),
            ("text/plain;charset=UTF-16", true, false),
            ("text/xml; a=b; Charset = \"utf-16le\" ", true, false),
            ("text/plain; charset=utf-8; charset=UTF-32BE", true, false),
            ("text/plain; charset=UTF-7", false, true),
            ("text/plain; charset=ebcdic-cp-us", false, true),
            ("text/plain; charset=IBM037", false, true),
            ("text/plain; charset=cp1047", false, true),
            ("text/plain; charset=CCSID01140", false, true),
        ] {
            assert_eq!(is_wide(content_type.as_bytes()), wide, "{content_type}");
            assert_eq!(is_unreadable(content_type.as_bytes()), unreadable, "{content_type}");
        }
        assert!(EBCDIC.is_sorted());
    }
}
