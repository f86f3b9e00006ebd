//! How does a proxy carry an exchange through a filter? By Envoy's rules, in memory, for the rings without Envoy.
//!
//! A ring lends the filter in the form it has there ([`Filter`]). [`carry`] plays all the rest, the client, the proxy
//! around the filter and the service, and says what came of it. Where it differs from a real Envoy, it is wrong.
//!
//! | file | the question it answers |
//! |---|---|
//! | `arrival` | in which callbacks does a message arrive? |
//! | `passage` | what of it goes on, what waits, and where is it cut? |
//! | `departure` | what does its receiver see? |
//! | `facts` | what does the proxy tell of the exchange, and when? |
//! | `delivery` | in which pieces are the bodies of a case sent? |

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

/// The filter, in the form it has in a ring. One exchange of it.
pub trait Filter {
    /// Runs one callback, which may edit its fields and its body.
    fn call(&mut self, callback: &mut Callback) -> Answer;

    /// What the filter told of the exchange, once that is over.
    fn report(&mut self) -> Report;
}

/// Which of the two messages of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the service.
    Request,
    /// From the service to the client.
    Response,
}

/// Which callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The headers of a message.
    Headers(Direction),
    /// A chunk of its body.
    Body(Direction),
    /// Its trailers.
    Trailers(Direction),
    /// The end of the exchange.
    Log,
}

/// A header's name, in lower case, and its value.
pub type Field = (Vec<u8>, Vec<u8>);

/// A callback and what the proxy holds of the exchange while it runs.
#[derive(Clone, Debug)]
pub struct Callback {
    /// Which one.
    pub phase: Phase,
    /// Nothing of the message follows.
    pub end: bool,
    /// The headers or trailers that the callback is about. At the end of the exchange those of the request, to read.
    pub fields: Vec<Field>,
    /// What waits of the body, with the new chunk behind it. A trailers callback has one only when the last chunk waits.
    pub body: Option<Vec<u8>>,
    /// Properties that have a value now, by their path joined with dots.
    pub properties: BTreeMap<String, Vec<u8>>,
}

/// What the filter answers to a callback.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether the message goes on.
    pub goes_on: bool,
    /// What it wants answered in place of the service.
    pub reply: Option<Reply>,
}

/// An answer that the proxy gives itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Why, in the access log.
    pub details: String,
    /// Besides those that the proxy adds.
    pub fields: Vec<Field>,
    /// The body.
    pub body: Vec<u8>,
}

/// What the filter told of an exchange.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The log metadata by key.
    pub metadata: BTreeMap<String, String>,
    /// How far each counter moved, by its [`canonical`](crate::observation::canonical) name.
    pub counters: BTreeMap<String, u64>,
}

/// One exchange to carry.
#[derive(Clone, Copy, Debug)]
pub struct Traffic<'a> {
    /// What the client sends.
    pub request: &'a Request,
    /// What the service answers.
    pub response: &'a Response,
    /// What the two speak.
    pub protocol: Protocol,
    /// Whether the service answers as soon as it has the request's headers, even if no more of it ever comes.
    pub eager_service: bool,
}

/// What Envoy says of a response that came from the service.
const VIA_UPSTREAM: &str = "via_upstream";

/// Carries one exchange through the filter.
///
/// # Errors
///
/// When the filter does what breaks a real proxy.
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
        // Once headers have left nothing can take their place. What is refused here does not pass the filter again.
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
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}
