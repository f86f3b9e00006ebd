//! Logs, metrics and records without card digits (stage 6 of the flow).
//!
//! Everything that leaves the filter for a log, a metric or a record is one of the types here. They consist of locations, brands,
//! lengths, counts and text that went through [`Redacted`]. Only `audit.truncated` and `audit.fingerprint` add a form of the number.
//!
//! Invariant 8, **silence**: no log line, metric, record, error or local reply contains more than four consecutive digits of a
//! detected card number.

mod counters;
mod line;
mod reason;
mod record;
mod record_object;
mod redacted;
mod stream_summary;

pub use counters::{Counter, Counters, ListenerDirection};
pub use line::Line;
pub use reason::Reason;
pub use record::{Facts, RECORD_VERSION};
pub use record_object::{RECORD_OBJECT_TYPE, record_object};
pub use redacted::Redacted;
pub use stream_summary::StreamSummary;

use crate::policy::field::ObjectSpec;

/// Declaration of all fields of an audit record.
pub const RECORD_SPEC: ObjectSpec = record::Record::SPEC;
