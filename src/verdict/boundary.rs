//! Do its surroundings say that it is something else?

use super::adjacent;
use super::words::{self, is_one_of};
use super::{Why, track};
use crate::scan::{Candidate, Edge, FILLER, Neighbour, Separator, Shape};

/// What the surroundings of a candidate come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// They leave it open, but count so much for or against it.
    Weigh(i8),
    /// They are those of magnetic stripe data.
    Track,
    /// They make it something else.
    Object(Why),
    /// They go on behind the bytes that are there.
    Open,
}

/// What the bytes around `candidate` say. `before` is the text before it.
pub fn surroundings(candidate: &Candidate<'_>, before: &[u8]) -> Surroundings {
    let (left, right) = (candidate.left(), candidate.right());
    let (after, complete) = candidate.after();
    if candidate.shape() == Shape::Bare {
        match track::follows(before, after) {
            Some(true) => return Surroundings::Track,
            None if !complete => return Surroundings::Open,
            Some(false) | None => {}
        }
    }
    let length = candidate.span().len();
    let value =
        if left == Edge::Letter { adjacent::is_cbor_value(before, length, after, complete) } else { Some(false) };
    if left == Edge::Letter && value != Some(true) && !is_glued_before(before) && !is_no_word(before, length, after) {
        return value.map_or(Surroundings::Open, |_| Surroundings::Object(Why::GluedToLetter));
    }
    if right == Edge::Letter && value != Some(true) && !adjacent::is_exact_string(before, length) {
        let word = after.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if value.is_none() || (word == after.len() && !complete) {
            return Surroundings::Open;
        }
        let (word, behind) = after.split_at_checked(word).unwrap_or_default();
        if !is_one_of(word, &words::GLUED_BEHIND) && !is_filled_up(word, behind.first()) {
            return Surroundings::Object(Why::GluedToLetter);
        }
    }
    if candidate.shape() == Shape::Bare {
        if is_fraction(left, false) || is_fraction(right, true) {
            return Surroundings::Object(Why::Fraction);
        }
        return Surroundings::Weigh(weigh_underscore(before));
    }
    let goes_on = [left, right].iter().any(|edge| continues(*edge, candidate.separator()));
    let dotted = candidate.separator() == Some(Separator::Dot) && before.ends_with(b".");
    if goes_on || dotted || candidate.is_in_iban() {
        return Surroundings::Object(Why::LongerNumber);
    }
    Surroundings::Weigh(if candidate.fours_beside() >= ROW { ROW_SCORE } else { 0 })
}

/// The four-digit groups beside a number from which on it is a row of a table. One may be a year or an expiry date.
const ROW: u8 = 2;

/// What a row of a table is worth.
const ROW_SCORE: i8 = -3;

/// What an underscore, or a dash behind a word, is worth before a number when the word says nothing of cards.
const UNDERSCORE_SCORE: i8 = -2;

/// True when the word that `before` ends with may stand directly before a card number.
fn is_glued_before(before: &[u8]) -> bool {
    let (rest, word) = last_word(before);
    let is_known = is_one_of(&word, &words::GLUED_BEFORE) || is_mask(before);
    is_known && !rest.last().is_some_and(u8::is_ascii_digit)
}

/// True when the letter that `before` ends with belongs to no word.
pub fn is_no_word(before: &[u8], length: usize, after: &[u8]) -> bool {
    adjacent::ends_control_sequence(before) || adjacent::is_string_head(before, length, after)
}

fn weigh_underscore(before: &[u8]) -> i8 {
    let rest = match before.split_last() {
        Some((b'_', rest)) => rest,
        Some((b'-', rest)) if rest.last().is_some_and(u8::is_ascii_alphabetic) => rest,
        _ => return 0,
    };
    let (_, word) = last_word(rest);
    let known = is_one_of(&word, &words::GLUED_BEFORE) || words::is_card(&word) || is_mask(rest);
    if known { 0 } else { UNDERSCORE_SCORE }
}

/// True when the letters that `text` ends with are those of a mask, of which other programs have theirs: `xxxx`, `XXXX`, `FFFF`.
pub fn is_mask(text: &[u8]) -> bool {
    let letters = text.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = text.get(text.len().saturating_sub(letters)..).unwrap_or_default();
    letters >= LETTERS_OF_MASK && MASK_LETTERS.iter().any(|letter| word.iter().all(|byte| byte == letter))
}

/// What letters masks are written with, and how many they are at least.
const MASK_LETTERS: [u8; 3] = *b"xXF";
const LETTERS_OF_MASK: usize = 4;

/// True when what `after` begins with fills a number up to whole bytes, as in dumps of binary coded decimals: `F`.
pub fn is_filled_up(word: &[u8], behind: Option<&u8>) -> bool {
    (1..LETTERS_OF_MASK).contains(&word.len())
        && word.iter().all(|byte| *byte == FILLER)
        && !behind.is_some_and(u8::is_ascii_digit)
}

/// The ASCII letters that `text` ends with, in lower case, and what is before them.
fn last_word(text: &[u8]) -> (&[u8], Vec<u8>) {
    let start = text.iter().rposition(|byte| !byte.is_ascii_alphabetic()).map_or(0, |index| index.saturating_add(1));
    let (rest, word) = text.split_at_checked(start).unwrap_or_default();
    (rest, word.to_ascii_lowercase())
}

/// True when a decimal point and digits stand at this edge. Zeros after the number do not make it another one.
fn is_fraction(edge: Edge, after: bool) -> bool {
    matches!(edge, Edge::Group(Neighbour { separator: Separator::Dot, zeros, .. }) if !(after && zeros))
}

/// True when the number's own dashes or dots go on at this edge, as in serial numbers and UUIDs.
fn continues(edge: Edge, own: Option<Separator>) -> bool {
    match edge {
        Edge::Group(neighbour) => Some(neighbour.separator) == own && neighbour.separator != Separator::Space,
        Edge::Open | Edge::Letter => false,
    }
}
