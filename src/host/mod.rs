//! Calls from panveil to the proxy (stage 7 of the flow).
//!
//! The [`Host`] trait has about a dozen calls, each of which may return an error. [`EnvoyHost`] implements it for Envoy, `FakeHost`
//! in memory for tests.

mod envoy;
#[cfg(any(test, feature = "fake-host"))]
mod fake;
mod header_block;
mod live;

pub use envoy::EnvoyHost;
#[cfg(any(test, feature = "fake-host"))]
pub use fake::{FakeHost, Field, Phase, SentReply};
pub use header_block::HeaderBlock;
pub use live::Live;

use crate::audit::{Counter, Line};
use crate::policy::Direction;

/// Host calls of a stream.
///
/// The proxy decides which call is valid in which callback. A call in the wrong callback returns [`HostError`] and changes nothing.
pub trait Host {
    /// Returns all pairs of a header map, in order.
    fn headers(&mut self, map: HeaderMap) -> Result<HeaderBlock, HostError>;
    /// Replaces all values of a header by one.
    fn replace_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), HostError>;
    /// Adds a value to a header.
    fn add_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), HostError>;
    /// Removes a header with all its values.
    fn remove_header(&mut self, map: HeaderMap, name: &[u8]) -> Result<(), HostError>;
    /// Returns the first `length` bytes of the buffered body.
    fn body(&mut self, direction: Direction, length: usize) -> Result<Vec<u8>, HostError>;
    /// Replaces all `length` bytes of the buffered body by `bytes`.
    fn replace_body(&mut self, direction: Direction, length: usize, bytes: &[u8]) -> Result<(), HostError>;
    /// Appends `bytes` to the buffered body, in a callback in which it was replaced.
    fn append_body(&mut self, direction: Direction, bytes: &[u8]) -> Result<(), HostError>;
    /// Sends a local reply, or resets the response if its headers have been forwarded.
    fn reply(&mut self, reply: &LocalReply) -> Result<(), HostError>;
    /// Returns a property of the stream or its connection, or `None` if there is none of that name at this time.
    fn property(&mut self, path: &[&str]) -> Result<Option<Vec<u8>>, HostError>;
    /// Returns the time in seconds since 1970, or `None` if the host has no clock.
    fn time(&mut self) -> Option<u64>;
    /// Sets the filter state `wasm.panveil.<key>`, which access logs print.
    fn set_metadata(&mut self, key: &str, value: &str) -> Result<(), HostError>;
    /// Sets the filter state `wasm.panveil.<key>` to a message of the type that was declared for the key.
    fn set_message(&mut self, key: &str, message: &[u8]) -> Result<(), HostError>;
    /// Sets the filter state `wasm.panveil.<key>`, unless a filter in the chain has set it before. Returns true if it was set now.
    fn claim(&mut self, key: &str, value: &str) -> Result<bool, HostError>;
    /// Increments a counter.
    fn count(&mut self, counter: Counter<'_>, amount: u64) -> Result<(), HostError>;
    /// Writes a line to the proxy's log.
    fn log(&mut self, level: LogLevel, line: &Line<'_>);
}

/// A header map of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderMap {
    /// Headers of the request, with `:path` and the other pseudo headers.
    RequestHeaders,
    /// Trailers of the request.
    RequestTrailers,
    /// Headers of the response, with `:status`.
    ResponseHeaders,
    /// Trailers of the response.
    ResponseTrailers,
}

/// A response that the proxy generates itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalReply {
    /// The HTTP status. gRPC clients get the corresponding gRPC status.
    pub status: u16,
    /// The response code details for the access log.
    pub details: &'static str,
    /// The content type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// Log level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// A normal event, such as a new policy.
    Info,
    /// A message was not inspected, or a host call failed.
    Warn,
    /// A policy was rejected, or a message could not be processed.
    Error,
}

/// A failed host call. Contains the name of the call only, because its arguments may contain digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostError {
    /// The name of the call.
    pub call: &'static str,
}

impl HeaderMap {
    /// The header map of a message's headers.
    pub fn headers_of(direction: Direction) -> Self {
        match direction {
            Direction::Request => Self::RequestHeaders,
            Direction::Response => Self::ResponseHeaders,
        }
    }

    /// The header map of a message's trailers.
    pub fn trailers_of(direction: Direction) -> Self {
        match direction {
            Direction::Request => Self::RequestTrailers,
            Direction::Response => Self::ResponseTrailers,
        }
    }
}
