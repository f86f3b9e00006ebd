//! What must be asked of both sides so that their messages can be read?
//!
//! What a client offers to understand is taken out of its request, and the service answers in plain. Both sides are free to:
//! each of these is an offer that may be declined. Monitor mode asks for nothing: it changes no byte.

use crate::host::{HeaderBlock, HeaderMap, Host, HostError};
use crate::policy::{Decisions, Location, Policy, Uninspectable};

/// A header that is to be changed.
///
/// Has no `Debug`: it may hold what came in a header.
pub enum Change {
    /// It gets this value.
    Replace(&'static [u8], Vec<u8>),
    /// It is removed.
    Remove(&'static [u8]),
}

/// The codings that a response may come in, and a message of gRPC in it.
const ACCEPTED: [&[u8]; 2] = [b"accept-encoding", b"grpc-accept-encoding"];
const IDENTITY: &[u8] = b"identity";
/// Asks for a part of something. A service that is not asked sends the whole.
const RANGES: [&[u8]; 2] = [b"range", b"if-range"];
/// Extensions of a websocket, all of which change what is in its frames.
const EXTENSIONS: &[u8] = b"sec-websocket-extensions";

/// What is to be changed in the headers of a request, under the rulings for it and its response. `websocket` says that it
/// [asks for one](opens_websocket).
pub fn changes(policy: &Policy, rulings: [&Decisions; 2], request: &HeaderBlock, websocket: bool) -> Vec<Change> {
    let [reads_request, reads_response] = rulings.map(|decisions| decisions.enforces_at(Location::Body));
    let mut changes = Vec::new();
    if reads_response {
        for name in ACCEPTED {
            if request.get(name).is_some_and(|codings| !codings.eq_ignore_ascii_case(IDENTITY)) {
                changes.push(Change::Replace(name, IDENTITY.to_vec()));
            }
        }
        if policy.uninspectable() == Uninspectable::Block {
            let ranges = RANGES.into_iter().filter(|name| request.get(name).is_some());
            changes.extend(ranges.map(Change::Remove));
        }
    }
    if websocket && (reads_request || reads_response) && request.get(EXTENSIONS).is_some() {
        changes.push(Change::Remove(EXTENSIONS));
    }
    changes
}

impl Change {
    /// Makes the change.
    pub fn make<H: Host>(self, host: &mut H, map: HeaderMap) -> Result<(), HostError> {
        match self {
            Self::Replace(name, value) => host.replace_header(map, name, &value),
            Self::Remove(name) => host.remove_header(map, name),
        }
    }
}

/// True when a request asks for a websocket. HTTP/2 asks in another way, which Envoy translates to this one.
pub fn opens_websocket(request: &HeaderBlock) -> bool {
    let protocols = request.get(b"upgrade").unwrap_or_default();
    protocols.split(|byte| *byte == b',').any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}
