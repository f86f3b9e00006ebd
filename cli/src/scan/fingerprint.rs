//! Identity of a finding across scans.

use super::finding::ScanFinding;
use super::line_context::LineContext;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Bytes of the line on each side of a finding that are part of its identity.
const NEAR: usize = 64;

/// Most different findings of one file that are counted. The identity of further equal ones is the same.
const MAX_COUNTED: usize = 1 << 16;

/// Fingerprints of the findings in one file.
///
/// A fingerprint is a hash of the path, the finding in its truncated form, the line around it without digits and white space, and
/// the number of equal findings before it in the file. So it does not change when lines are inserted elsewhere, and contains
/// nothing of the digits that the truncated form hides. It consists of letters, so no fingerprint is a finding.
pub struct Fingerprints<'n> {
    path: &'n str,
    seen: HashMap<String, u32>,
}

impl<'n> Fingerprints<'n> {
    /// Fingerprints in the file `path`, relative to the current directory.
    pub fn new(path: &'n str) -> Self {
        Self { path, seen: HashMap::new() }
    }

    /// Fingerprint of the next finding in the file.
    pub fn next(&mut self, finding: &ScanFinding, context: &LineContext) -> String {
        let before = context.before.get(context.before.len().saturating_sub(NEAR)..).unwrap_or_default();
        let after = context.after.get(..NEAR).unwrap_or(&context.after);
        let length = finding.digits.to_string();
        let parts: [&[u8]; 7] = [
            self.path.as_bytes(),
            finding.kind.as_bytes(),
            finding.label.as_bytes(),
            length.as_bytes(),
            finding.truncated.as_bytes(),
            &words(before),
            &words(after),
        ];
        let first = hash(&parts);
        if self.seen.len() >= MAX_COUNTED && !self.seen.contains_key(&first) {
            return first;
        }
        let count = self.seen.entry(first.clone()).or_default();
        let fingerprint = if *count == 0 { first } else { hash(&[first.as_bytes(), &count.to_le_bytes()]) };
        *count = count.saturating_add(1);
        fingerprint
    }
}

/// True for the form of a fingerprint.
pub fn is_fingerprint(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|byte| matches!(byte, b'a'..=b'p'))
}

/// Length of a fingerprint in letters.
const LENGTH: usize = 32;

/// Text without digits and white space.
fn words(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| !byte.is_ascii_digit() && !byte.is_ascii_whitespace()).collect()
}

/// Hash of `parts` in letters, 128 bits long.
fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
        hasher.update([0]);
    }
    let nibbles = hasher.finalize().into_iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    nibbles.take(LENGTH).map(|nibble| char::from(b'a'.saturating_add(nibble))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(truncated: &str) -> ScanFinding {
        ScanFinding {
            kind: "pan",
            label: "visa".to_owned(),
            digits: 16,
            number: "4111111111111111".to_owned(),
            truncated: truncated.to_owned(),
            line: 1,
            column: 1,
            characters: 16,
            offset: 0,
            length: 16,
            fingerprint: String::new(),
        }
    }

    fn context(before: &str, after: &str) -> LineContext {
        LineContext { before: before.into(), after: after.into() }
    }

    #[test]
    fn moved_lines_keep_their_fingerprint_and_other_findings_differ() {
        let one = Fingerprints::new("a.json").next(&finding("411111******1111"), &context("  \"pan\": \"", "\","));
        assert!(is_fingerprint(&one), "{one}");
        let mut moved = finding("411111******1111");
        moved.line = 40;
        assert_eq!(Fingerprints::new("a.json").next(&moved, &context("\"pan\":\"", "\",")), one);
        for (path, number, before) in [
            ("b.json", "411111******1111", "\"pan\":\""),
            ("a.json", "401288******1881", "\"pan\":\""),
            ("a.json", "411111******1111", "\"card\":\""),
        ] {
            assert_ne!(Fingerprints::new(path).next(&finding(number), &context(before, "\",")), one, "{path} {number}");
        }
    }

    #[test]
    fn equal_findings_of_a_file_are_counted() {
        let mut file = Fingerprints::new("a");
        let mut next = || file.next(&finding("411111******1111"), &context("", ""));
        let all = [next(), next(), next()];
        assert!(all.iter().all(|one| is_fingerprint(one)) && all[0] != all[1] && all[1] != all[2]);
        let mut again = Fingerprints::new("a");
        assert_eq!(again.next(&finding("411111******1111"), &context("", "")), all[0]);
    }
}
