//! Streams with one card number, and their outcomes.

use anyhow::{Result, bail, ensure};
use panveil_integration::case::{Framing, Message, Request, Response};
use panveil_integration::observation::{ReceivedRequest, ReceivedResponse, values};
use serde_json::Value;

pub use panveil_integration::test_cards::{CARD, MASKED};

/// Name of the header or trailer with the card number.
const FIELD: &str = "x-note";

/// Location of the card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    Request(Place),
    Response(Place),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Headers,
    Path,
    Body,
    Trailers,
}

/// Every location.
pub const SPOTS: [Spot; 7] = [
    Spot::Request(Place::Headers),
    Spot::Request(Place::Path),
    Spot::Request(Place::Body),
    Spot::Request(Place::Trailers),
    Spot::Response(Place::Headers),
    Spot::Response(Place::Body),
    Spot::Response(Place::Trailers),
];

/// Request and response with one card number.
#[derive(Clone, Debug)]
pub struct Sent {
    pub spot: Spot,
    pub http2: bool,
    method: &'static str,
    host: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    answer: Vec<(&'static str, &'static str)>,
}

/// Observed result.
#[derive(Clone, Debug)]
pub struct Seen {
    pub number: usize,
    pub response: ReceivedResponse,
    pub received: Option<ReceivedRequest>,
}

/// Outcome for the card number, and the deciding rule.
#[derive(Clone, Copy, Debug)]
pub struct Fate<'r> {
    pub outcome: Outcome,
    pub rule: &'r str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Passes, with a record.
    Allowed,
    Masked,
    /// The message is blocked or reset.
    Blocked,
    /// Passes, with a record of the action that enforcement would take.
    Reported,
    /// Passes without inspection.
    Skipped,
}

impl Sent {
    pub fn new(spot: Spot) -> Self {
        Self {
            spot,
            http2: false,
            method: "POST",
            host: "api.example.com",
            path: "/v1/charges",
            headers: vec![("content-type", "text/plain")],
            answer: vec![("content-type", "text/plain")],
        }
    }

    /// Card number in the body of a request.
    pub fn body() -> Self {
        Self::new(Spot::Request(Place::Body))
    }

    /// Card number in the body of a response.
    pub fn answer() -> Self {
        Self::new(Spot::Response(Place::Body))
    }

    /// Client that speaks HTTP/2.
    pub fn http2(self) -> Self {
        Self { http2: true, ..self }
    }

    pub fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    pub fn host(self, host: &'static str) -> Self {
        Self { host, ..self }
    }

