//! Observation of one stream in a test tier, and its comparison with a case.
//!
//! Plain data, which every tier can provide: Envoy, the host in memory, the ABI.

mod check;
mod counter;
mod differences;

pub use check::{check, dense, tells};
pub use counter::{canonical, from_stat};

use std::collections::BTreeMap;

/// Observed results of one stream.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// Request that reached the upstream completely.
    pub received: Option<ReceivedRequest>,
    /// Part of an aborted request that reached the upstream.
    pub cut_off: Option<ReceivedRequest>,
    /// Response at the client. `None` when the connection ended without a response.
    pub response: Option<ReceivedResponse>,
    /// Log metadata by key (`action`, `found`, `path`, ...), and `details`. Keys that were not set are absent.
    pub log: BTreeMap<String, String>,
    /// Increase of each counter, by its [`canonical`] name.
    pub counters: BTreeMap<String, u64>,
}

/// Request at the upstream.
#[derive(Clone, Debug, Default)]
pub struct ReceivedRequest {
    /// Method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers in order, names in lowercase.
    pub headers: Vec<(String, String)>,
    /// Complete body.
    pub body: Vec<u8>,
    /// Trailers in order, names in lowercase.
    pub trailers: Vec<(String, String)>,
}

/// Response at the client.
#[derive(Clone, Debug, Default)]
pub struct ReceivedResponse {
    /// Status.
    pub status: u16,
    /// Headers in order, names in lowercase.
    pub headers: Vec<(String, String)>,
    /// Received body.
    pub body: Vec<u8>,
    /// Trailers in order, names in lowercase.
    pub trailers: Vec<(String, String)>,
    /// Whether it ended as its framing says.
    pub complete: bool,
}

/// Values of one header, in order.
#[must_use]
pub fn values<'a>(headers: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
}
