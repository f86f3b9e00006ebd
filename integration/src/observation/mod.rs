//! What did a ring see, and is it what the case expects?
//!
//! Plain data, so that any ring can fill it in: Envoy, a host in memory, the dispatcher alone.

mod check;
mod counter;
mod differences;

pub use check::{check, dense, tells};
pub use counter::{canonical, from_stat};

use std::collections::BTreeMap;

/// All that came of one exchange.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// The request that reached the service whole.
    pub received: Option<ReceivedRequest>,
    /// What reached the service of a request that was then cut off.
    pub cut_off: Option<ReceivedRequest>,
    /// What the client got; `None` when the connection ended without a response.
    pub response: Option<ReceivedResponse>,
    /// The log metadata by key (`action`, `found`, `path`, ...), and `details`. An absent key was not set.
    pub log: BTreeMap<String, String>,
    /// How far each counter moved, by its [`canonical`] name.
    pub counters: BTreeMap<String, u64>,
}

/// A request as the service saw it.
#[derive(Clone, Debug, Default)]
pub struct ReceivedRequest {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// All of it.
    pub body: Vec<u8>,
    /// In order, names in lower case.
    pub trailers: Vec<(String, String)>,
}

/// A response as the client saw it.
#[derive(Clone, Debug, Default)]
pub struct ReceivedResponse {
    /// The status.
    pub status: u16,
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// All of it.
    pub body: Vec<u8>,
    /// In order, names in lower case.
    pub trailers: Vec<(String, String)>,
    /// Whether it ended as its framing says.
    pub complete: bool,
}

/// The values of one header, in order.
#[must_use]
pub fn values<'a>(headers: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
}
