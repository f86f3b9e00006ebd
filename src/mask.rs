//! Masking of a finding in place (stage 3 of the flow).
//!
//! A mask keeps the length in bytes and the separators, and the document stays well-formed: text gets mask characters, a bare JSON
//! number gets digits. A masked JSON number fails Luhn, so that it is not a card number.

use crate::scan::{FILLER, MAX_DIGITS};
use crate::verdict::{Brand, luhn};

/// The digits of a card number that stay readable, and the mask character for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// The digits that stay.
    pub keep: Keep,
    /// The character that replaces the others.
    pub character: MaskCharacter,
}

named! {
    /// The digits of a card number that stay readable.
    ///
    /// PCI SSC's FAQ 1091 limits each of them by the number's brand and length: to the first eight and last four of 16 digits for the
    /// brands that it names, to the first six and last four of 15 and 16 digits, and to the last four of every other length, for which
    /// the FAQ refers to the brand.
    pub enum Keep {
        /// No digit stays readable.
        None = "none",
        /// The last four digits stay readable.
        Last4 = "last4",
        /// The first six and the last four digits stay readable.
        First6Last4 = "first6_last4",
        /// The first eight and the last four digits stay readable.
        First8Last4 = "first8_last4",
    }
}

/// A mask character: printable, and without a special meaning in JSON, XML, forms and headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskCharacter(u8);

/// The notation of a finding, which decides how it is masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text: any character may replace a digit.
    Text,
    /// A bare JSON number: only digits may replace a digit, without a leading zero.
    Digits,
    /// Hexadecimal text: the filler `F` replaces a digit.
    Hexadecimal,
    /// A float with an exponent: digits replace the digits before the exponent, which stays.
    Scientific,
    /// Any bytes: this one replaces each.
    Filled(u8),
    /// Another notation: a list of (offset in the span, new byte), all of which are applied.
    Rewritten(Vec<(usize, u8)>),
    /// Escapes or digits that are not ASCII: for each character that may be masked, the list of (offset in the span, new byte) that
    /// turns it into a mask character.
    Encoded(Vec<Vec<(usize, u8)>>),
}

impl Style {
    /// No digit stays readable. This is the style for logs.
    pub const HIDE: Self = Self { keep: Keep::None, character: MaskCharacter::ASTERISK };
}

impl MaskCharacter {
    /// `*`.
    pub const ASTERISK: Self = Self(b'*');

    /// All mask characters.
    pub const ALL: [Self; 4] = [Self::ASTERISK, Self(b'#'), Self(b'x'), Self(b'X')];

    /// Returns `byte` as a mask character, if it is one of [`Self::ALL`].
    pub fn new(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|character| character.0 == byte)
    }

    /// The character as a byte.
    pub const fn as_byte(self) -> u8 {
        self.0
    }
}

impl Keep {
    /// The number of readable digits at the start and at the end of a card number of `length` digits and this `brand`, if it is known.
    pub fn visible(self, brand: Option<Brand>, length: usize) -> (usize, usize) {
        match (self, length) {
            (Self::None, _) => (0, 0),
            (Self::First8Last4, 16) if brand.is_some_and(has_long_iin) => (8, 4),
            (Self::First6Last4 | Self::First8Last4, 15 | 16) => (6, 4),
            (Self::Last4 | Self::First6Last4 | Self::First8Last4, _) => (0, 4),
        }
    }
}

/// True if FAQ 1091 permits the first eight of 16 digits for the brand: those of Discover, JCB, Mastercard, UnionPay and Visa.
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

/// The truncated form of a card number of `brand`, given as ASCII `digits` without separators.
pub fn truncated(digits: &[u8], brand: Brand, style: Style) -> String {
    let mut digits = digits.to_vec();
    apply(&mut digits, &Form::Text, brand, style);
    digits.iter().map(|byte| char::from(*byte)).collect()
}

/// Masks a card number of `brand`. `span` reaches from its first digit to its last.
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
        Form::Scientific | Form::Filled(_) => hide(span, form, style.character, 0),
        Form::Rewritten(edits) => write(span, edits.iter()),
        Form::Encoded(digits) => {
            let (first, last) = visible(digits.len());
            let hidden = digits.len().saturating_sub(first).saturating_sub(last);
            write(span, digits.iter().skip(first).take(hidden).flatten());
        }
    }
}

