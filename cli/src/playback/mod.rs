//! Playback of stored HTTP streams through the filter, without a proxy.
//!
//! `panveil replay` plays captures, and `panveil test` the cases of a policy.

mod host;
mod message;
mod peers;
mod play;
mod record;

pub use message::{HeaderPair, StoredBody, StoredMessage, StoredStream, WebSocketMessage, values};
pub use peers::{Peers, TlsArg, spiffe_id};
pub use play::{ForwardedMessage, StreamOutcome, play};
pub use record::{RecordSummary, describe};
