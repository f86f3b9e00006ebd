//! What is known of an exchange when its rules are asked?
//!
//! A fact is known, known to be missing, or cannot be told: because the exchange has not come so far, because the proxy
//! does not say, or because the sender wrote it so that it reads in more than one way. Rules take this into account
//! ([`Tri`]), so that nobody gets around one by being hard to read.

use super::Direction;
use super::host_name::HostName;
use super::media_type::MediaType;
use super::path::PathInterpretations;
use super::peer::Identity;

/// What rules can ask about an exchange. It begins with nothing known.
///
/// Has no `Debug`: it holds parts of headers.
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
}

/// One of these facts.
#[derive(Default)]
pub(super) enum Fact<T> {
    /// It cannot be told.
    #[default]
    Unknown,
    /// There is no such thing.
    Absent,
    /// It is this.
    Known(T),
}

/// How the client is connected to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Without encryption.
    Plain,
    /// With TLS, in which the client did not prove who it is.
    Tls,
    /// With TLS, in which both sides did.
    MutualTls,
}

/// Whether a condition holds. The order matters: of several conditions of which one is enough the greatest counts, of
/// several that are all needed the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tri {
    /// It does not.
    No,
    /// It cannot be told.
    Unknown,
    /// It does.
    Yes,
}

impl RequestContext {
    /// Nothing but what the request's headers say. What they do not say cannot be told: what a proxy makes of a request
    /// without a host is its own matter.
    pub fn note_request_line(&mut self, method: Option<&[u8]>, host: Option<&[u8]>, path: Option<&[u8]>) {
        self.method = Fact::told(method.map(<[u8]>::to_vec));
        self.host = Fact::told(host.and_then(HostName::read));
        self.path = Fact::told(path.and_then(PathInterpretations::of));
    }

    /// What the headers of a message say it holds.
    pub fn note_content_type(&mut self, direction: Direction, content_type: Option<&[u8]>) {
        let fact = match content_type {
            None => Fact::Absent,
            Some(value) => Fact::told(MediaType::read(value)),
        };
        match direction {
            Direction::Request => self.request_content = fact,
            Direction::Response => self.response_content = fact,
        }
    }

    /// How the client is connected; `None` when the proxy does not say. Without mutual TLS the client has no identity.
    pub fn note_connection(&mut self, connection: Option<Connection>) {
        self.connection = Fact::told(connection);
        if connection.is_some_and(|connection| connection != Connection::MutualTls) {
            self.source = Fact::Absent;
        }
    }

    /// The name in the client's certificate, which counts under mutual TLS alone.
    pub fn note_source(&mut self, name: Option<&[u8]>) {
        if matches!(self.connection, Fact::Known(Connection::MutualTls)) {
            self.source = Identity::fact(name);
        }
    }

    /// The name in the certificate of the service that answered.
    pub fn note_destination(&mut self, name: Option<&[u8]>) {
        self.destination = Identity::fact(name);
    }

    /// What a message holds.
    pub(super) fn content_type(&self, direction: Direction) -> &Fact<MediaType> {
        match direction {
            Direction::Request => &self.request_content,
            Direction::Response => &self.response_content,
        }
    }
}

impl<T> Fact<T> {
    /// Known, or not to be told.
    pub(super) fn told(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Self::Known)
    }

    /// Whether the fact is one of `wanted`; always, when there is nothing wanted.
    pub(super) fn is_among<W>(&self, wanted: &[W], holds: impl Fn(&T, &W) -> Tri) -> Tri {
        match self {
            _ if wanted.is_empty() => Tri::Yes,
            Self::Unknown => Tri::Unknown,
            Self::Absent => Tri::No,
            Self::Known(value) => wanted.iter().map(|wanted| holds(value, wanted)).max().unwrap_or(Tri::No),
        }
    }
}

impl From<bool> for Tri {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}
