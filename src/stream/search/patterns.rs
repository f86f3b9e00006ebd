//! Matches of patterns in a segment.

use super::{Segment, SegmentMatches};
use crate::scan::pattern::LONGEST_MATCH;
use crate::scan::text_before;
use crate::stream::finding::{FindingKind, PatternMatch};
use crate::verdict::nearby::{Around, REACH_BEFORE, REACH_BEHIND};
use crate::verdict::pattern_set::{Accepted, PatternSet, Rest};
use std::ops::Range;

/// A match before a position, with bytes from there on that belong to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OpenMatch {
    /// Index of its pattern set in the criteria.
    set: usize,
    /// Index of its pattern in the set.
    pattern: usize,
}

/// The match depends on bytes that have not arrived yet.
struct Undecided;

/// Adds the matches of the pattern set with this index in `segment` to `matches`.
pub fn find(segment: &Segment<'_>, set: usize, patterns: &PatternSet, matches: &mut SegmentMatches) {
    let mut at = 0;
    if let Some(open) = segment.open_match.filter(|open| open.set == set) {
        match add_rest(segment, at, (open, patterns), matches) {
            Ok(end) => at = end,
            Err(Undecided) => return,
        }
    }
    while let Some(start) = patterns.expressions().next_start(segment.text, at) {
        at = match accepted_at(segment, patterns, start) {
            Err(Undecided) => return matches.leave_undecided(start),
            Ok(None) => start.saturating_add(1),
            Ok(Some(Accepted { pattern, len })) => {
                let open = OpenMatch { set, pattern };
                let span = start..start.saturating_add(len);
                if !add(span.clone(), (open, patterns), matches) {
                    // A card overlaps it. Other matches do not depend on this one.
                    start.saturating_add(1)
                } else if let Ok(end) = add_rest(segment, span.end, (open, patterns), matches) {
                    end
                } else {
                    return;
                }
            }
        };
    }
}

/// The match at `start` that fulfils the conditions of its pattern.
fn accepted_at(segment: &Segment<'_>, patterns: &PatternSet, start: usize) -> Result<Option<Accepted>, Undecided> {
    let rest = segment.text.get(start..).unwrap_or_default();
    // The end of a match is known one byte late.
    let near = rest.get(..LONGEST_MATCH.saturating_add(1));
    let last = segment.last && near.is_none_or(|near| near.len() == rest.len());
    let text = near.unwrap_or(rest);
    let found = patterns.expressions().matches_at(segment.before(start), text, last).map_err(|_| Undecided)?;
    let around = |len: usize| {
        let behind = rest.get(len..).unwrap_or_default();
        let reach = behind.get(..REACH_BEHIND.saturating_add(1));
        Around {
            before: text_before(segment.lookbehind, segment.text, start, REACH_BEFORE.saturating_add(1)),
            behind: reach.unwrap_or(behind),
            last: segment.last && reach.is_none_or(|reach| reach.len() == behind.len()),
        }
    };
    let Some(mut accepted) = patterns.accept(&found, text, around).ok_or(Undecided)? else { return Ok(None) };
    if let Some(bytes) = patterns.rest(accepted.pattern) {
        let end = start.saturating_add(accepted.len);
        let more = rest_len(segment, end, bytes, LONGEST_MATCH.saturating_sub(accepted.len))?;
        accepted.len = accepted.len.saturating_add(more);
    }
    Ok(Some(accepted))
}

/// Adds the bytes from `at` on that belong to the match before them, in pieces. Returns their end.
fn add_rest(
    segment: &Segment<'_>,
    at: usize,
    open: (OpenMatch, &PatternSet),
    matches: &mut SegmentMatches,
) -> Result<usize, Undecided> {
    let Some(rest) = open.1.rest(open.0.pattern) else { return Ok(at) };
    let mut at = at;
    loop {
        let Ok(len) = rest_len(segment, at, rest, LONGEST_MATCH) else {
            matches.leave_undecided(at);
            return Err(Undecided);
        };
        let piece = at..at.saturating_add(len);
        if piece.is_empty() || !add(piece.clone(), open, matches) {
            return Ok(at);
        }
        at = piece.end;
    }
}

/// Number of bytes at `at` that belong to the match before them, up to `most`.
fn rest_len(segment: &Segment<'_>, at: usize, rest: Rest, most: usize) -> Result<usize, Undecided> {
    let bytes = segment.text.get(at..).unwrap_or_default();
    let len = bytes.iter().take(most).take_while(|byte| rest.contains(**byte)).count();
    if len == bytes.len() && len < most && !segment.last { Err(Undecided) } else { Ok(len) }
}

