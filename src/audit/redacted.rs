//! How does text from a client get into a log?

use crate::policy::Policy;
use crate::stream::redacted_by;
use std::borrow::Cow;

/// Text in which every card is hidden with all its digits, unless the policy wants some told, in an alphabet that cannot
/// break out of a log line.
///
/// Printable ASCII stays, except spaces, quotes of any kind and backslashes: anything else is written as `%XX`, as in a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted(String);

/// The longest text that is kept, in bytes before escaping. What is cut off is told by a trailing `...`.
const LONGEST: usize = 2048;

/// The same for names.
const LONGEST_NAME: usize = 64;

impl Redacted {
    /// Hides what `policy` finds in `text`, then bounds and escapes it.
    pub fn under(policy: &Policy, text: &[u8]) -> Self {
        Self::escaped(&hidden(policy, text), LONGEST, b"\"'\\`")
    }

    /// The same for the name of a field, which stands in lists: it is shorter, and without a comma.
    pub fn name(policy: &Policy, name: &[u8]) -> Self {
        Self::escaped(&hidden(policy, name), LONGEST_NAME, b"\"'\\`,")
    }

    fn escaped(bytes: &[u8], longest: usize, unsafe_bytes: &[u8]) -> Self {
        let kept = bytes.get(..longest).unwrap_or(bytes);
        let mut safe = String::with_capacity(kept.len());
        for byte in kept {
            if byte.is_ascii_graphic() && !unsafe_bytes.contains(byte) {
                safe.push(char::from(*byte));
            } else {
                push_escape(&mut safe, *byte);
            }
        }
        if kept.len() < bytes.len() {
            safe.push_str("...");
        }
        Self(safe)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `text` without what `policy` finds in it.
fn hidden<'t>(policy: &Policy, text: &'t [u8]) -> Cow<'t, [u8]> {
    redacted_by(text, &policy.redaction(), policy.redaction_style())
}

fn push_escape(text: &mut String, byte: u8) {
    text.push('%');
    for nibble in [byte >> 4, byte & 0xf] {
        text.extend(char::from_digit(u32::from(nibble), 16).map(|digit| digit.to_ascii_uppercase()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Law 8. The names are no words, since under the name of something else a number is no card.
        #[test]
        fn silence(parts in prop::collection::vec((card(), "[q /?&=\"\n]{1,12}"), 1..5)) {
            let text: String = parts.iter().flat_map(|(card, glue)| [glue.as_str(), "=", card.as_str(), "&"]).collect();
            let said = redacted(text.as_bytes());
            let digits = said.as_str().split(|c: char| !c.is_ascii_digit()).map(str::len).max();
            prop_assert!(digits <= Some(4), "{} became {}", text, said.as_str());
            prop_assert!(said.as_str().bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'\\`".contains(&byte)));
        }
    }

    fn redacted(text: &[u8]) -> Redacted {
        Redacted::under(&Policy::parse(b"{}").unwrap(), text)
    }

    /// A card in one of its spellings.
    fn card() -> impl Strategy<Value = String> {
        prop::sample::select(vec![
            "4111111111111111",
            "4111-1111-1111-1111",
            "4111%201111%201111%201111",
            "3782+822463+10005",
            "%34111111111111111",
            "\\u0034111111111111111",
            "４１１１１１１１１１１１１１１１",
            "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
        ])
        .prop_map(str::to_owned)
    }

    #[test]
    fn cards_are_hidden_and_the_rest_stays() {
        assert_eq!(redacted(b"/pay?pan=4111111111111111&x=1").as_str(), "/pay?pan=****************&x=1");
    }

    /// In traffic each of these needs more to be a card. In a log nothing is worth the risk.
    #[test]
    fn what_has_the_digits_of_a_card_is_hidden_whatever_speaks_against_it() {
        for number in [
            "9860497022907545", // of a range that other numbers are in
            "4515410083300",    // of a rare length
            "5009 3129 2303",   // both, and in groups that no card has
            "id_4111111111111111",
            "pub-4111111111111111",
            "imei=4111111111111111",
            "trace_id=4111-1111-1111-1111",
            "order4111111111111111a",
            "0.4111111111111111",
            "2026 2027 4111 1111 1111 1111 2028",
        ] {
            let said = redacted(format!("/a/{number}").as_bytes()).as_str().replace("%20", " ");
            let digits = said.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
            assert!(digits <= Some(4) && said.contains("**"), "{number}: {said}");
        }
    }

    #[test]
    fn nothing_breaks_out_of_a_line() {
        assert_eq!(redacted(b"a\"b\\c\nd e\x7f\xff").as_str(), "a%22b%5Cc%0Ad%20e%7F%FF");
    }

    #[test]
    fn long_text_is_cut() {
        let text = redacted(&[b'a'; LONGEST + 1]);
        assert_eq!(text.as_str().len(), LONGEST + 3);
        assert!(text.as_str().ends_with("a..."));
    }
}
