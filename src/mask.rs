//! What does a number look like afterwards? (stage 3 of the flow)
//!
//! The edit keeps its length, byte for byte, and the document stays what it was: text gets mask characters, a bare JSON
//! number gets digits. Separators stay. The result is never a valid card number again.

use crate::scan::{FILLER, MAX_DIGITS};
use crate::verdict::{Brand, luhn};

/// How much of a number stays readable, and what covers the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// The digits that stay.
    pub keep: Keep,
    /// What the others become.
    pub character: MaskCharacter,
}

/// The digits that stay readable.
///
/// Each is cut down to what PCI SSC's FAQ 1091 permits for the number's brand and length: first eight and last four for the
/// 16 digits of the brands that it names, first six and last four for 15 and 16 digits, the last four for every other length,
/// for which it says to ask the brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// No digit.
    None,
    /// The last four.
    Last4,
    /// The first six and the last four.
    First6Last4,
    /// The first eight and the last four.
    First8Last4,
}

/// A printable character that means the same in JSON, XML, forms and headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskCharacter(u8);

/// How a number is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// As text: any character may stand in its place.
    Text,
    /// As a bare JSON number: only digits may, and no leading zero.
    Digits,
    /// In hexadecimal text: only its digits may. What fills up numbers there, `F`, is what masks them.
    Hexadecimal,
    /// As a float with an exponent, which stays.
    Scientific,
    /// In a notation of its own: these bytes of the span become those.
    Rewritten(Vec<(usize, u8)>),
    /// With escapes or digits that are not ASCII: for each one that a mask may cover, which bytes of the
    /// span make it a mask character.
    Spelled(Vec<Vec<(usize, u8)>>),
}

impl Style {
    /// Nothing stays readable: for logs.
    pub const HIDE: Self = Self { keep: Keep::None, character: MaskCharacter::ASTERISK };
}

impl MaskCharacter {
    /// `*`.
    pub const ASTERISK: Self = Self(b'*');

    /// Each that there is.
    pub const ALL: [Self; 4] = [Self::ASTERISK, Self(b'#'), Self(b'x'), Self(b'X')];

    /// The mask character `byte`, if it may be one.
    pub fn new(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|character| character.0 == byte)
    }

    /// The character as a byte.
    pub const fn as_byte(self) -> u8 {
        self.0
    }
}

impl Keep {
    /// How many digits stay at the start and at the end of a number of `length` digits, of a `brand` if that is known.
    pub fn visible(self, brand: Option<Brand>, length: usize) -> (usize, usize) {
        match (self, length) {
            (Self::None, _) => (0, 0),
            (Self::First8Last4, 16) if brand.is_some_and(has_long_iin) => (8, 4),
            (Self::First6Last4 | Self::First8Last4, 15 | 16) => (6, 4),
            (Self::Last4 | Self::First6Last4 | Self::First8Last4, _) => (0, 4),
        }
    }
}

/// Whether the brand is one whose 16 digits may be truncated to the first eight and four more (FAQ 1091): those that belong
/// to Discover, JCB, Mastercard, UnionPay and Visa.
fn has_long_iin(brand: Brand) -> bool {
    matches!(
        brand,
        Brand::Visa
            | Brand::Mastercard
            | Brand::Maestro
            | Brand::Discover
            | Brand::Diners
            | Brand::Jcb
            | Brand::UnionPay
    )
}

/// The number of `brand` with these `digits`, in ASCII without separators, as a mask in `style` leaves it.
pub fn truncated(digits: &[u8], brand: Brand, style: Style) -> String {
    let mut digits = digits.to_vec();
    apply(&mut digits, &Form::Text, brand, style);
    digits.iter().map(|byte| char::from(*byte)).collect()
}

/// Masks the number of `brand` that `span` is, from its first digit to its last.
pub fn apply(span: &mut [u8], form: &Form, brand: Brand, style: Style) {
    let visible = |length| style.keep.visible(Some(brand), length);
    match form {
        Form::Text => {
            cover(span, visible, |_| style.character.as_byte());
        }
        Form::Hexadecimal => {
            cover(span, visible, |_| FILLER);
        }
        Form::Digits => {
            let end = cover(span, visible, |index| if index == 0 { b'9' } else { b'0' });
            break_check_digit(span, end);
        }
        Form::Scientific => remove(span, form, style.character, 0),
        Form::Rewritten(edits) => write(span, edits.iter()),
        Form::Spelled(digits) => {
            let (head, tail) = visible(digits.len());
            let hidden = digits.len().saturating_sub(head).saturating_sub(tail);
            write(span, digits.iter().skip(head).take(hidden).flatten());
        }
    }
}

