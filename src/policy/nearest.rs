//! Suggestions for misspelled names.

/// Longest name in bytes. All known names are shorter.
const LONGEST: usize = 40;

/// Known name that `name` probably means: at most a third of its letters differ, without regard to case and separators, so that
/// `requestStatus` finds `request_status`. Digits must not differ: nobody who writes `first4_last4` expects six visible digits.
pub(super) fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    if name.len() > LONGEST {
        return None;
    }
    let name = letters(name);
    let tolerance = (name.len() / 3).clamp(1, 3);
    known
        .iter()
        .filter(|candidate| may_have_digits_of(candidate, &name))
        .map(|&candidate| (edit_distance(&name, &letters(candidate)), candidate))
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, _)| distance <= tolerance && distance < name.len())
        .map(|(_, candidate)| candidate)
}

/// True if the digits of `name` are a subsequence of those of `candidate`, or `candidate` has no digits.
fn may_have_digits_of(candidate: &str, name: &[u8]) -> bool {
    let mut digits = candidate.bytes().filter(u8::is_ascii_digit).peekable();
    digits.peek().is_none()
        || name.iter().filter(|byte| byte.is_ascii_digit()).all(|wanted| digits.any(|own| own == *wanted))
}

fn letters(name: &str) -> Vec<u8> {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()).collect()
}

/// Levenshtein distance between `from` and `to`, computed row by row.
fn edit_distance(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above_left, from_letter) in from.iter().enumerate() {
        let mut diagonal = above_left;
        let mut left = above_left.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, to_letter) in row.iter_mut().skip(1).zip(to) {
            let replaced = diagonal.saturating_add(usize::from(from_letter != to_letter));
            diagonal = *cell;
            left = replaced.min(left.min(diagonal).saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_similar_names_are_suggested() {
        const KNOWN: &[&str] = &["request", "response", "request_status", "tls", "mode"];
        for (name, expected) in [
            ("reqest", Some("request")),
            ("reqeust", Some("request")),
            ("Request", Some("request")),
            ("requestStatus", Some("request_status")),
            ("request-status", Some("request_status")),
            ("tsl", None),
            ("tls1", Some("tls")),
            ("modes", Some("mode")),
            ("x", None),
            ("_", None),
            ("headers", None),
            ("------------------------------------mode", Some("mode")),
            ("-------------------------------------mode", None),
        ] {
            assert_eq!(nearest(name, KNOWN), expected, "{name}");
        }
    }

    #[test]
    fn suggestions_do_not_change_digits() {
        const KNOWN: &[&str] = &["none", "last4", "first6_last4", "first8_last4"];
        for (name, expected) in [
            ("first6last4", Some("first6_last4")),
            ("first8_last", Some("first8_last4")),
            ("lst4", Some("last4")),
            ("first4_last4", None),
            ("last5", None),
            ("first6_last6", None),
            ("none1", Some("none")),
        ] {
            assert_eq!(nearest(name, KNOWN), expected, "{name}");
        }
    }

    #[test]
    fn edit_distance_counts_edits() {
        for (from, to, distance) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("same", "same", 0),
        ] {
            assert_eq!(edit_distance(from.as_bytes(), to.as_bytes()), distance);
        }
    }
}