/// Adds a match or a piece of it, unless it overlaps another match.
fn add(span: Range<usize>, (open, patterns): (OpenMatch, &PatternSet), matches: &mut SegmentMatches) -> bool {
    let Some((name, keep_last)) = patterns.named(open.pattern) else { return false };
    if matches.overlaps(&span) {
        return false;
    }
    if patterns.rest(open.pattern).is_some() {
        matches.open_matches.push((span.end, open));
    }
    let length = u8::try_from(span.len()).unwrap_or(u8::MAX);
    matches.add(span, FindingKind::Pattern(PatternMatch { name: name.clone(), length, keep_last }), None);
    true
}

#[cfg(test)]
mod tests {
    use crate::mask::Style;
    use crate::stream::{Inspector, TextFormat};
    use crate::verdict::Criteria;
    use crate::verdict::builtin_patterns::BuiltInPattern;
    use crate::verdict::nearby::REACH_BEHIND;
    use crate::verdict::pattern_set::{Pattern, PatternSet};
    use std::sync::Arc;

    fn inspector(patterns: &[Pattern]) -> Inspector {
        let patterns = vec![PatternSet::compile(patterns).ok().unwrap()];
        Inspector::new(TextFormat::Text, Style::HIDE)
            .with_criteria(Arc::new(Criteria { patterns, ..Criteria::default() }))
    }

    fn near(near: &str, not_near: &str) -> Pattern {
        let words = |word: &str| if word.is_empty() { Vec::new() } else { vec![word.to_owned()] };
        Pattern {
            name: "a".to_owned(),
            regex: r"\b[A-Z]{5}\b".to_owned(),
            near: words(near),
            not_near: words(not_near),
            ..Pattern::default()
        }
    }

    /// Number of findings in `text`, and the greatest number of held-back bytes when it arrives byte by byte.
    fn by_byte(mut inspector: Inspector, text: &[u8]) -> (usize, usize) {
        let (mut findings, mut decided, mut longest) = (Vec::new(), 0, 0);
        for received in 1..=text.len() {
            decided += inspector.inspect(&text[decided..received], received == text.len(), &mut findings);
            longest = longest.max(received - decided);
        }
        (findings.len(), longest)
    }