/// Masks every letter and digit in `span` but the `last` ones, whatever truncation permits for numbers.
pub fn remove(span: &mut [u8], form: &Form, character: MaskCharacter, last: usize) {
    match form {
        Form::Text => {
            let length = span.iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
            let covered = span.iter_mut().filter(|byte| byte.is_ascii_alphanumeric());
            covered.take(length.saturating_sub(last)).for_each(|byte| *byte = character.as_byte());
        }
        Form::Hexadecimal => span.iter_mut().filter(|byte| byte.is_ascii_digit()).for_each(|byte| *byte = FILLER),
        Form::Digits | Form::Scientific => {
            let end = span.iter().position(|byte| *form == Form::Scientific && byte.eq_ignore_ascii_case(&b'e'));
            let end = end.unwrap_or(span.len());
            let digits = span.get_mut(..end).unwrap_or_default();
            let length = digits.iter().filter(|byte| byte.is_ascii_digit()).count();
            let covered = digits.iter_mut().filter(|byte| byte.is_ascii_digit()).take(length.saturating_sub(last));
            covered.enumerate().for_each(|(index, byte)| *byte = if index == 0 { b'9' } else { b'0' });
        }
        Form::Rewritten(edits) => write(span, edits.iter()),
        Form::Spelled(characters) => {
            write(span, characters.iter().take(characters.len().saturating_sub(last)).flatten());
        }
    }
}

fn write<'e>(span: &mut [u8], edits: impl Iterator<Item = &'e (usize, u8)>) {
    for (position, byte) in edits {
        if let Some(slot) = span.get_mut(*position) {
            *slot = *byte;
        }
    }
}

/// Puts `cover` of its index among the digits in the place of each ASCII digit that is to be hidden, and returns the index
/// behind the last one.
fn cover(span: &mut [u8], visible: impl Fn(usize) -> (usize, usize), cover: impl Fn(usize) -> u8) -> usize {
    let length = span.iter().filter(|byte| byte.is_ascii_digit()).count();
    let (head, tail) = visible(length);
    let hidden = length.saturating_sub(head).saturating_sub(tail);
    let digits = span.iter_mut().filter(|byte| byte.is_ascii_digit());
    for (index, byte) in digits.enumerate().skip(head).take(hidden) {
        *byte = cover(index);
    }
    head.saturating_add(hidden)
}

