//! What does panveil need of its host? (stage 7 of the flow)
//!
//! The seam between the exchange and the proxy: a [`Host`] trait of a dozen calls, each of which can fail without
//! harm. [`EnvoyHost`] is the real one and the only code that calls Envoy; `FakeHost` is the one for tests.

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

/// The calls of a proxy that an exchange makes.
///
/// Which call is allowed in which phase is the proxy's matter: a call out of phase answers [`HostError`] and changes
/// nothing.
pub trait Host {
    /// All pairs of a header map, in order.
    fn headers(&mut self, map: HeaderMap) -> Result<HeaderBlock, HostError>;
    /// Gives a header one value, in place of all it has.
    fn replace_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), HostError>;
    /// Adds a value to a header.
    fn add_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), HostError>;
    /// Removes a header with all its values.
    fn remove_header(&mut self, map: HeaderMap, name: &[u8]) -> Result<(), HostError>;
    /// The first `length` bytes of the body that the proxy holds now.
    fn body(&mut self, direction: Direction, length: usize) -> Result<Vec<u8>, HostError>;
    /// Puts `bytes` in the place of all `length` bytes of the body that the proxy holds now.
    fn replace_body(&mut self, direction: Direction, length: usize, bytes: &[u8]) -> Result<(), HostError>;
    /// Puts these bytes behind those that the host holds, in the callback of a chunk that was replaced.
    fn append_body(&mut self, direction: Direction, bytes: &[u8]) -> Result<(), HostError>;
    /// Answers in place of the service, or cuts the response when its headers have left.
    fn reply(&mut self, reply: &LocalReply) -> Result<(), HostError>;
    /// A property of the exchange or its connection; `None` when there is none of that name now.
    fn property(&mut self, path: &[&str]) -> Result<Option<Vec<u8>>, HostError>;
    /// Sets the filter state `wasm.panveil.<key>`, which log formats print.
    fn set_metadata(&mut self, key: &str, value: &str) -> Result<(), HostError>;
    /// Sets the filter state `wasm.panveil.<key>` unless it is set already, by this filter or by another one in the chain.
    /// Says whether it did.
    fn claim(&mut self, key: &str, value: &str) -> Result<bool, HostError>;
    /// Moves a counter.
    fn count(&mut self, counter: Counter<'_>, amount: u64) -> Result<(), HostError>;
    /// Writes to the proxy's own log.
    fn log(&mut self, level: LogLevel, line: &Line<'_>);
}

/// A header map of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderMap {
    /// Headers of the request, `:path` and the other pseudo headers included.
    RequestHeaders,
    /// Trailers of the request.
    RequestTrailers,
    /// Headers of the response, `:status` included.
    ResponseHeaders,
    /// Trailers of the response.
    ResponseTrailers,
}

/// An answer that the proxy gives itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalReply {
    /// The HTTP status; gRPC clients get the matching gRPC status.
    pub status: u16,
    /// The response code details, as the access log prints them.
    pub details: &'static str,
    /// The content type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// How loud a line of the proxy's log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Worth knowing once.
    Info,
    /// Something was not inspected or not done.
    Warn,
    /// The filter can't work.
    Error,
}

/// The host refused a call. Holds the call's name and nothing that came with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostError {
    /// The call.
    pub call: &'static str,
}

impl HeaderMap {
    /// The headers of a message.
    pub fn headers_of(direction: Direction) -> Self {
        match direction {
            Direction::Request => Self::RequestHeaders,
            Direction::Response => Self::ResponseHeaders,
        }
    }

    /// The trailers of a message.
    pub fn trailers_of(direction: Direction) -> Self {
        match direction {
            Direction::Request => Self::RequestTrailers,
            Direction::Response => Self::ResponseTrailers,
        }
    }
}
