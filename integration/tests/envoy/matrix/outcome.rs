//! Outcome of one cell, and its comparison with the outcome without panveil.

use std::collections::BTreeMap;

use panveil_integration::observation::{ReceivedRequest, ReceivedResponse};

use super::cell::{Cell, Direction, End};

/// Observation of one stream at both ends.
pub struct Outcome {
    pub response: Option<ReceivedResponse>,
    /// `None` when the upstream received no complete request.
    pub received: Option<ReceivedRequest>,
    /// Response code details in the access log. Empty without a filter that provides the path.
    pub details: String,
}

pub type Outcomes = BTreeMap<String, Outcome>;

/// Headers that differ in every stream.
const OWN_OF_EACH: [&str; 4] = ["date", "host", "x-request-id", "x-envoy-upstream-service-time"];

/// Envoy's response code details for a forwarded response, and for a client that left early.
const VIA_UPSTREAM: &str = "via_upstream";
const GONE: &str = "downstream_remote_disconnect";

impl Outcome {
    /// Differences from the outcome `without` panveil, except for bodies. Empty when there are none.
    fn differences(&self, without: &Self) -> Vec<String> {
        let mut told = Vec::new();
        let mut tell = |what: &str, with: String, without: String| {
            if with != without {
                told.push(format!("{what}: {with} instead of {without}"));
            }
        };
        let end = |response: &Option<ReceivedResponse>| {
            response.as_ref().map(|response| (response.status, response.complete, steady(&response.headers)))
        };
        let trailers = |response: &Option<ReceivedResponse>| response.as_ref().map(|it| it.trailers.clone());
        let arrival = |request: &Option<ReceivedRequest>| {
            request.as_ref().map(|it| (it.method.clone(), steady(&it.headers), it.trailers.clone()))
        };
        tell("response", format!("{:?}", end(&self.response)), format!("{:?}", end(&without.response)));
        tell("trailers", format!("{:?}", trailers(&self.response)), format!("{:?}", trailers(&without.response)));
        tell("request", format!("{:?}", arrival(&self.received)), format!("{:?}", arrival(&without.received)));
        told
    }

    /// Received body of the cell.
    fn body(&self, direction: Direction) -> Option<&[u8]> {
        match direction {
            Direction::Request => self.received.as_ref().map(|request| request.body.as_slice()),
            Direction::Response => self.response.as_ref().map(|response| response.body.as_slice()),
        }
    }
}

/// Errors of the cell's outcome. Empty when there are none.
pub fn wrong(cell: &Cell, direction: Direction, with: &Outcome, without: &Outcome) -> Vec<String> {
    let mut told = with.differences(without);
    // The harness first: an error without panveil says nothing about panveil.
    let sent = cell.subject.body.whole();
    told.extend(body_differs("without panveil, the body", without.body(direction), &sent));
    told.extend(body_differs("the body", with.body(direction), &cell.subject.expected));
    // A client that counts bytes may close before the end of the stream.
    let counts = matches!(cell.end, End::Length | End::LengthAndTrailers) && !cell.client_http2;
    let may_be_gone = direction == Direction::Response && counts;
    if with.details != VIA_UPSTREAM && !(may_be_gone && with.details == GONE) {
        told.push(format!("details: {}", with.details));
    }
    told
}

fn body_differs(what: &str, got: Option<&[u8]>, wanted: &[u8]) -> Option<String> {
    let got = got.unwrap_or_default();
    let same = wanted.iter().zip(got).take_while(|(wanted, got)| wanted == got).count();
    let (got_len, wanted_len) = (got.len(), wanted.len());
    (got != wanted).then(|| format!("{what}: {got_len} of {wanted_len} bytes, same up to byte {same}"))
}

fn steady(headers: &[(String, String)]) -> Vec<(String, String)> {
    let mut steady: Vec<_> =
        headers.iter().filter(|(name, _)| !OWN_OF_EACH.contains(&name.as_str())).cloned().collect();
    steady.sort();
    steady
}
