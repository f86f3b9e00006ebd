//! Test case: a request, the response of the upstream, and the expected result of both.
//!
//! Everything that a case does not mention must pass unchanged: the path, every header, the bodies, the trailers, the
//! status. A case without expectations is therefore a complete test that panveil leaves a stream unchanged.

mod file;
mod wire;

pub use file::{parse, read_folder};

use std::collections::BTreeMap;

/// One stream and its expected result.
#[derive(Clone, Debug)]
pub struct Case {
    /// Name of the case file, without its extension.
    pub theme: String,
    /// Name, unique within the theme.
    pub name: String,
    /// Purpose of the case.
    pub about: String,
    /// Policy as JSON.
    pub policy: String,
    /// Pairs of protocols to run the case over.
    pub protocols: Vec<Protocol>,
    /// Card numbers that must reach no log, and no receiver of a blocked message.
    pub cards: Vec<String>,
    /// Other text that must reach no log.
    pub secrets: Vec<String>,
    /// Request of the client.
    pub request: Request,
    /// Response of the upstream.
    pub response: Response,
    /// Additional cuts of the bodies.
    pub cuts: Cuts,
    /// Expected result.
    pub expect: Expect,
}

/// Protocols of the client and the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 on both sides.
    Http1,
    /// HTTP/2 on both sides.
    Http2,
    /// HTTP/1.1 client, HTTP/2 upstream: the upstream's trailers reach the filter but not the client.
    Http1ToHttp2,
    /// HTTP/2 client, HTTP/1.1 upstream.
    Http2ToHttp1,
}

/// Request of the client.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, body, trailers.
    pub message: Message,
}

/// Response of the upstream.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Headers, body, trailers.
    pub message: Message,
}

/// Common parts of requests and responses.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Headers in order, duplicates allowed, names in lowercase.
    pub headers: Vec<(String, String)>,
    /// Body, in pieces that are sent separately.
    pub pieces: Vec<Vec<u8>>,
    /// End marker of the body.
    pub framing: Framing,
    /// Trailers, after the body.
    pub trailers: Vec<(String, String)>,
}

/// End marker of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// `content-length`.
    Length,
    /// HTTP/1.1: chunked. HTTP/2: the end of the stream.
    Chunked,
    /// No body.
    #[default]
    None,
}

/// Cuts of the bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cuts {
    /// Only between the pieces of the case.
    #[default]
    AsGiven,
    /// Additionally once at each offset of each body.
    Every,
}

/// One cut of the bodies of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Pieces of the case.
    AsGiven,
    /// Request body in two pieces; the second begins at this byte.
    Request(usize),
    /// Response body in two pieces; the second begins at this byte.
    Response(usize),
}

/// Expected result of a stream. Fields that are `None` or empty expect the sent value.
#[derive(Clone, Debug)]
pub struct Expect {
    /// Request at the upstream.
    pub request: ExpectRequest,
    /// Response at the client.
    pub response: ExpectResponse,
    /// Entry in the access log.
    pub log: ExpectLog,
    /// Increase of each counter, by its Prometheus name with labels.
    pub counters: BTreeMap<String, u64>,
}

/// Expected request at the upstream.
#[derive(Clone, Debug)]
pub struct ExpectRequest {
    /// Whether it must arrive complete. Otherwise the other fields do not apply.
    pub received: bool,
    /// Path and query.
    pub path: Option<String>,
    /// All values of each listed name, in order.
    pub headers: Vec<(String, String)>,
    /// Names that must be absent.
    pub absent: Vec<String>,
    /// Exact bytes.
    pub body: Option<Vec<u8>>,
    /// All trailers, in order.
    pub trailers: Option<Vec<(String, String)>>,
}

/// Expected response at the client.
#[derive(Clone, Debug)]
pub struct ExpectResponse {
    /// Whether it must end as its framing says. The body of an incomplete response is not compared.
    pub complete: bool,
    /// Status.
    pub status: Option<u16>,
    /// All values of each listed name, in order.
    pub headers: Vec<(String, String)>,
    /// Names that must be absent.
    pub absent: Vec<String>,
    /// Exact bytes.
    pub body: Option<Vec<u8>>,
    /// All trailers, in order.
    pub trailers: Option<Vec<(String, String)>>,
}

/// Expected log metadata. Without an `action` the stream must be clean.
#[derive(Clone, Debug, Default)]
pub struct ExpectLog {
    /// Values by key of the log metadata: `action`, `found`, `brands`, `where`, `fields`, `rules`, `uninspected`.
    pub values: BTreeMap<String, String>,
    /// Pieces of JSON that the record must contain.
    pub record: Vec<String>,
    /// Redacted path. `None` expects the sent path.
    pub path: Option<String>,
    /// Envoy's response code details. `None` expects `via_upstream`.
    pub details: Option<String>,
}

impl Case {
    /// `theme::name`, as in tests and reports.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}::{}", self.theme, self.name)
    }

    /// Every cut of this case's bodies, the one of the case first.
    #[must_use]
    pub fn cuts(&self) -> Vec<Cut> {
        let mut cuts = vec![Cut::AsGiven];
        if self.cuts == Cuts::Every {
            cuts.extend((1..self.request.message.body().len()).map(Cut::Request));
            cuts.extend((1..self.response.message.body().len()).map(Cut::Response));
        }
        cuts
    }

    /// Copy of the case with the bodies in the pieces of `cut`.
    #[must_use]
    pub fn cut(&self, cut: Cut) -> Self {
        let mut case = self.clone();
        match cut {
            Cut::AsGiven => {}
            Cut::Request(at) => case.request.message.cut_at(at),
            Cut::Response(at) => case.response.message.cut_at(at),
        }
        case
    }
}

impl Message {
    /// Body in one piece.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    fn cut_at(&mut self, at: usize) {
        let body = self.body();
        let (head, tail) = body.split_at(at);
        self.pieces = vec![head.to_vec(), tail.to_vec()];
    }
}

impl Protocol {
    /// Whether the client speaks HTTP/2.
    #[must_use]
    pub fn client_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2ToHttp1)
    }

    /// Whether the upstream speaks HTTP/2.
    #[must_use]
    pub fn service_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http1ToHttp2)
    }

    /// Name in a case file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Http2 => "http2",
            Self::Http1ToHttp2 => "http1-to-http2",
            Self::Http2ToHttp1 => "http2-to-http1",
        }
    }
}
