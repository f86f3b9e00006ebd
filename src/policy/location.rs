//! Directions and locations within a request/response pair.

/// Direction of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the upstream.
    Request,
    /// From the upstream to the client.
    Response,
}

impl Direction {
    /// Both directions.
    pub const ALL: [Self; 2] = [Self::Request, Self::Response];

    /// Word in policies, records and counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// Location within a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Location {
    /// A header field, other than the path.
    Headers,
    /// The path of a request, with its query.
    Path,
    /// The body.
    Body,
    /// A trailer field.
    Trailers,
}

impl Location {
    /// Every location.
    pub const ALL: [Self; 4] = [Self::Headers, Self::Path, Self::Body, Self::Trailers];

    /// Word in policies, records and counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::Path => "path",
            Self::Body => "body",
            Self::Trailers => "trailers",
        }
    }
}
