//! Checks of the bytes adjacent to a candidate.

use super::adjacent;
use super::words::{self, is_one_of};
use super::{Brand, NotPanReason, Tier, attached, brand, luhn, row, track};
use crate::scan::mutation;
use crate::scan::{Candidate, Edge, FILLER, Neighbour, SeparatorKind, Shape};

/// The evidence of the bytes adjacent to a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// The adjacent bytes are compatible with a card number and add this score.
    Score(i8),
    /// The candidate is part of magnetic stripe data.
    Track,
    /// The adjacent bytes show that the candidate is not a card number.
    NotPan(NotPanReason),
    /// The decision depends on bytes that have not arrived yet.
    Undecided,
}

/// The evidence of the bytes adjacent to `candidate`. `before` is the text before it.
pub fn surroundings(candidate: &Candidate<'_>, before: &[u8]) -> Surroundings {
    let (left, right) = (candidate.left(), candidate.right());
    let (after, complete) = candidate.after();
    if candidate.shape() == Shape::Bare {
        match track::follows(before, after) {
            Some(true) => return Surroundings::Track,
            None if !complete => return Surroundings::Undecided,
            Some(false) | None => {}
        }
    }
    let length = candidate.span().len();
    let value =
        if left == Edge::Letter { adjacent::is_cbor_value(before, length, after, complete) } else { Some(false) };
    let is_attached = || may_be_attached(before, sure_brand(candidate));
    if left == Edge::Letter
        && value != Some(true)
        && !is_attached()
        && !is_not_a_word(before, length, after)
        && !mutation::is_disabled("reject", "adjacent_letter")
    {
        return value.map_or(Surroundings::Undecided, |_| Surroundings::NotPan(NotPanReason::AdjacentLetter));
    }
    if right == Edge::Letter && value != Some(true) && !adjacent::is_exact_string(before, length) {
        let word = after.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if value.is_none() || (word == after.len() && !complete) {
            return Surroundings::Undecided;
        }
        let (word, behind) = after.split_at_checked(word).unwrap_or_default();
        let is_suffix = || sure_brand(candidate).is_some() && may_follow_sure_number(word, behind.first());
        if !is_one_of(word, &words::ATTACHED_AFTER)
            && !is_bcd_filler(word, behind.first())
            && !is_suffix()
            && !mutation::is_disabled("reject", "adjacent_letter")
        {
            return Surroundings::NotPan(NotPanReason::AdjacentLetter);
        }
    }
    if candidate.shape() == Shape::Bare {
        if (is_fraction(left, false) || is_fraction(right, true)) && !mutation::is_disabled("reject", "decimal_number")
        {
            return Surroundings::NotPan(NotPanReason::DecimalNumber);
        }
        return Surroundings::Score(mutation::score("underscore", weigh_underscore(before)));
    }
    let goes_on = [left, right].iter().any(|edge| continues(*edge, candidate.separator()));
    let dotted = candidate.separator() == Some(SeparatorKind::Dot) && before.ends_with(b".");
    if (goes_on || dotted || candidate.is_in_iban()) && !mutation::is_disabled("reject", "longer_number") {
        return Surroundings::NotPan(NotPanReason::LongerNumber);
    }
    match candidate.fours_beside() >= TABLE_ROW_GROUPS {
        false => Surroundings::Score(0),
        true if !row::consists_of_cards(before, after) => {
            Surroundings::Score(mutation::score("table_row", TABLE_ROW_SCORE))
        }
        // Another row may follow.
        true if !complete => Surroundings::Undecided,
        true => Surroundings::Score(0),
    }
}

/// The number of adjacent four-digit groups that indicate a table row. A single one may be a year or an expiry date.
const TABLE_ROW_GROUPS: u8 = 2;

/// The score of a candidate in a table row.
const TABLE_ROW_SCORE: i8 = -3;

/// The score of an underscore, or of a dash after a word, before a number if the word does not name a card; and of a minus
/// sign or a decimal point.
const UNDERSCORE_SCORE: i8 = -2;

/// True if the word at the end of `before` may be written directly before a card number. `sure_brand` is the result of
/// [`sure_brand`].
fn may_be_attached(before: &[u8], sure_brand: Option<Brand>) -> bool {
    let (rest, word) = last_word(before);
    let code = before.get(rest.len()..).unwrap_or_default();
    let is_known = is_one_of(&word, &words::ATTACHED_BEFORE)
        || is_mask(before)
        || sure_brand.is_some_and(|brand| words::is_card(&word) || attached::is_brand_code(code, brand));
    is_known && !rest.last().is_some_and(u8::is_ascii_digit)
}

