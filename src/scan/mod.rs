//! Where could a number be? (stage 1 of the flow)
//!
//! Bytes in, [`Candidate`]s out: runs and groups of digits that have the shape of a card number. Nothing here knows
//! issuers, check digits or HTTP; [`crate::verdict`] decides what a candidate is.
//!
//! # Vocabulary
//!
//! A *group* is a maximal run of digits. A *chain* is a sequence of groups joined by exactly one separator (space, dash
//! or dot) each. A *window* is a run of neighbouring groups of a chain: windows begin and end at group boundaries only,
//! so that a number never starts in the middle of a longer one. A window becomes a candidate when it has
//! [`MIN_DIGITS`] to [`MAX_DIGITS`] digits and one of the [`Shape`]s.
//!
//! # Laws
//!
//! - **Locality**: whether a window is a candidate, and both of its [`Edge`]s, follow from the [`LOOKBEHIND`] bytes before
//!   the first digit and the [`HORIZON`] bytes from there on. This is what makes the result independent of cuts.
//! - **Bounded wait**: at most [`HORIZON`] bytes are undecided at the end of a view that is not the last.
//! - **Remains are not numbers**: digits left visible by an earlier mask are never the start of a new candidate, so that
//!   two filters in a row agree. A mask is a run of four or more mask characters, single separators between them
//!   allowed; shorter runs (`**bold**`) are punctuation.

mod candidate;
mod decoded;
mod escape;
mod fold;
mod hot;
mod view;
mod window;

pub use candidate::{Candidate, Digits, Edge, Neighbour, Separator, Shape};
pub use decoded::{Decoded, Edit, LONGEST_SPELLING};
pub use escape::{Escapes, any as has_escapes};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use fold::{Fold, fold};
pub use view::View;
pub use window::{Starts, Step, Windows};

/// The fewest digits a candidate has (Maestro's shortest number, ISO/IEC 7812-1).
pub const MIN_DIGITS: usize = 12;

/// The most digits a candidate has (ISO/IEC 7812-1: a PAN has at most 19).
pub const MAX_DIGITS: usize = 19;

/// Bytes before a window's first digit that may take part in a decision: the name of the field, or that of an array some
/// way back.
pub const LOOKBEHIND: usize = 256;

/// Bytes behind a window's last digit that may take part in a decision: an expiry date, the name of a verification code.
pub const LOOKAHEAD: usize = 64;

/// Bytes from a window's first digit on that may take part in a decision: 19 digits with 18 separators, then what may follow
/// them.
pub const HORIZON: usize = 37 + LOOKAHEAD;

/// How far a chain is followed to the left.
const CHAIN: usize = 32;