    pub fn path(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    /// Content types of the message with the card number.
    pub fn content_types(mut self, content_types: &[&'static str]) -> Self {
        self.fields().retain(|(name, _)| *name != "content-type");
        self.fields().extend(content_types.iter().map(|value| ("content-type", *value)));
        self
    }

    /// Additional header of the message with the card number.
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.fields().push((name, value));
        self
    }

    fn fields(&mut self) -> &mut Vec<(&'static str, &'static str)> {
        match self.spot {
            Spot::Request(_) => &mut self.headers,
            Spot::Response(_) => &mut self.answer,
        }
    }

    /// Request of the client, with these additional headers.
    pub fn request(&self, more: &[(&str, &str)]) -> Request {
        let spot = |place| self.spot == Spot::Request(place);
        let mut message = message(&self.headers, spot);
        message.headers.push(("host".into(), self.host.into()));
        message.headers.extend(more.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let query = if spot(Place::Path) { format!("?card={CARD}") } else { String::new() };
        Request { method: self.method.into(), path: [self.path, &query].concat(), message }
    }

    /// Response of the upstream.
    pub fn response(&self) -> Response {
        Response { status: 200, message: message(&self.answer, |place| self.spot == Spot::Response(place)) }
    }

    /// Message with the card number: records name the default action of the policy by it.
    pub fn direction(&self) -> &'static str {
        self.spot.words().0
    }

    pub fn title(&self) -> String {
        let Self { spot, method, host, path, headers, answer, .. } = self;
        format!("{spot:?} of {method} {host}{path} {headers:?} with {answer:?}")
    }
}

fn message(headers: &[(&str, &str)], has: impl Fn(Place) -> bool) -> Message {
    let mut headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let card = || (FIELD.to_owned(), CARD.to_owned());
    headers.extend(has(Place::Headers).then(card));
    let body = if has(Place::Body) { format!("card {CARD} ") } else { "nothing".to_owned() };
    let trailers = has(Place::Trailers).then(card).into_iter().collect();
    Message { headers, pieces: vec![body.into()], framing: Framing::Chunked, trailers }
}

impl Spot {
    fn words(self) -> (&'static str, &'static str) {
        let (direction, place) = match self {
            Self::Request(place) => ("request", place),
            Self::Response(place) => ("response", place),
        };
        let place = match place {
            Place::Headers => "headers",
            Place::Path => "path",
            Place::Body => "body",
            Place::Trailers => "trailers",
        };
        (direction, place)
    }
}

impl Seen {
    /// Received value at the location of the card number.
    fn arrived(&self, spot: Spot) -> Option<String> {
        let received = self.received.as_ref();
        let field = |fields: &[(String, String)]| values(fields, FIELD).concat();
        let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
        match spot {
            Spot::Request(Place::Headers) => received.map(|request| field(&request.headers)),
            Spot::Request(Place::Path) => received.map(|request| request.path.clone()),
            Spot::Request(Place::Body) => received.map(|request| text(&request.body)),
            Spot::Request(Place::Trailers) => received.map(|request| field(&request.trailers)),
            Spot::Response(Place::Headers) => Some(field(&self.response.headers)),
            Spot::Response(Place::Path) => None,
            Spot::Response(Place::Body) => Some(text(&self.response.body)),
            Spot::Response(Place::Trailers) => Some(field(&self.response.trailers)),
        }
    }

    /// Compares the received message and panveil's record with the expected outcome.
    pub fn check(&self, sent: &Sent, fate: Fate, record: Option<&Value>) -> Result<()> {
        let Self { response, received, .. } = self;
        let arrived = self.arrived(sent.spot);
        let holds = |digits: &str| arrived.as_ref().is_some_and(|text| text.contains(digits));
        let as_it_should = match (fate.outcome, sent.spot) {
            (Outcome::Allowed | Outcome::Reported | Outcome::Skipped, _) => holds(CARD) && response.complete,
            (Outcome::Masked, _) => holds(MASKED) && !holds(CARD) && response.complete,
            (Outcome::Blocked, Spot::Request(_)) => received.is_none() && response.status == 403,
            (Outcome::Blocked, Spot::Response(_)) => !holds(CARD) && (response.status == 502 || !response.complete),
        };
        ensure!(as_it_should, "{fate:?}: {arrived:?} arrived, the client got {}", response.summary());
        let findings = record.and_then(|record| record["findings"].as_array()).map_or(&[][..], Vec::as_slice);
        let Some(action) = fate.outcome.action() else {
            ensure!(findings.is_empty(), "{fate:?}: {findings:?}");
            return Ok(());
        };
        let [finding] = findings else { bail!("{fate:?}: {findings:?}") };
        let (direction, place) = sent.spot.words();
        for (key, value) in [("rule", fate.rule), ("action", action), ("direction", direction), ("place", place)] {
            ensure!(finding[key] == value, "{fate:?}: the record has {finding}");
        }
        Ok(())
    }
}

impl Outcome {
    /// Action in a record.
    fn action(self) -> Option<&'static str> {
        match self {
            Self::Allowed => Some("allowed"),
            Self::Masked => Some("masked"),
            Self::Blocked => Some("blocked"),
            Self::Reported => Some("reported"),
            Self::Skipped => None,
        }
    }
}
