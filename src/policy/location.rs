//! Where in an exchange does something stand?

/// Which of an exchange's two messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the service.
    Request,
    /// From the service back to the client.
    Response,
}

impl Direction {
    /// Both directions.
    pub const ALL: [Self; 2] = [Self::Request, Self::Response];

    /// The word for it in the policy, in records and in counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// Which part of a message.
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

    /// The word for it in the policy, in records and in counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::Path => "path",
            Self::Body => "body",
            Self::Trailers => "trailers",
        }
    }
}
