//! Is it the number of a magnetic stripe?
//!
//! ISO/IEC 7813: track 1 is `%B`, the number, `^`; track 2 is `;`, the number, `=` or `D`, the expiry date as YYMM, a service
//! code of three digits.

/// True when the bare number between `before` and `after` is part of track data, `None` when the end of `after` comes too
/// early to tell.
pub fn follows(before: &[u8], after: &[u8]) -> Option<bool> {
    let (separator, rest) = after.split_first()?;
    if !matches!(separator, b'^' | b'=' | b'D') {
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
    let month = match rest {
        [_, _, b'0', ones @ b'1'..=b'9', ..] => Some(ones),
        [_, _, b'1', ones @ b'0'..=b'2', ..] => Some(ones),
        _ => None,
    };
    Some(digits == DATE_AND_CODE && month.is_some())
}

/// How many bytes of `after`, which follows the number of a track, belong to the track: up to its end sentinel or the first
/// byte that a track cannot have.
pub fn rest(after: &[u8]) -> usize {
    let in_track2 = |byte: &u8| byte.is_ascii_digit();
    let in_track1 = |byte: &u8| (b' '..=b'_').contains(byte) && !matches!(byte, b'?' | b'"' | b'\'' | b'<' | b'>');
    let Some((separator, data)) = after.split_first() else { return 0 };
    let data = data.iter().take(LONGEST_REST);
    let length = if *separator == b'^' {
        data.take_while(|byte| in_track1(byte)).count()
    } else {
        data.take_while(|byte| in_track2(byte)).count()
    };
    length.saturating_add(1)
}

/// The most characters of a track behind its number: track 1 has 79, of which the sentinels and the number are at least 15.
const LONGEST_REST: usize = 64;

/// Digits of the expiry date and the service code.
const DATE_AND_CODE: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_ends_at_its_sentinel() {
        for (after, rest) in [
            ("^DOE/JOHN^25121010000000000000?;", 30),
            ("=25121010000000000?", 18),
            ("=2512101\",", 8),
            ("^DOE/JANE^2512\"}", 14),
            ("D25121010000", 12),
        ] {
            assert_eq!(super::rest(after.as_bytes()), rest, "{after}");
        }
    }

    #[test]
    fn tracks_are_told_from_assignments() {
        for (before, after, expected) in [
            ("%B", "^DOE/J^2512101", Some(true)),
            (";", "=2512101", Some(true)),
            ("", "D25121010000", Some(true)),
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
