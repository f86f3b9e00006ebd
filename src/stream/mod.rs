//! How does a body pass through? (stage 5 of the flow)
//!
//! One body: chunks in, chunks out, the undecided tail between them. [`Inspector`] finds the cards, [`Body`] decides what
//! is forwarded, held or cut. Neither knows a host.
//!
//! # Laws
//!
//! Each is a function in `demands.rs` and a property test of the same name in `laws/`.
//!
//! 1. **Identity**: with nothing found, the bytes out are the bytes in.
//! 2. **Cut invariance**: findings and bytes out do not depend on where the stream is cut into chunks.
//! 3. **Bounded wait**: at most [`MAX_UNDECIDED`] bytes are held, or [`MAX_UNDECIDED_TOKEN`] where tokens are read, and
//!    memory does not grow with the body.
//! 4. **Same length**: every edit keeps its length.
//! 5. **Well formed**: a JSON document stays one, and its numbers stay numbers.
//! 6. **Idempotence**: the output, inspected again, holds nothing more.
//! 7. **Drain**: the end of the stream, trailers and a block each have a named last step; no byte is lost or doubled.
//! 9. **Oracle**: what is found is what a slow, plain finder finds in the whole body.
//! 10. **Release**: whatever waits in the host may be taken along at any moment; no byte is lost, and no digit too many is shown.
//!
//! (Law 8, silence, is about what is said of a body: see [`crate::audit`].)

mod body;
mod charset;
mod csv_header;
mod finding;
mod inspector;
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
    reason = "it panics where a law does not hold, which is its purpose"
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
    Abort, Body, BodyAction, BodyConfig, BodyFlow, BodyFormat, BodyOutput, BodyProgress, HoldBack, MIN_FIRST_FORWARD,
    Side,
};
pub use charset::is_unreadable as is_unreadable_charset;
pub use finding::{Detection, Finding, FindingKind, PatternMatch, Trace};
pub use inspector::{Inspector, redacted, redacted_by};
pub use media::{SNIFF_LEN, begins_like_text, is_binary};
pub use messages::{Framing, LengthPrefixed, Sender};
pub use quick_check::may_contain;
pub use text_format::TextFormat;

pub use panveil_codings::{DecodeError, Decoder, Exhausted, MemoryBudget, Progress, Unknown, names_no_coding};

use crate::scan::token::LONGEST_TOKEN;

/// The most bytes at the end of a chunk that wait for the next one. Digits that are written plainly need
/// [`HORIZON`](crate::scan::HORIZON) bytes, a verification code in front of them as many more as it may be away; each may be
/// spelled with several bytes, and an escape may not be complete. What so many bytes leave undecided is decided with them.
pub const MAX_UNDECIDED: usize = 4096;

/// The same, where base64 tokens are read.
pub const MAX_UNDECIDED_TOKEN: usize = LONGEST_TOKEN + MAX_UNDECIDED;
