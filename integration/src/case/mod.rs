//! What is a case? One request, the service's response to it, and what must come of both.
//!
//! Whatever a case does not mention must pass unchanged: the path, every header it sends, the bodies, the trailers, the
//! status. A case that expects nothing is therefore a full test that panveil leaves an exchange alone.

mod file;
mod wire;

pub use file::{parse, read_folder};

use std::collections::BTreeMap;

/// One exchange and what must come of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file the case stands in, without its ending: its theme.
    pub theme: String,
    /// Unique within the theme.
    pub name: String,
    /// Why the case exists.
    pub about: String,
    /// The policy as JSON text.
    pub policy: String,
    /// The pairs of protocols to run it over.
    pub protocols: Vec<Protocol>,
    /// Card digits that must reach no log, and no receiver of a message that was blocked.
    pub cards: Vec<String>,
    /// Other text that must reach no log.
    pub secrets: Vec<String>,
    /// What the client sends.
    pub request: Request,
    /// What the service answers.
    pub response: Response,
    /// Where else to cut the bodies.
    pub cuts: Cuts,
    /// What must come of it.
    pub expect: Expect,
}

/// Which protocol the client speaks and which the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 on both sides.
    Http1,
    /// HTTP/2 on both sides.
    Http2,
    /// A client with HTTP/1.1, a service with HTTP/2: its trailers reach the filter but not the client.
    Http1ToHttp2,
    /// A client with HTTP/2, a service with HTTP/1.1.
    Http2ToHttp1,
}

/// What the client sends.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, body, trailers.
    pub message: Message,
}

/// What the service answers.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers, body, trailers.
    pub message: Message,
}

/// What requests and responses have in common.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// In order, duplicates allowed, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, in pieces that are sent apart from each other.
    pub pieces: Vec<Vec<u8>>,
    /// How the receiver learns where the body ends.
    pub framing: Framing,
    /// After the body.
    pub trailers: Vec<(String, String)>,
}

/// How the receiver of a body learns where it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// By `content-length`.
    Length,
    /// HTTP/1.1: by chunks. HTTP/2: by the end of the stream.
    Chunked,
    /// There is no body.
    #[default]
    None,
}

/// Where to cut the bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cuts {
    /// Only between the pieces that the case gives.
    #[default]
    AsGiven,
    /// Also once at each offset of each body.
    Every,
}

/// One way to cut the bodies of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The pieces as the case gives them.
    AsGiven,
    /// The request's body in two, before this byte.
    Request(usize),
    /// The response's body in two, before this byte.
    Response(usize),
}

/// What must come of an exchange. What is `None` or empty must be as it was sent.
#[derive(Clone, Debug)]
pub struct Expect {
    /// At the service.
    pub request: ExpectRequest,
    /// At the client.
    pub response: ExpectResponse,
    /// In the access log.
    pub log: ExpectLog,
    /// How far each counter moved, by its Prometheus name with labels.
    pub counters: BTreeMap<String, u64>,
}

/// What the service must receive.
#[derive(Clone, Debug)]
pub struct ExpectRequest {
    /// Whether it must arrive whole. If not, none of the rest is looked at.
    pub received: bool,
    /// Path and query.
    pub path: Option<String>,
    /// For each name listed: all its values, in order.
    pub headers: Vec<(String, String)>,
    /// Names that must not be there.
    pub absent: Vec<String>,
    /// Byte for byte.
    pub body: Option<Vec<u8>>,
    /// All of them, in order.
    pub trailers: Option<Vec<(String, String)>>,
}

/// What the client must receive.
#[derive(Clone, Debug)]
pub struct ExpectResponse {
    /// Whether it must end as its framing says. A response that is cut off has no fixed body.
    pub complete: bool,
    /// The status.
    pub status: Option<u16>,
    /// For each name listed: all its values, in order.
    pub headers: Vec<(String, String)>,
    /// Names that must not be there.
    pub absent: Vec<String>,
    /// Byte for byte.
    pub body: Option<Vec<u8>>,
    /// All of them, in order.
    pub trailers: Option<Vec<(String, String)>>,
}

/// What the log must say. Without an `action` the exchange must be clean.
#[derive(Clone, Debug, Default)]
pub struct ExpectLog {
    /// Values by the key of the log metadata: `action`, `found`, `brands`, `where`, `fields`, `rules`,
    /// `uninspected`.
    pub values: BTreeMap<String, String>,
    /// Pieces of JSON that must stand in the record.
    pub record: Vec<String>,
    /// The redacted path; as sent when `None`.
    pub path: Option<String>,
    /// Envoy's reason for the response; `via_upstream` when `None`.
    pub details: Option<String>,
}

impl Case {
    /// `theme::name`, as tests and reports call it.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}::{}", self.theme, self.name)
    }

    /// Every way to cut this case's bodies, the given one first.
    #[must_use]
    pub fn cuts(&self) -> Vec<Cut> {
        let mut cuts = vec![Cut::AsGiven];
        if self.cuts == Cuts::Every {
            cuts.extend((1..self.request.message.body().len()).map(Cut::Request));
            cuts.extend((1..self.response.message.body().len()).map(Cut::Response));
        }
        cuts
    }

    /// The case with its bodies in the pieces that `cut` asks for.
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
    /// The body in one piece.
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

    /// Whether the service speaks HTTP/2.
    #[must_use]
    pub fn service_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http1ToHttp2)
    }

    /// As written in a case.
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