/// Masks every letter and digit in `span` except the last `keep_last`, without the limits for card numbers.
pub fn hide(span: &mut [u8], form: &Form, character: MaskCharacter, keep_last: usize) {
    match form {
        Form::Text => {
            let length = span.iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
            let covered = span.iter_mut().filter(|byte| byte.is_ascii_alphanumeric());
            covered.take(length.saturating_sub(keep_last)).for_each(|byte| *byte = character.as_byte());
        }
        Form::Hexadecimal => span.iter_mut().filter(|byte| byte.is_ascii_digit()).for_each(|byte| *byte = FILLER),
        Form::Digits | Form::Scientific => {
            let end = span.iter().position(|byte| *form == Form::Scientific && byte.eq_ignore_ascii_case(&b'e'));
            let end = end.unwrap_or(span.len());
            let digits = span.get_mut(..end).unwrap_or_default();
            let length = digits.iter().filter(|byte| byte.is_ascii_digit()).count();
            let covered = digits.iter_mut().filter(|byte| byte.is_ascii_digit()).take(length.saturating_sub(keep_last));
            covered.enumerate().for_each(|(index, byte)| *byte = if index == 0 { b'9' } else { b'0' });
        }
        Form::Filled(byte) => span.fill(*byte),
        Form::Rewritten(edits) => write(span, edits.iter()),
        Form::Encoded(characters) => {
            write(span, characters.iter().take(characters.len().saturating_sub(keep_last)).flatten());
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

/// Replaces each hidden ASCII digit by `replacement` of its index among the digits. Returns the index after the last hidden digit.
fn cover(span: &mut [u8], visible: impl Fn(usize) -> (usize, usize), replacement: impl Fn(usize) -> u8) -> usize {
    let length = span.iter().filter(|byte| byte.is_ascii_digit()).count();
    let (first, last) = visible(length);
    let hidden = length.saturating_sub(first).saturating_sub(last);
    let digits = span.iter_mut().filter(|byte| byte.is_ascii_digit());
    for (index, byte) in digits.enumerate().skip(first).take(hidden) {
        *byte = replacement(index);
    }
    first.saturating_add(hidden)
}

/// Makes the digits in `span` fail Luhn, by a change of the last hidden digit, the one before index `hidden_end`. A change of one
/// digit always changes the Luhn result.
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
    fn masks_keep_the_permitted_digits_of_each_length() {
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
    fn masks_keep_the_permitted_digits_of_each_brand() {
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
        /// FAQ 1091: a mask hides at least four of sixteen digits and five of fifteen.
        #[test]
        fn no_mask_keeps_more_than_the_permitted_digits(
            length in 12..=19_usize,
            brand in prop::sample::select(Brand::ALL.to_vec()),
            keep in prop::sample::select(vec![Keep::None, Keep::Last4, Keep::First6Last4, Keep::First8Last4]),
        ) {
            let (first, last) = keep.visible(Some(brand), length);
            let most_first = match (brand, length) {
                (Brand::Visa | Brand::Mastercard | Brand::Maestro, 16) => 8,
                (Brand::Discover | Brand::Diners | Brand::Jcb | Brand::UnionPay, 16) => 8,
                (_, 15 | 16) => 6,
                _ => 0,
            };
            prop_assert!(first <= most_first && last <= 4, "{first} {last}");
        }
    }

    #[test]
    fn separators_stay() {
        assert_eq!(masked("4111 1111-1111.1111", Form::Text, Keep::First6Last4), "4111 11**-****.1111");
    }

    #[test]
    fn hexadecimal_text_stays_hexadecimal() {
        assert_eq!(masked("41 11 11 11 11 11 11 11", Form::Hexadecimal, Keep::Last4), "FF FF FF FF FF FF 11 11");
    }

    #[test]
    fn a_json_number_stays_a_json_number() {
        assert_eq!(masked("4111111111111111", Form::Digits, Keep::First6Last4), "4111110000001111");
        assert_eq!(masked("4111111111111111", Form::Digits, Keep::None), "9000000000000000");
        assert_eq!(masked("30569309025904", Form::Digits, Keep::Last4), "90000000005904");
    }

    #[test]
    fn hide_masks_every_letter_and_digit() {
        let hidden = |text: &str, form: Form, last| {
            let mut bytes = text.as_bytes().to_vec();
            hide(&mut bytes, &form, MaskCharacter::ASTERISK, last);
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(hidden("4111111111111111^DOE/J^2512", Form::Text, 0), "****************^***/*^****");
        assert_eq!(hidden("123-45-6789", Form::Text, 4), "***-**-6789");
        assert_eq!(hidden("123", Form::Digits, 0), "900");
        assert_eq!(hidden("4111111111111111D2512F", Form::Hexadecimal, 0), "FFFFFFFFFFFFFFFFDFFFFF");
        assert_eq!(hidden("4.111111111111111e15", Form::Scientific, 0), "9.000000000000000e15");
    }

    proptest! {
        #[test]
        fn a_masked_json_number_fails_luhn(number in "[1-9][0-9]{12,18}", keep in 0..4_usize) {
            let keep = [Keep::None, Keep::Last4, Keep::First6Last4, Keep::First8Last4][keep];
            let result = masked(&number, Form::Digits, keep);
            prop_assert_eq!(result.len(), number.len());
            prop_assert!(!result.starts_with('0') && result.bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert!(!luhn::is_valid_ascii(result.as_bytes()));
        }
    }
}