    /// A match waits for the words behind it: up to their reach and one byte, and only if they may change the decision.
    #[test]
    fn a_match_waits_for_the_words_behind_it() {
        let spaces = [b' '; 2 * REACH_BEHIND];
        let text = |before: &str, behind: &str| [before.as_bytes(), b"ABCDE", &spaces, behind.as_bytes()].concat();
        let most = 5 + REACH_BEHIND;
        for (pattern, text, expected) in [
            (near("zip", ""), text("zip ", ""), (1, 5)),
            (near("zip", ""), text("no ", "zip"), (0, most)),
            (near("", "zip"), text("", "zip"), (1, most)),
            (near("", "zip"), text("zip ", ""), (0, 5)),
            (near("zip", "order"), text("zip ", ""), (1, most)),
            (near("zip", "order"), text("zip order ", ""), (0, 5)),
            (near("zip", ""), b"ABCDE zip".to_vec(), (1, 8)),
            (near("zip", ""), b"ABCDE".to_vec(), (0, 4)),
            (near("", "zip"), b"ABCDE".to_vec(), (1, 4)),
        ] {
            assert_eq!(by_byte(inspector(&[pattern]), &text), expected, "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn a_pattern_whose_conditions_fail_does_not_hide_the_next() {
        let mut findings = Vec::new();
        let far = format!("zip ABCDE{}FGHIJ", " ".repeat(120));
        let second = Pattern { name: "b".to_owned(), ..near("", "") };
        inspector(&[near("zip", ""), second]).inspect(far.as_bytes(), true, &mut findings);
        let names: Vec<_> = findings.iter().filter_map(|finding| finding.detection.kind.pattern()).collect();
        assert_eq!(names, ["a", "b"]);
    }

    /// The bytes of a long token do not wait for its end.
    #[test]
    fn a_long_token_is_masked_in_pieces() {
        let token = format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIi{} end", "abcdefgh".repeat(500));
        let (findings, longest) = by_byte(inspector(&BuiltInPattern::Jwt.patterns()), token.as_bytes());
        assert_eq!((findings, longest), (4029_usize.div_ceil(256), 255));
    }

    /// `text` after the mask of one pattern.
    fn masked(pattern: BuiltInPattern, text: &str) -> String {
        let mut findings = Vec::new();
        inspector(&pattern.patterns()).inspect(text.as_bytes(), true, &mut findings);
        let mut masked = text.as_bytes().to_vec();
        for finding in findings {
            assert_eq!(finding.detection.kind.pattern(), Some(pattern.as_str()));
            finding.mask(&mut masked[finding.span.clone()], Style::HIDE);
        }
        String::from_utf8(masked).unwrap()
    }

    #[test]
    fn values_are_masked_and_lookalikes_are_not() {
        use BuiltInPattern::{AwsAccessKey, Iban, Jwt, PrivateKey, UsAba, UsSsn};
        for (pattern, text, expected) in [
            (Iban, "DE89 3704 0044 0532 0130 00 EUR 100", "**** **** **** **** **** ** EUR 100"),
            (Iban, "gb82west12345698765432,", "**********************,"),
            (Iban, "to NO93 8601 1117 947.", "to **** **** **** ***."),
            (Iban, "ref AB12 ORDER NUMBER 77 SHIPPED ok", ""),
            (Iban, "DE88370400440532013000 DE8937040044053201300", ""),
            (UsSsn, "219-09-9999 of J. Doe", "***-**-**** of J. Doe"),
            (UsSsn, "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000 0219-09-9999", ""),
            (UsSsn, "\"ssn\":\"219099999\"", "\"ssn\":\"*********\""),
            (UsSsn, "Social Security Number 219 09 9999", "Social Security Number *** ** ****"),
            (UsSsn, "order 219099999, 219 09 9999", ""),
            (UsAba, "routing_number=028128650&", "routing_number=*********&"),
            (UsAba, "028128650 (ABA)", "********* (ABA)"),
            (UsAba, "id 028128650", ""),
            (UsAba, "aba 028128651 or 128128650, not in a database", ""),
            (
                Jwt,
                "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.",
                "Bearer ********************.*******************.",
            ),
            (Jwt, "eyJjdXJzb3IiOjEyMzQ1Njc4OTB9 and eyJhbGciOiJIUzI1NiJ9.short", ""),
            (AwsAccessKey, "AKIAIOSFODNN7EXAMPLE", "********************"),
            (AwsAccessKey, "AKIAIOSFODNN7EXAMPL1 AROAIOSFODNN7EXAMPLE", ""),
            (
                AwsAccessKey,
                "aws_secret_access_key = /JalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                "aws_secret_access_key = /************/*******/******************",
            ),
            (AwsAccessKey, "sha1 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12", ""),
            (PrivateKey, "-----BEGIN PRIVATE KEY-----\nnone of your business", ""),
            (PrivateKey, "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", ""),
        ] {
            let expected = if expected.is_empty() { text } else { expected };
            assert_eq!(masked(pattern, text), expected, "{text}");
        }
    }

    /// Values that are longer than a match may be.
    #[test]
    fn the_rest_of_a_long_value_is_masked() {
        let letters = |text: &str| text.bytes().filter(u8::is_ascii_alphanumeric).count();
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n";
        for head in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]
        {
            let key = format!("a\n-----BEGIN {head}-----\n{}VA==\n-----END {head}-----\nb", line.repeat(26));
            let masked = masked(BuiltInPattern::PrivateKey, &key);
            assert_eq!(masked.lines().last(), Some("b"));
            assert_eq!(letters(&masked), letters(&format!("a END {head} b")), "{masked}");
        }
        let headers = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0123456789ABCDEF0123456789ABCDEF\n\n";
        let armor = "Version: GnuPG v2\nComment: a key, and a remark about it\n\n";
        for (head, headers) in [("RSA PRIVATE KEY", headers), ("PGP PRIVATE KEY BLOCK", armor)] {
            let key = format!("-----BEGIN {head}-----\n{headers}{}=aBcD\n-----END {head}-----", line.repeat(9));
            let masked = masked(BuiltInPattern::PrivateKey, &key);
            assert_eq!(letters(&masked), letters(&format!("END {head}")), "{masked}");
        }
        let token = format!("eyJhbGciOiJSUzI1NiJ9.{}.{}, end", "eyJzdWIiOiIx".repeat(90), "aB-_9".repeat(70));
        assert_eq!(letters(&masked(BuiltInPattern::Jwt, &token)), 3);
    }
}
