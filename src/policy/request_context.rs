//! Attributes of a request/response pair that rules test.
//!
//! An attribute is known, known to be absent, or unknown. It is unknown before the message that carries it, if the proxy does not
//! provide it, and if it is ambiguous. Conditions return [`Tri`], so that an ambiguous attribute does not evade a rule.

use super::Direction;
use super::host_name::HostName;
use super::media_type::MediaType;
use super::path::PathInterpretations;
use super::peer::Identity;

/// Attributes that rules test. All of them are unknown at first.
///
/// Has no `Debug`: it contains parts of headers.
#[derive(Default)]
pub struct RequestContext {
    pub(super) method: Fact<Vec<u8>>,
    pub(super) host: Fact<HostName>,
    pub(super) path: Fact<PathInterpretations>,
    pub(super) connection: Fact<Connection>,
    pub(super) source: Fact<Identity>,
    pub(super) destination: Fact<Identity>,
    request_content: Fact<MediaType>,
    response_content: Fact<MediaType>,
    /// Time in seconds since 1970, if the clock can be read.
    pub(super) time: Option<u64>,
}

/// Attribute, as far as it is known.
#[derive(Default)]
pub(super) enum Fact<T> {
    /// Not known, or ambiguous.
    #[default]
    Unknown,
    /// Known to be absent.
    Absent,
    /// Known value.
    Known(T),
}

/// Security of the client's connection to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Plaintext.
    Plain,
    /// TLS without authentication of the client.
    Tls,
    /// TLS in which both sides authenticate.
    MutualTls,
}

/// Result of a condition, in three-valued logic. By the order of the variants, the maximum of several results is their disjunction and
/// the minimum their conjunction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tri {
    /// The condition does not match.
    No,
    /// The result is unknown, because an attribute is.
    Unknown,
    /// The condition matches.
    Yes,
}

impl RequestContext {
    /// Sets the attributes from the request's headers. A missing one is unknown, because proxies differ in the handling of a request
    /// without it.
    pub fn note_request_line(&mut self, method: Option<&[u8]>, host: Option<&[u8]>, path: Option<&[u8]>) {
        self.method = Fact::from_option(method.map(<[u8]>::to_vec));
        self.host = Fact::from_option(host.and_then(HostName::read));
        self.path = Fact::from_option(path.and_then(PathInterpretations::of));
    }

    /// Sets the time, in seconds since 1970.
    pub fn note_time(&mut self, time: Option<u64>) {
        self.time = time;
    }

    /// Sets the content type of a message from its headers.
    pub fn note_content_type(&mut self, direction: Direction, content_type: Option<&[u8]>) {
        let fact = match content_type {
            None => Fact::Absent,
            Some(value) => Fact::from_option(MediaType::read(value)),
        };
        match direction {
            Direction::Request => self.request_content = fact,
            Direction::Response => self.response_content = fact,
        }
    }

    /// Sets the client's connection; `None` if the proxy does not provide it. Without mutual TLS the client has no identity.
    pub fn note_connection(&mut self, connection: Option<Connection>) {
        self.connection = Fact::from_option(connection);
        if connection.is_some_and(|connection| connection != Connection::MutualTls) {
            self.source = Fact::Absent;
        }
    }

    /// Sets the source principal from the name in the client's certificate. It counts under mutual TLS only.
    pub fn note_source(&mut self, name: Option<&[u8]>) {
        if matches!(self.connection, Fact::Known(Connection::MutualTls)) {
            self.source = Identity::fact(name);
        }
    }

    /// Sets the destination principal from the name in the upstream's certificate.
    pub fn note_destination(&mut self, name: Option<&[u8]>) {
        self.destination = Identity::fact(name);
    }

    /// Content type of a message.
    pub(super) fn content_type(&self, direction: Direction) -> &Fact<MediaType> {
        match direction {
            Direction::Request => &self.request_content,
            Direction::Response => &self.response_content,
        }
    }
}

impl<T> Fact<T> {
    /// Known value, or unknown for `None`.
    pub(super) fn from_option(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Self::Known)
    }

    /// Result of a condition that lists `wanted`. An empty list matches.
    pub(super) fn is_among<W>(&self, wanted: &[W], matches: impl Fn(&T, &W) -> Tri) -> Tri {
        match self {
            _ if wanted.is_empty() => Tri::Yes,
            Self::Unknown => Tri::Unknown,
            Self::Absent => Tri::No,
            Self::Known(value) => wanted.iter().map(|wanted| matches(value, wanted)).max().unwrap_or(Tri::No),
        }
    }
}

impl From<bool> for Tri {
    fn from(matches: bool) -> Self {
        if matches { Self::Yes } else { Self::No }
    }
}