/// True if `word`, before the byte `behind`, may be written directly after a number with a [`sure_brand`].
fn may_follow_sure_number(word: &[u8], behind: Option<&u8>) -> bool {
    attached::is_literal_suffix(word, behind) || attached::is_currency(word)
}

/// The brand of a number whose range indicates a card and whose check digit is valid.
fn sure_brand(candidate: &Candidate<'_>) -> Option<Brand> {
    let (brand, tier) = brand::identify(candidate.digits())?;
    (tier == Tier::Default && luhn::is_valid(candidate.digits())).then_some(brand)
}

/// True if the letter at the end of `before` is not part of a word: it ends a control sequence or is a string length.
pub fn is_not_a_word(before: &[u8], length: usize, after: &[u8]) -> bool {
    adjacent::ends_control_sequence(before) || adjacent::is_string_head(before, length, after)
}

fn weigh_underscore(before: &[u8]) -> i8 {
    let rest = match before.split_last() {
        Some((b'_', rest)) => rest,
        Some((b'-', rest)) if rest.last().is_some_and(u8::is_ascii_alphabetic) => rest,
        _ if is_signed_or_fraction(before) => return UNDERSCORE_SCORE,
        _ => return 0,
    };
    let (_, word) = last_word(rest);
    let known = is_one_of(&word, &words::ATTACHED_BEFORE) || words::is_card(&word) || is_mask(rest);
    if known { 0 } else { UNDERSCORE_SCORE }
}

/// True if `before` ends with the sign of a negative value (`"hash":-`), or with the point of a fraction without an integer
/// (`x=.`, `-.`).
pub fn is_signed_or_fraction(before: &[u8]) -> bool {
    let Some((b'-' | b'.', rest)) = before.split_last() else { return false };
    let begins_value = rest.trim_ascii_end().last().is_some_and(|byte| b":,[=(".contains(byte));
    begins_value || before.ends_with(b"-.")
}

/// True if the letters at the end of `text` are a mask of panveil or of another program: `xxxx`, `XXXX`, `FFFF`.
pub fn is_mask(text: &[u8]) -> bool {
    let letters = text.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = text.get(text.len().saturating_sub(letters)..).unwrap_or_default();
    letters >= MIN_MASK_LETTERS && MASK_LETTERS.iter().any(|letter| word.iter().all(|byte| byte == letter))
}

/// The letters of masks, and the fewest that are recognized as a mask.
const MASK_LETTERS: [u8; 3] = *b"xXF";
const MIN_MASK_LETTERS: usize = 4;

/// True if `word` is the filler `F` that completes the last byte of a number in binary coded decimals. `behind` is the byte after
/// it.
pub fn is_bcd_filler(word: &[u8], behind: Option<&u8>) -> bool {
    (1..MIN_MASK_LETTERS).contains(&word.len())
        && word.iter().all(|byte| *byte == FILLER)
        && !behind.is_some_and(u8::is_ascii_digit)
}

/// Splits off the ASCII letters at the end of `text` and returns them in lowercase.
fn last_word(text: &[u8]) -> (&[u8], Vec<u8>) {
    let start = text.iter().rposition(|byte| !byte.is_ascii_alphabetic()).map_or(0, |index| index.saturating_add(1));
    let (rest, word) = text.split_at_checked(start).unwrap_or_default();
    (rest, word.to_ascii_lowercase())
}

/// True if a decimal point and digits are at this edge. A fraction of zeros does not change the number.
fn is_fraction(edge: Edge, after: bool) -> bool {
    matches!(edge, Edge::Group(Neighbour { separator: SeparatorKind::Dot, zeros, .. }) if !(after && zeros))
}

/// True if another group with the number's own dash or dot is at this edge, as in serial numbers and UUIDs.
fn continues(edge: Edge, own: Option<SeparatorKind>) -> bool {
    match edge {
        Edge::Group(neighbour) => Some(neighbour.separator) == own && neighbour.separator != SeparatorKind::Space,
        Edge::Open | Edge::Letter => false,
    }
}
