//! Inspection of bodies as they stream (stage 5 of the flow).
//!
//! A body arrives in chunks and is forwarded in chunks. Bytes at the end of a chunk that cannot be decided yet are held back.
//! [`Inspector`] finds card numbers in one text. [`Body`] divides a body into texts and decides which bytes are forwarded, held
//! back or masked, and when a body is reset. Neither depends on a host.
//!
//! # Invariants
//!
//! Each invariant is a function in `invariants.rs` and a property test with the same name in `invariant_tests/`.
//!
//! 1. **Identity**: without a finding, the output equals the input.
//! 2. **Chunk invariance**: findings and output do not depend on the division into chunks.
//! 3. **Bounded hold-back**: at most [`MAX_UNDECIDED`] bytes are held back, or [`MAX_UNDECIDED_TOKEN`] with base64 tokens, and
//!    memory does not grow with the body.
//! 4. **Same length**: no edit changes the length.
//! 5. **Well-formedness**: a JSON document stays valid, and its numbers stay numbers.
//! 6. **Idempotence**: the output contains no further finding.
//! 7. **Drain**: the end of the stream, trailers and a block each have a defined last step; no byte is lost or duplicated.
//! 9. **Oracle**: the findings equal those of a slow, simple finder in the whole body.
//! 10. **Release**: another filter may forward paused bytes at any time; no byte is lost, and no undecided digit is forwarded.
//!
//! Invariant 8, that no log contains a digit of a card number, belongs to [`crate::audit`].

mod body;
mod charset;
mod csv_header;
mod field_path;
mod finding;
mod inspector;
mod json_rows;
mod key_context;
mod media;
mod messages;
mod quick_check;
mod search;
mod text_format;

#[cfg(test)]
mod invariant_tests;
#[cfg(any(test, feature = "fuzzing"))]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "it panics when an invariant is violated, which is its purpose"
)]
pub mod invariants;
#[cfg(any(test, feature = "fuzzing"))]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that panics has failed, which is its purpose"
)]
mod oracle;

pub use body::{
    Abort, Body, BodyAction, BodyConfig, BodyFlow, BodyFormat, BodyOutput, BodyProgress, ContentType, HoldBack,
    MIN_FIRST_FORWARD, Side,
};
pub use field_path::{Boundary, PATH, URL_HEADERS, of_header};
pub use finding::{Detection, Finding, FindingKind, PatternMatch, Trace};
pub use inspector::{Inspector, redacted, redacted_by};
pub use media::{SNIFF_LEN, begins_like_text, begins_like_utf8};
pub use messages::{Framing, LengthPrefixed, Sender};
pub use quick_check::may_contain;
pub use text_format::TextFormat;

pub use panveil_codings::{DecodeError, Decoder, Exhausted, MemoryBudget, Progress, Unknown, names_no_coding};

use crate::scan::token::LONGEST_TOKEN;

/// Maximum number of undecided bytes at the end of a chunk. A plain card number needs [`HORIZON`](crate::scan::HORIZON) bytes, and a
/// verification code before it as many more as its maximum distance. Each character may be an escape of several bytes, and the
/// last escape may be incomplete. At this limit, the decision uses the bytes available.
pub const MAX_UNDECIDED: usize = 4096;

/// Maximum number of undecided bytes with base64 tokens.
pub const MAX_UNDECIDED_TOKEN: usize = LONGEST_TOKEN + MAX_UNDECIDED;
