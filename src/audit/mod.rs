//! What may be said of what was found? (stage 6 of the flow)
//!
//! The types here cannot hold a card's digits: they are made from places, brands, lengths, counts and from text that went
//! through [`Redacted`]. Everything that leaves the filter for a log, a metric or a record is one of them.
//!
//! Law 8, **silence**: no log line, metric, record, error or local reply holds more than four consecutive digits of a
//! card that was found.

mod action;
mod counters;
mod line;
mod record;
mod redacted;
#[cfg(feature = "cli")]
pub mod schema;
mod stream_summary;

pub use action::{Action, Reason};
pub use counters::{Counter, Counters};
pub use line::Line;
pub use record::Facts;
pub use redacted::Redacted;
pub use stream_summary::StreamSummary;
