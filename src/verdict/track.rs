//! Magnetic stripe data around a card number (ISO/IEC 7813).
//!
//! Track 1 is `%B`, the number, `^`, a name, `^`, then data. Track 2 is `;`, the number, `=` or `D` (also `d`), then data. The data begin
//! with the expiry date as YYMM and a service code of three digits.

/// True if the bare number between `before` and `after` is part of track data, or `None` if that depends on bytes behind `after`.
pub fn follows(before: &[u8], after: &[u8]) -> Option<bool> {
    let (separator, rest) = after.split_first()?;
    if !matches!(separator, b'^' | b'=' | b'D' | b'd') {
        return Some(false);
    }
    match before.last() {
        Some(b'B' | b';') => return Some(true),
        Some(byte) if byte.is_ascii_alphanumeric() => return Some(false),
        _ if *separator == b'^' => return Some(false),
        _ => {}
    }
    let digits = rest.iter().take(DATE_AND_CODE).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == rest.len() && digits < DATE_AND_CODE {
        return None;
    }
    let has_month = matches!(rest, [_, _, b'0', b'1'..=b'9', ..] | [_, _, b'1', b'0'..=b'2', ..]);
    Some(digits == DATE_AND_CODE && has_month)
}

/// The length of the track data at the start of `after`, which follows a card number. In track 1 they are a name between two
/// `^` and the data behind it, in track 2 the data behind the separator.
///
/// Zero if there are no track data. `None` if that depends on bytes behind `after`, which is possible only if `after` is not
/// `complete`.
pub fn rest(after: &[u8], complete: bool) -> Option<usize> {
    let Some((b'^', text)) = after.split_first() else { return data(after, 1, complete) };
    let name = text.iter().take(LONGEST_NAME.saturating_add(1)).position(|byte| *byte == b'^');
    match name {
        Some(name) => data(after, name.saturating_add(2), complete),
        None if text.len() <= LONGEST_NAME && !complete => None,
        None => Some(0),
    }
}

/// The end of the data that begin at `start`, with the results of [`rest`].
fn data(after: &[u8], start: usize, complete: bool) -> Option<usize> {
    let text = after.get(start..).unwrap_or_default();
    let in_data = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    let length = text.iter().take_while(|byte| in_data(byte)).count();
    match length {
        _ if length == text.len() && length <= LONGEST_DATA && !complete => None,
        DATE_AND_CODE..=LONGEST_DATA => Some(start.saturating_add(length)),
        _ => Some(0),
    }
}

/// The longest name in track 1, and the longest data behind it or behind the number of track 2.
const LONGEST_NAME: usize = 26;
const LONGEST_DATA: usize = 40;

/// The number of digits of the expiry date and the service code.
const DATE_AND_CODE: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_ends_with_its_data() {
        for (after, expected) in [
            ("^DOE/JOHN^25121010000000000000?;", Some(30)),
            ("=25121010000000000?", Some(18)),
            ("=2512101\",", Some(8)),
            ("D25121010000 ", Some(12)),
            ("^DOE/JANE^2512\"}", Some(0)),
            ("^DOE/JANE AND OTHERS OF THE FAMILY^", Some(0)),
            ("^DOE/JANE", None),
            ("^DOE/JANE^2512101", None),
            ("=2512101", None),
        ] {
            assert_eq!(rest(after.as_bytes(), false), expected, "{after}");
        }
        assert_eq!(rest(b"=2512101", true), Some(8));
        assert_eq!(rest(b"^DOE/JANE^2512101", true), Some(17));
        assert_eq!(rest(b"^DOE", true), Some(0));
    }

    #[test]
    fn tracks_are_distinguished_from_assignments() {
        for (before, after, expected) in [
            ("%B", "^DOE/J^2512101", Some(true)),
            (";", "=2512101", Some(true)),
            ("", "D25121010000", Some(true)),
            ("", "d25121010000", Some(true)),
            ("data: ", "=2512101123", Some(true)),
            ("", "=2513101", Some(false)),
            ("x", "=2512101", Some(false)),
            ("", "=25", None),
            ("", "=yes", Some(false)),
            ("", "\"", Some(false)),
            ("", "", None),
        ] {
            assert_eq!(follows(before.as_bytes(), after.as_bytes()), expected, "{before} {after}");
        }
    }
}
