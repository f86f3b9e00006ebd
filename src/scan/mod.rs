//! Search for candidate numbers in text (stage 1 of the flow).
//!
//! The input is bytes; the output is [`Candidate`]s: digits that are laid out like a card number. This stage does not
//! check issuers or Luhn and does not know HTTP. [`crate::verdict`] classifies each candidate.
//!
//! # Terms
//!
//! - *Group*: a maximal run of digits.
//! - *Separator*: the bytes between two groups, see `separator.rs`. A *single separator* is one space, dash or dot.
//! - *Chain*: groups joined by single separators. The search for starts (`starts.rs`) uses separators of any kind.
//! - *Candidate*: neighbouring groups of one chain with the same separator between them, [`MIN_DIGITS`] to
//!   [`MAX_DIGITS`] digits, and one of the [`Shape`]s. A candidate starts and ends at the boundary of a group, so it is
//!   never a part of a longer number. The exceptions are the data objects of chip cards (`emv.rs`) and strings with a
//!   length prefix (`prefixed.rs`).
//! - *Window*: the undecided bytes of a [`View`].
//!
//! # Invariants
//!
//! - **Locality**: whether groups are a candidate, and both [`Edge`]s of it, depend only on the [`LOOKBEHIND`] bytes
//!   before the first digit and the [`HORIZON`] bytes from that digit on. Therefore the result is the same for every
//!   split into chunks.
//! - **Bounded hold-back**: at most [`HORIZON`] bytes are undecided at the end of a view that more bytes follow.
//! - **Masks are final**: the digits that an earlier mask left visible do not start a new candidate, so two filters in
//!   one request path agree. A mask is a run of at least eight mask characters, or of at least four after visible
//!   digits. It may contain single separators. Other runs of mask characters (`**bold**`, `**** 4111 …`) are
//!   punctuation. A group of [`MIN_DIGITS`] digits is not the remainder of a mask, because a mask leaves fewer.

mod candidate;
mod candidate_iter;
mod decoded;
mod emv;
mod escape;
mod fold;
mod iso8583;
pub(crate) mod lanes;
pub(crate) mod letters;
mod markup;
pub mod mutation;
pub mod pattern;
mod prefilter;
mod prefixed;
mod quoted;
mod separator;
mod starts;
mod table_row;
pub mod token;
mod view;

pub use candidate::{Candidate, Digits, Edge, Neighbour, Shape};
pub use candidate_iter::CandidateIter;
pub use decoded::{Before, Decoded, Edit, LONGEST_SPELLING};
pub use escape::{Escapes, hex_pair, is_plain};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use fold::{Fold, fold};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use prefixed::number_in as prefixed_number;
pub use prefixed::{CBOR_TEXT, begins_binary, ends_with_length, is_binary, is_binary_far};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use separator::GroupSeparator;
pub use separator::{SeparatorKind, is_separator, is_separator_byte};
pub use starts::{CandidateStarts, NextStart};
pub use view::{FILLER, MASK_CHARACTERS, View, text_before};

/// The minimum number of digits of a candidate: the shortest Maestro number (ISO/IEC 7812-1).
pub const MIN_DIGITS: usize = 12;

/// The maximum number of digits of a candidate: the longest PAN (ISO/IEC 7812-1).
pub const MAX_DIGITS: usize = 19;

/// The number of bytes before the first digit of a candidate that a verdict may use, for example for a field name or
/// the name of an enclosing array.
pub const LOOKBEHIND: usize = 256;

/// The number of bytes after the last digit of a candidate that a verdict may use, for example for an expiry date, the
/// name of a verification code, or the rest of a track (at most 79 characters in track 1, ISO/IEC 7813).
pub const LOOKAHEAD: usize = 80;

/// The number of bytes from the first digit of a candidate on that a verdict may use: 19 digits with 18 separators, and
/// [`LOOKAHEAD`].
pub const HORIZON: usize = MAX_DIGITS + (MAX_DIGITS - 1) * separator::LONGEST_SEPARATOR + LOOKAHEAD;

/// The number of bytes over which a chain is followed to the left.
const CHAIN: usize = 32;
