//! Model of a proxy, which carries a stream through a filter by Envoy's rules, in memory, for the test tiers without
//! Envoy.
//!
//! A test tier implements [`Filter`]. [`carry`] is the client, the proxy around the filter and the upstream, and returns
//! the observation. A difference from a real Envoy is a bug of the model.
//!
//! | file | content |
//! |---|---|
//! | `arrival` | callbacks for an incoming message |
//! | `passage` | buffering: forwarded, paused and reset messages |
//! | `departure` | message at its receiver |
//! | `facts` | properties of the stream, by phase |
//! | `delivery` | cuts of the bodies of a case |

mod arrival;
mod delivery;
mod departure;
mod facts;
mod passage;

#[cfg(test)]
mod tests;

pub use delivery::{deliveries, runs};

use std::collections::BTreeMap;

use anyhow::Result;

use self::departure::Departure;
use self::facts::Facts;
use self::passage::{Outcome, pass};
use crate::case::{Protocol, Request, Response};
use crate::observation::Observation;

/// One stream of the filter in a test tier.
pub trait Filter {
    /// Runs one callback, which may change its fields and its body.
    fn call(&mut self, callback: &mut Callback) -> Answer;

    /// Log metadata and counters, at the end of the stream.
    fn report(&mut self) -> Report;
}

/// Direction of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Request.
    Request,
    /// Response.
    Response,
}

/// Phase of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Headers of a message.
    Headers(Direction),
    /// Chunk of its body.
    Body(Direction),
    /// Trailers.
    Trailers(Direction),
    /// End of the stream.
    Log,
}

/// Name of a header, in lowercase, and its value.
pub type Field = (Vec<u8>, Vec<u8>);

/// Callback, with the data of the proxy that it can access.
#[derive(Clone, Debug)]
pub struct Callback {
    /// Phase.
    pub phase: Phase,
    /// Whether it ends the message.
    pub end: bool,
    /// Headers or trailers of the callback. At the end of the stream the headers of the request, read-only.
    pub fields: Vec<Field>,
    /// Buffered body, including the new chunk. In a trailers callback only when the last chunk was paused.
    pub body: Option<Vec<u8>>,
    /// Available properties, by their path joined with dots.
    pub properties: BTreeMap<String, Vec<u8>>,
}

/// Result of a callback.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether the filter continues the message.
    pub goes_on: bool,
    /// Local reply that the filter sends.
    pub reply: Option<Reply>,
}

/// Local reply of the proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Response code details in the access log.
    pub details: String,
    /// Headers, besides those that the proxy adds.
    pub fields: Vec<Field>,
    /// The body.
    pub body: Vec<u8>,
}

/// Log metadata and counters of a stream.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Log metadata by key.
    pub metadata: BTreeMap<String, String>,
    /// Increase of each counter, by its [`canonical`](crate::observation::canonical) name.
    pub counters: BTreeMap<String, u64>,
}

/// Stream to carry.
#[derive(Clone, Copy, Debug)]
pub struct Traffic<'a> {
    /// Request of the client.
    pub request: &'a Request,
    /// Response of the upstream.
    pub response: &'a Response,
    /// Protocols of client and upstream.
    pub protocol: Protocol,
    /// Whether the upstream responds to the request headers, without waiting for the rest.
    pub eager_service: bool,
}

/// Envoy's response code details for a response of the upstream.
const VIA_UPSTREAM: &str = "via_upstream";

/// Carries one stream through the filter.
///
/// # Errors
///
/// When the filter breaks a rule whose violation crashes or stalls a real proxy.
pub fn carry(filter: &mut impl Filter, traffic: Traffic<'_>) -> Result<Observation> {
    let mut facts = Facts::new(traffic.protocol);
    let mut service = Departure::over(traffic.protocol.service_http2());
    let arriving = arrival::of_request(traffic.request, traffic.protocol.client_http2());
    let outcome = pass(filter, &mut facts, Direction::Request, arriving, &mut service)?;
    let answered = outcome == Outcome::Passed || (traffic.eager_service && service.has_begun());
    let (arriving, mut details) = match outcome {
        Outcome::Refused(reply) => (arrival::of_reply(&reply, facts.request()), Some(reply.details)),
        Outcome::Passed | Outcome::Stuck if answered => {
            let http2 = traffic.protocol.service_http2();
            let arriving = arrival::of_response(traffic.response, &traffic.request.method, http2);
            (arriving, Some(VIA_UPSTREAM.to_owned()))
        }
        Outcome::Passed | Outcome::Stuck => (Vec::new(), None),
    };
    let mut client = Departure::over(traffic.protocol.client_http2());
    if let Outcome::Refused(reply) = pass(filter, &mut facts, Direction::Response, arriving, &mut client)? {
        // A local reply is possible only before the response headers. Local replies for blocked responses skip the filter.
        if !client.has_begun() {
            arrival::of_reply(&reply, facts.request()).into_iter().for_each(|event| client.take(event));
        }
        details = Some(reply.details);
    }
    filter.call(&mut facts.callback(Phase::Log, facts.request().to_vec()));
    let Report { metadata: mut log, counters } = filter.report();
    log.extend(details.map(|details| ("details".to_owned(), details)));
    let whole = service.is_whole();
    let request = service.into_request();
    let (received, cut_off) = if whole { (request, None) } else { (None, request) };
    Ok(Observation { received, cut_off, response: client.into_response(), log, counters })
}

impl Direction {
    /// Name of the direction.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}