/// Makes sure that the digits in `span` are not a valid number, by changing the hidden one before `hidden_end`: another
/// digit in one place always changes the Luhn sum.
fn break_check_digit(span: &mut [u8], hidden_end: usize) {
    let mut digits = [0; MAX_DIGITS];
    let mut length: usize = 0;
    for (slot, byte) in digits.iter_mut().zip(span.iter().filter(|byte| byte.is_ascii_digit())) {
        *slot = *byte;
        length = length.saturating_add(1);
    }
    if luhn::is_valid_ascii(digits.get(..length).unwrap_or_default()) {
        let last_hidden = hidden_end.saturating_sub(1);
        if let Some(byte) = span.iter_mut().filter(|byte| byte.is_ascii_digit()).nth(last_hidden) {
            *byte = if *byte == b'0' { b'1' } else { b'8' };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(text: &str, form: Form, keep: Keep) -> String {
        masked_of(Brand::Visa, text, form, keep)
    }

    fn masked_of(brand: Brand, text: &str, form: Form, keep: Keep) -> String {
        let mut bytes = text.as_bytes().to_vec();
        apply(&mut bytes, &form, brand, Style { keep, character: MaskCharacter::ASTERISK });
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn each_length_keeps_what_the_truncation_rules_permit() {
        for (number, keep, expected) in [
            ("4111111111111111", Keep::First6Last4, "411111******1111"),
            ("4111111111111111", Keep::First8Last4, "41111111****1111"),
            ("4111111111111111", Keep::Last4, "************1111"),
            ("4111111111111111", Keep::None, "****************"),
            ("378282246310005", Keep::First6Last4, "378282*****0005"),
            ("378282246310005", Keep::First8Last4, "378282*****0005"),
            ("30569309025904", Keep::First6Last4, "**********5904"),
            ("6205500000000000004", Keep::First8Last4, "***************0004"),
        ] {
            assert_eq!(masked(number, Form::Text, keep), expected);
        }
    }

    #[test]
    fn each_brand_keeps_what_the_truncation_rules_permit() {
        for (brand, number, expected) in [
            (Brand::Visa, "4111111111111111", "41111111****1111"),
            (Brand::Mastercard, "5555555555554444", "55555555****4444"),
            (Brand::Amex, "378282246310005", "378282*****0005"),
            (Brand::Mir, "2200000000000004", "220000******0004"),
            (Brand::Diners, "30569309025904", "**********5904"),
            (Brand::Visa, "4222222222222", "*********2222"),
            (Brand::Maestro, "501800000000000009", "**************0009"),
        ] {
            assert_eq!(masked_of(brand, number, Form::Text, Keep::First8Last4), expected, "{brand:?}");
        }
    }

    proptest! {
        /// FAQ 1091: at least four digits of sixteen go, five of fifteen; never more than eight and four stay.
        #[test]
        fn no_mask_keeps_more_than_the_truncation_rules_permit(
            length in 12..=19_usize,
            brand in prop::sample::select(Brand::ALL.to_vec()),
            keep in prop::sample::select(vec![Keep::None, Keep::Last4, Keep::First6Last4, Keep::First8Last4]),
        ) {
            let (head, tail) = keep.visible(Some(brand), length);
            let most_head = match (brand, length) {
                (Brand::Visa | Brand::Mastercard | Brand::Maestro, 16) => 8,
                (Brand::Discover | Brand::Diners | Brand::Jcb | Brand::UnionPay, 16) => 8,
                (_, 15 | 16) => 6,
                _ => 0,
            };
            prop_assert!(head <= most_head && tail <= 4, "{head} {tail}");
        }
    }

    #[test]
    fn separators_stay() {
        assert_eq!(masked("4111 1111-1111.1111", Form::Text, Keep::First6Last4), "4111 11**-****.1111");
    }

    #[test]
    fn hexadecimal_stays_so() {
        assert_eq!(masked("41 11 11 11 11 11 11 11", Form::Hexadecimal, Keep::Last4), "FF FF FF FF FF FF 11 11");
    }

    #[test]
    fn a_json_number_stays_one() {
        assert_eq!(masked("4111111111111111", Form::Digits, Keep::First6Last4), "4111110000001111");
        assert_eq!(masked("4111111111111111", Form::Digits, Keep::None), "9000000000000000");
        assert_eq!(masked("30569309025904", Form::Digits, Keep::Last4), "90000000005904");
    }

    #[test]
    fn what_is_removed_is_removed_whole() {
        let removed = |text: &str, form: Form, last| {
            let mut bytes = text.as_bytes().to_vec();
            remove(&mut bytes, &form, MaskCharacter::ASTERISK, last);
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(removed("4111111111111111^DOE/J^2512", Form::Text, 0), "****************^***/*^****");
        assert_eq!(removed("123-45-6789", Form::Text, 4), "***-**-6789");
        assert_eq!(removed("123", Form::Digits, 0), "900");
        assert_eq!(removed("4111111111111111D2512F", Form::Hexadecimal, 0), "FFFFFFFFFFFFFFFFDFFFFF");
        assert_eq!(removed("4.111111111111111e15", Form::Scientific, 0), "9.000000000000000e15");
    }

    proptest! {
        #[test]
        fn a_masked_json_number_is_no_card(number in "[1-9][0-9]{12,18}", keep in 0..4_usize) {
            let keep = [Keep::None, Keep::Last4, Keep::First6Last4, Keep::First8Last4][keep];
            let result = masked(&number, Form::Digits, keep);
            prop_assert_eq!(result.len(), number.len());
            prop_assert!(!result.starts_with('0') && result.bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert!(!luhn::is_valid_ascii(result.as_bytes()));
        }
    }
}
