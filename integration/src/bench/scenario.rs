//! Scenarios of the benchmark.

use bytes::Bytes;
use http::HeaderMap;
use prost::Message;

use super::text::{CARD, count, csv, json};
use crate::peers::charges::{Charge, Holder};

/// Default number of concurrent streams.
const CLIENTS: usize = 4;
const MEBIBYTE: usize = 1 << 20;
/// Minimum size of a large response, in bytes.
const LARGE: usize = MEBIBYTE / 2;

/// One kind of stream.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name on the command line and in charts.
    pub name: &'static str,
    /// Description.
    pub about: &'static str,
    /// Concurrent streams.
    pub clients: usize,
    /// Whether both sides speak HTTP/2.
    pub http2: bool,
    /// Whether the client speaks TLS to Envoy. The upstream connection is plaintext.
    pub tls: bool,
    /// Whether the method is POST.
    pub posts: bool,
    /// Content type of both messages.
    pub content_type: &'static str,
    /// Additional header fields of the request.
    pub fields: Vec<(String, String)>,
    /// Request body.
    pub request: Bytes,
    /// Repeated part of the response body.
    pub response: Bytes,
    /// Number of repetitions.
    pub repeated: usize,
    /// Whether the response has a `content-length`.
    pub with_length: bool,
    /// Trailers of the response.
    pub trailers: HeaderMap,
}

impl Scenario {
    /// All scenarios, in the order of the page.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let small = Self::small();
        let get = small.clone().get();
        let block = json(MEBIBYTE, 0);
        vec![
            small.clone(),
            Self {
                name: "json-card",
                about: "Scenario json with a card number in the response",
                response: json(4 << 10, 1),
                ..small.clone()
            },
            Self { name: "headers", about: "GET without bodies", response: Bytes::new(), ..get.clone() },
            Self { name: "http2", about: "Scenario json over HTTP/2 on both sides", http2: true, ..small.clone() },
            Self {
                name: "json-tls",
                about: "Scenario json with TLS between client and Envoy",
                tls: true,
                ..small.clone()
            },
            grpc(),
            Self { name: "json-1m", about: "GET, response with 1 MiB of JSON", response: block.clone(), ..get.clone() },
            Self {
                name: "csv-1m",
                about: "GET, response with 1 MiB of CSV numbers",
                content_type: "text/csv",
                response: csv(MEBIBYTE),
                ..get.clone()
            },
            Self {
                name: "json-100m",
                about: "GET, response with 100 MiB of JSON, without a length",
                response: block,
                // One client, so that the measurement of a long body does not include queueing.
                clients: 1,
                repeated: 100,
                with_length: false,
                ..get
            },
        ]
    }

    /// First scenario.
    #[must_use]
    pub fn small() -> Self {
        Self {
            name: "json",
            about: "POST with 2 KiB of JSON, response with 4 KiB of JSON",
            clients: CLIENTS,
            http2: false,
            tls: false,
            posts: true,
            content_type: "application/json",
            fields: Vec::new(),
            request: json(2 << 10, 0),
            response: json(4 << 10, 0),
            repeated: 1,
            with_length: true,
            trailers: HeaderMap::new(),
        }
    }

    /// Scenario without a request body.
    #[must_use]
    pub fn get(self) -> Self {
        Self { posts: false, request: Bytes::new(), ..self }
    }

    /// Card numbers in the response.
    #[must_use]
    pub fn cards(&self) -> usize {
        count(&self.response, CARD) * self.repeated
    }

    /// Whether the bytes dominate the cost, not the stream.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.response_length() >= LARGE
    }

    /// Bytes of the response body.
    #[must_use]
    pub fn response_length(&self) -> usize {
        self.response.len() * self.repeated
    }
}

/// Unary gRPC call: one message in each direction, and the status in the trailers.
fn grpc() -> Scenario {
    let charge = |card: &str| Charge {
        note: "paid at the counter, order 20260817".into(),
        holder: Some(Holder { name: "A. Holder".into(), ..Holder::default() }),
        numbers: (0..48).map(|number| format!("line {number} of the bill")).collect(),
        card: card.to_owned(),
        ..Charge::default()
    };
    let framed = |charge: Charge| {
        let message = charge.encode_to_vec();
        let length = u32::try_from(message.len()).unwrap_or_default().to_be_bytes();
        Bytes::from([&[0], &length[..], &message].concat())
    };
    Scenario {
        name: "grpc",
        about: "Unary gRPC call with 1 KiB in each direction, and a card number in the response",
        clients: CLIENTS,
        http2: true,
        tls: false,
        posts: true,
        content_type: "application/grpc",
        fields: Vec::new(),
        request: framed(charge("")),
        response: framed(charge(CARD)),
        repeated: 1,
        with_length: false,
        trailers: HeaderMap::from_iter([(
            http::HeaderName::from_static("grpc-status"),
            http::HeaderValue::from_static("0"),
        )]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_what_their_names_say() {
        let all = Scenario::all();
        let sizes = all.iter().map(|one| (one.name, one.request.len() >> 10, one.response_length() >> 10, one.cards()));
        let expected = [
            ("json", 2, 4, 0),
            ("json-card", 2, 4, 1),
            ("headers", 0, 0, 0),
            ("http2", 2, 4, 0),
            ("json-tls", 2, 4, 0),
            ("grpc", 1, 1, 1),
            ("json-1m", 0, 1024, 0),
            ("csv-1m", 0, 1023, 0),
            ("json-100m", 0, 100 << 10, 0),
        ];
        assert_eq!(sizes.collect::<Vec<_>>(), expected);
        let names =
            |which: fn(&Scenario) -> bool| all.iter().filter(|one| which(one)).map(|one| one.name).collect::<Vec<_>>();
        assert_eq!(names(Scenario::is_large), ["json-1m", "csv-1m", "json-100m"]);
        assert_eq!(names(|one| one.tls), ["json-tls"]);
    }
}
