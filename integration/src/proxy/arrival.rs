//! Callbacks for an incoming message, as Envoy's codecs create them, after Envoy's own changes to the headers.

use super::{Field, Reply};
use crate::case::{Framing, Message, Request, Response};

/// Content of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Headers. `true` when they end the stream.
    Headers(Vec<Field>, bool),
    /// Chunk of the body. `true` when it ends the stream.
    Data(Vec<u8>, bool),
    /// Trailers, which end the stream.
    Trailers(Vec<Field>),
}

/// Default host of a request.
const HOST: &str = "service.example";

/// Request id from Envoy.
const REQUEST_ID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

/// Events of a request from the client.
pub fn of_request(request: &Request, http2: bool) -> Vec<Event> {
    let message = &request.message;
    let host = message.headers.iter().find(|(name, _)| name == "host").map_or(HOST, |(_, value)| value.as_str());
    let mut fields = vec![
        field(":method", &request.method),
        field(":path", &request.path),
        field(":scheme", "http"),
        field(":authority", host),
    ];
    // Envoy removes `transfer-encoding` before any filter runs, and `expect` too, which it answers itself.
    fields.extend(length(message));
    let kept = message.headers.iter().filter(|(name, _)| name != "host" && name != "expect");
    fields.extend(kept.map(|(name, value)| field(name, value)));
    fields.push(field("x-forwarded-proto", "http"));
    fields.push(field("x-request-id", REQUEST_ID));
    if http2 {
        join_cookies(&mut fields);
        // Clients end the stream with the last frame of the body.
        over_http2(fields, message, false)
    } else {
        over_http1(fields, message, message.framing == Framing::None)
    }
}

/// Events of a response from the upstream.
pub fn of_response(response: &Response, method: &str, http2: bool) -> Vec<Event> {
    let message = &response.message;
    let bodiless = method == "HEAD" || matches!(response.status, 204 | 304);
    let mut fields = vec![field(":status", &response.status.to_string())];
    fields.extend(length(message));
    fields.extend(message.headers.iter().map(|(name, value)| field(name, value)));
    fields.push(field("date", "Sun, 06 Nov 1994 08:49:37 GMT"));
    if http2 {
        // Upstreams end the stream with an empty frame.
        fields.push(field("x-envoy-upstream-service-time", "1"));
        return over_http2(fields, message, true);
    }
    match message.framing {
        Framing::Chunked => fields.push(field("transfer-encoding", "chunked")),
        Framing::None if !bodiless => fields.push(field("content-length", "0")),
        Framing::Length | Framing::None => {}
    }
    fields.push(field("x-envoy-upstream-service-time", "1"));
    over_http1(fields, message, bodiless || message.framing == Framing::None)
}

/// Events of a local reply, in the format for the request.
pub fn of_reply(reply: &Reply, request: &[Field]) -> Vec<Event> {
    let of = |name: &[u8]| request.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice());
    if of(b"content-type").is_some_and(|kind| kind.starts_with(b"application/grpc")) {
        let fields = vec![
            field(":status", "200"),
            field("content-type", "application/grpc"),
            field("grpc-status", grpc_status(reply.status)),
            (b"grpc-message".to_vec(), reply.body.clone()),
        ];
        return vec![Event::Headers(fields, true)];
    }
    let mut fields = vec![field(":status", &reply.status.to_string())];
    fields.push(field("content-length", &reply.body.len().to_string()));
    fields.extend(reply.fields.iter().cloned());
    if reply.body.is_empty() || of(b":method") == Some(b"HEAD") {
        return vec![Event::Headers(fields, true)];
    }
    vec![Event::Headers(fields, false), Event::Data(reply.body.clone(), true)]
}

/// HTTP/1.1: the end of a body is a callback of its own. Trailers are dropped, unless Envoy is configured to forward
/// them.
fn over_http1(fields: Vec<Field>, message: &Message, bodiless: bool) -> Vec<Event> {
    let empty = message.framing == Framing::Length && message.body().is_empty();
    if bodiless || empty {
        return vec![Event::Headers(fields, true)];
    }
    let mut events = vec![Event::Headers(fields, false)];
    let pieces = message.pieces.iter().filter(|piece| !piece.is_empty());
    events.extend(pieces.map(|piece| Event::Data(piece.clone(), false)));
    events.push(Event::Data(Vec::new(), true));
    events
}

/// HTTP/2: the stream ends with trailers or with its last frame, which may be empty.
fn over_http2(fields: Vec<Field>, message: &Message, ends_empty: bool) -> Vec<Event> {
    if message.framing == Framing::None {
        return vec![Event::Headers(fields, true)];
    }
    let mut events = vec![Event::Headers(fields, false)];
    events.extend(message.pieces.iter().map(|piece| Event::Data(piece.clone(), false)));
    if !message.trailers.is_empty() {
        events.push(Event::Trailers(message.trailers.iter().map(|(name, value)| field(name, value)).collect()));
        return events;
    }
    match events.last_mut() {
        Some(Event::Data(_, end)) if !ends_empty => *end = true,
        _ => events.push(Event::Data(Vec::new(), true)),
    }
    events
}

/// HTTP/2 permits several cookie headers.
fn join_cookies(fields: &mut Vec<Field>) {
    let is_cookie = |field: &&Field| field.0 == b"cookie";
    let crumbs: Vec<&[u8]> = fields.iter().filter(is_cookie).map(|(_, value)| value.as_slice()).collect();
    let cookie = crumbs.join(b"; ".as_slice());
    if !cookie.is_empty() {
        fields.retain(|field| !is_cookie(&field));
        fields.push((b"cookie".to_vec(), cookie));
    }
}

fn length(message: &Message) -> Option<Field> {
    let given = message.headers.iter().any(|(name, _)| name == "content-length");
    let needed = message.framing == Framing::Length && !given;
    needed.then(|| field("content-length", &message.body().len().to_string()))
}

fn field(name: &str, value: &str) -> Field {
    (name.into(), value.into())
}

fn grpc_status(http: u16) -> &'static str {
    match http {
        400 => "13",
        401 => "16",
        403 => "7",
        404 => "12",
        429 | 502..=504 => "14",
        _ => "2",
    }
}
