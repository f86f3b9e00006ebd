//! Rows of four-digit groups: several card numbers and dates in a row, or a table.

use super::{Tier, brand, luhn};
use crate::scan::{Digits, MASK_CHARACTERS};

/// True if the groups of four digits before and after a number in such groups are other card numbers and dates only. `before` and
/// `after` are the texts on both sides.
pub fn consists_of_cards(before: &[u8], after: &[u8]) -> bool {
    let mirrored: Vec<u8> = before.iter().rev().copied().collect();
    reads_as_cards(&mirrored, true) && reads_as_cards(after, false)
}

/// A space and a group.
const GROUP: usize = 5;

/// The groups of a card number.
const CARD_GROUPS: usize = 4;

/// The most groups on one side: those in the text after a number.
const MOST_GROUPS: usize = 16;

/// True if the groups at the start of `text` are card numbers, with at most [`MOST_DATES`] dates among them. `mirrored` text has
/// its last byte first.
fn reads_as_cards(text: &[u8], mirrored: bool) -> bool {
    let mut groups: Vec<&[u8]> = text.chunks_exact(GROUP).map_while(group).collect();
    let is_cut = text.get(groups.len().saturating_mul(GROUP)).is_some_and(|byte| is_group_byte(*byte));
    if is_cut {
        groups.pop();
    }
    let in_order = |groups: &[&[u8]]| {
        let mut digits = groups.concat();
        if mirrored {
            digits.reverse();
        }
        digits
    };
    let (mut rest, mut dates) = (groups.as_slice(), 0_u8);
    while let Some((first, behind)) = rest.split_first() {
        let card = rest.split_at_checked(CARD_GROUPS).filter(|(card, _)| is_card(&in_order(card)));
        match card {
            Some((_, behind)) => rest = behind,
            None if dates < MOST_DATES && is_date(&in_order(&[first])) => {
                dates = dates.saturating_add(1);
                rest = behind;
            }
            None => return false,
        }
    }
    // A row among others belongs to a table.
    groups.len() < MOST_GROUPS && !has_row(text.get(groups.len().saturating_mul(GROUP)..).unwrap_or_default())
}

/// True if `text` contains three groups in a row.
fn has_row(text: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || MASK_CHARACTERS.contains(byte);
    text.windows(ROW).any(|row| {
        row.chunks(GROUP).all(|group| match group.split_at_checked(GROUP - 1) {
            Some((digits, space)) => digits.iter().all(is_digit) && matches!(space, [] | [b' ']),
            None => false,
        })
    })
}

/// The length of three groups, with a space between them.
const ROW: usize = 3 * GROUP - 1;

/// The four bytes of a group behind a space: digits, hexadecimal ones or masked ones, which are not all letters.
fn group(bytes: &[u8]) -> Option<&[u8]> {
    let (b' ', group) = bytes.split_first()? else { return None };
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() && !MASK_CHARACTERS.contains(byte);
    (group.iter().all(|byte| is_group_byte(*byte)) && !group.iter().all(is_letter)).then_some(group)
}

fn is_group_byte(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || MASK_CHARACTERS.contains(&byte)
}

/// The most dates on one side of a number: a year and an expiry date.
const MOST_DATES: u8 = 2;

/// True if `digits` are a card number on their own.
fn is_card(digits: &[u8]) -> bool {
    let is_repeated = digits.windows(2).all(|pair| pair.first() == pair.last());
    let is_issued =
        |digits: Digits| matches!(brand::identify(&digits), Some((_, Tier::Default))) && luhn::is_valid(&digits);
    digits.iter().all(u8::is_ascii_digit) && !is_repeated && Digits::of(digits).is_some_and(is_issued)
}

/// True for a year from 1990 to 2049, and for a month followed by a day or by a year up to 2049.
fn is_date(group: &[u8]) -> bool {
    let is_year = matches!(group, [b'1', b'9', b'9', _] | [b'2', b'0', b'0'..=b'4', _]);
    is_year || matches!(group, [b'0', b'1'..=b'9', b'0'..=b'4', _] | [b'1', b'0'..=b'2', b'0'..=b'4', _])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_cards_are_distinguished_from_tables() {
        for (before, after) in [
            ("", " 5500 0000 0000 0004"),
            ("", " 5500 0000 0000 0004 6011 1111 1111 1117, 1"),
            ("5500 0000 0000 0004 ", " 4242 4242 4242 4242"),
            ("cards: 2026 5500 0000 0000 0004 ", ""),
            ("on 2026 0115 ", " 1227 2027"),
            ("4242424242424242 5500 0000 0000 0004 ", " 12345"),
        ] {
            assert!(consists_of_cards(before.as_bytes(), after.as_bytes()), "{before}|{after}");
        }
        for (before, after) in [
            ("", " 5500 0000 0000 0005"),
            ("", " 5500 0000 0000 0004 1234 5678"),
            ("", " 5500 0000 0000"),
            ("1234 5678 ", ""),
            ("**** **** **** 0004 ", ""),
            ("1a2b 3c4d 5500 0000 0000 0004 ", ""),
            ("0004 5500 0000 0000 ", ""),
            ("row 1234 5678 9012\nrow ", " 5500 0000 0000 0004"),
            ("row ", " 5500 0000 0000 0004\nrow 1234 5678 9012"),
            ("", " 2026 2027 2028"),
            ("", " 1327 9999"),
        ] {
            assert!(!consists_of_cards(before.as_bytes(), after.as_bytes()), "{before}|{after}");
        }
        let long = " 5500 0000 0000 0004".repeat(4);
        assert!(!consists_of_cards(b"", long.as_bytes()));
    }
}
