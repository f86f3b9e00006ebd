//! Tests of the model of the proxy, with filters that are simpler than panveil.

use super::arrival::{Event, of_request, of_response};
use super::*;
use crate::case::{Case, parse};
use crate::observation::check;

/// Test filter: does nothing, waits for the complete message, or waits forever.
#[derive(Clone, Copy, PartialEq)]
enum Simple {
    LetsPass,
    WaitsForTheEnd,
    Appends,
    Refuses(Phase),
}

impl Filter for Simple {
    fn call(&mut self, callback: &mut Callback) -> Answer {
        let mut answer = Answer { goes_on: true, reply: None };
        match self {
            Self::LetsPass => {}
            Self::WaitsForTheEnd => answer.goes_on = callback.end || !matches!(callback.phase, Phase::Body(_)),
            Self::Appends => {
                answer.goes_on = !matches!(callback.phase, Phase::Body(_));
                callback.body.iter_mut().for_each(|body| body.push(b'!'));
            }
            Self::Refuses(phase) if callback.phase == *phase => {
                let reply = Reply { status: 403, details: "no".into(), body: b"no".to_vec(), ..Reply::default() };
                answer.reply = Some(reply);
            }
            Self::Refuses(_) => {}
        }
        answer
    }

    fn report(&mut self) -> Report {
        Report::default()
    }
}

const EXCHANGE: &str = r#"
[[case]]
name = "unchanged"
about = "All that can be sent, in three pieces each."
cards = ["4111111111111111"]
[case.request]
method = "PUT"
path = "/a/4111111111111111?b=c"
headers = [["x-a", "1"], ["x-a", "2"], ["content-type", "text/plain"]]
body = ["first ", "second ", "third"]
framing = "chunked"
trailers = [["x-after", "body"]]
[case.response]
status = 201
headers = [["set-cookie", "a=b"], ["set-cookie", "c=d"]]
body = ["one ", "two ", "three"]
[case.expect]
"#;

fn case() -> Case {
    parse("t", EXCHANGE).unwrap().remove(0)
}

fn seen(mut filter: Simple, case: &Case, protocol: Protocol) -> Result<Observation> {
    let traffic = Traffic { request: &case.request, response: &case.response, protocol, eager_service: false };
    carry(&mut filter, traffic)
}

#[test]
fn what_nobody_touches_arrives_as_it_was_sent() {
    for filter in [Simple::LetsPass, Simple::WaitsForTheEnd] {
        for protocol in [Protocol::Http1, Protocol::Http2, Protocol::Http1ToHttp2, Protocol::Http2ToHttp1] {
            let mut case = case();
            if protocol != Protocol::Http2 {
                case.expect.request.trailers = Some(vec![]);
            }
            for (delivery, case) in deliveries(&case) {
                let mut seen = seen(filter, &case, protocol).unwrap();
                seen.log.insert("path".into(), case.request.path.clone());
                case_is_met(&Case { cards: vec![], ..case }, &seen, &delivery);
            }
        }
    }
}

fn case_is_met(case: &Case, seen: &Observation, delivery: &str) {
    if let Err(differences) = check(case, seen) {
        panic!("{delivery}: {differences}");
    }
}

#[test]
fn a_difference_is_seen() {
    let told = check(&case(), &seen(Simple::LetsPass, &case(), Protocol::Http2).unwrap()).unwrap_err();
    assert!(told.contains("log path"), "{told}");
}

#[test]
fn what_waits_must_not_grow() {
    // The first chunk may grow, since it does not wait yet.
    let error = seen(Simple::Appends, &case(), Protocol::Http1).unwrap_err();
    assert_eq!(error.to_string(), "a request that waits grew from 14 to 15 bytes");
}

#[test]
fn a_refusal_replaces_what_has_not_left_yet() {
    let of = |phase| seen(Simple::Refuses(phase), &case(), Protocol::Http2).unwrap();
    let headers = of(Phase::Headers(Direction::Request));
    assert!(headers.received.is_none() && headers.cut_off.is_none());
    let body = of(Phase::Body(Direction::Request));
    assert!(body.received.is_none() && body.cut_off.is_some_and(|request| request.body.is_empty()));
    let trailers = of(Phase::Trailers(Direction::Request));
    assert!(trailers.cut_off.is_some_and(|request| request.body == b"first second third"));
    for seen in [headers.response, body.response, trailers.response] {
        let response = seen.unwrap();
        assert_eq!((response.status, response.body.as_slice(), response.complete), (403, b"no".as_slice(), true));
    }
    let response = of(Phase::Body(Direction::Response)).response.unwrap();
    assert_eq!((response.status, response.body.as_slice(), response.complete), (201, b"".as_slice(), false));
}

#[test]
fn a_grpc_client_gets_a_grpc_status() {
    let mut case = case();
    case.request.message.headers = vec![("content-type".into(), "application/grpc".into())];
    let seen = seen(Simple::Refuses(Phase::Body(Direction::Request)), &case, Protocol::Http2).unwrap();
    let response = seen.response.unwrap();
    assert_eq!(response.status, 200);
    assert!(response.headers.contains(&("grpc-status".to_owned(), "7".to_owned())));
}

#[test]
fn each_protocol_ends_a_body_in_its_own_way() {
    let sizes = |events: Vec<Event>| -> Vec<(usize, bool)> {
        let data = |event| if let Event::Data(chunk, end) = event { Some((chunk.len(), end)) } else { None };
        events.into_iter().filter_map(data).collect()
    };
    let separate = [(4, false), (4, false), (5, false), (0, true)];
    let response = |http2| of_response(&case().response, "GET", http2);
    assert_eq!(sizes(response(false)), separate);
    assert_eq!(sizes(response(true)), separate);
    let request = |http2| of_request(&Request { message: case().response.message, ..case().request }, http2);
    assert_eq!(sizes(request(false)), separate);
    assert_eq!(sizes(request(true)), [(4, false), (4, false), (5, true)]);
}

#[test]
fn only_http2_forwards_trailers_by_default() {
    let response = Response { message: case().request.message, ..case().response };
    let last = |http2| of_response(&response, "GET", http2).pop();
    assert_eq!(last(false), Some(Event::Data(Vec::new(), true)));
    assert_eq!(last(true), Some(Event::Trailers(vec![(b"x-after".to_vec(), b"body".to_vec())])));
}
