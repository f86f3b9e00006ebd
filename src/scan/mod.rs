//! Where could a number be? (stage 1 of the flow)
//!
//! Bytes in, [`Candidate`]s out: runs and groups of digits that have the shape of a card number. Nothing here knows
//! issuers, check digits or HTTP; [`crate::verdict`] decides what a candidate is.
//!
//! # Vocabulary
//!
//! A *group* is a maximal run of digits. A *separator* is what may stand between two groups: a space, dash or dot, or one of
//! the wider ones in `separator.rs`. A *chain* is a sequence of groups joined by exactly one space, dash or dot each; where
//! starts are looked for (`starts.rs`), by separators of any kind. A *window* is a run of neighbouring groups with the same
//! separator throughout: candidates begin and end at group boundaries only, so that a number never starts in the middle of a
//! longer one. A window becomes a candidate when it has [`MIN_DIGITS`] to [`MAX_DIGITS`] digits and one of the
//! [`Shape`]s. Only in the data objects of chip cards (`emv.rs`) do the digits of a number touch other digits.
//!
//! # Laws
//!
//! - **Locality**: whether a window is a candidate, and both of its [`Edge`]s, follow from the [`LOOKBEHIND`] bytes before
//!   the first digit and the [`HORIZON`] bytes from there on. This is what makes the result independent of cuts.
//! - **Bounded wait**: at most [`HORIZON`] bytes are undecided at the end of a view that is not the last.
//! - **Remains are not numbers**: digits left visible by an earlier mask are never the start of a new candidate, so that
//!   two filters in a row agree. A mask is a run of eight or more mask characters, single separators between them
//!   allowed, or of four or more behind visible digits; other runs (`**bold**`, `**** 4111 …`) are punctuation. A group
//!   of [`MIN_DIGITS`] is no remainder: masks leave fewer.

mod candidate;
mod candidate_iter;
mod decoded;
mod emv;
mod escape;
mod fold;
pub(crate) mod lanes;
pub(crate) mod letters;
mod markup;
pub mod pattern;
mod prefilter;
mod prefixed;
mod separator;
mod skip;
mod starts;
mod table_row;
pub mod token;
mod view;

pub use candidate::{Candidate, Digits, Edge, Neighbour, Shape};
pub use candidate_iter::CandidateIter;
pub use decoded::{Decoded, Edit, LONGEST_SPELLING};
pub use escape::{Escapes, none as is_plain};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use fold::{Fold, fold};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use prefixed::number_in as prefixed_number;
pub use prefixed::{CBOR_TEXT, begins_binary, ends_with_length, is_binary, is_binary_far};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use separator::GroupSeparator;
pub use separator::{SeparatorKind, is_separator, is_separator_byte};
pub use skip::{decoded_len_min, safe_cut, skip_len};
pub use starts::{CandidateStarts, NextStart};
pub use view::{FILLER, MASK_CHARACTERS, View, text_before};

/// The fewest digits a candidate has (Maestro's shortest number, ISO/IEC 7812-1).
pub const MIN_DIGITS: usize = 12;

/// The most digits a candidate has (ISO/IEC 7812-1: a PAN has at most 19).
pub const MAX_DIGITS: usize = 19;

/// Bytes before a window's first digit that may take part in a decision: the name of the field, or that of an array some
/// way back.
pub const LOOKBEHIND: usize = 256;

/// Bytes behind a window's last digit that may take part in a decision: an expiry date, the name of a verification code,
/// the rest of a track (ISO/IEC 7813: track 1 has at most 79 characters).
pub const LOOKAHEAD: usize = 80;

/// Bytes from a window's first digit on that may take part in a decision: 19 digits with 18 separators, then what may follow
/// them.
pub const HORIZON: usize = MAX_DIGITS + (MAX_DIGITS - 1) * separator::LONGEST_SEPARATOR + LOOKAHEAD;

/// How far a chain is followed to the left.
const CHAIN: usize = 32;
