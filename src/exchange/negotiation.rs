//! Changes to request headers that keep bodies readable.
//!
//! panveil removes the client's offers of content encodings, ranges and WebSocket extensions, so that the upstream sends plain
//! bodies. HTTP permits that, because an upstream may decline each offer. Monitor mode changes no header.

use crate::host::{HeaderBlock, HeaderMap, Host, HostError};
use crate::policy::{Decisions, Location, Policy, Uninspectable};

/// A change of one header.
///
/// Has no `Debug`: it may contain a header's value.
pub enum Change {
    /// Replaces the header's value.
    Replace(&'static [u8], Vec<u8>),
    /// Removes the header.
    Remove(&'static [u8]),
}

/// The headers that offer encodings for a response and for the gRPC messages in it.
const ACCEPTED: [&[u8]; 2] = [b"accept-encoding", b"grpc-accept-encoding"];
const IDENTITY: &[u8] = b"identity";
/// The headers that ask for a range. Without them an upstream sends the whole resource.
const RANGES: [&[u8]; 2] = [b"range", b"if-range"];
/// The header that offers WebSocket extensions, which change the content of frames.
const EXTENSIONS: &[u8] = b"sec-websocket-extensions";

/// The changes to the headers of a request, by the decisions for it and for its response.
pub fn changes(policy: &Policy, decisions: [&Decisions; 2], request: &HeaderBlock) -> Vec<Change> {
    let [reads_request, reads_response] = decisions.map(|decisions| decisions.enforces_at(Location::Body));
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
    if (reads_request || reads_response) && request.get(EXTENSIONS).is_some() && opens_websocket(request) {
        changes.push(Change::Remove(EXTENSIONS));
    }
    changes
}

impl Change {
    /// Applies the change to a header map.
    pub fn apply(self, host: &mut dyn Host, map: HeaderMap) -> Result<(), HostError> {
        match self {
            Self::Replace(name, value) => host.replace_header(map, name, &value),
            Self::Remove(name) => host.remove_header(map, name),
        }
    }
}

/// True if a request asks for a WebSocket. Envoy translates the extended CONNECT of HTTP/2 to this form.
pub fn opens_websocket(request: &HeaderBlock) -> bool {
    let protocols = request.get(b"upgrade").unwrap_or_default();
    protocols.split(|byte| *byte == b',').any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}
