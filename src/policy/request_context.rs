//! Attributes of a request/response pair that rules test.
//!
//! An attribute is known, known to be absent, or unknown. It is unknown before the message that carries it, if the proxy does not
//! provide it, and if it is ambiguous. Conditions return [`Tri`], so that an ambiguous attribute does not evade a rule.

use super::Direction;
use super::header::HeaderValues;
use super::host_name::HostName;
use super::media_type::MediaType;
use super::network::address_of;
use super::path::PathInterpretations;
use super::peer::Identity;
use std::net::IpAddr;
use std::ops::Not;

/// Attributes that rules test. All of them are unknown at first.
///
/// Has no `Debug`: it contains parts of headers.
#[derive(Default)]
pub struct RequestContext {
    pub(super) method: Fact<Vec<u8>>,
    pub(super) host: Fact<HostName>,
    pub(super) path: Fact<PathInterpretations>,
    pub(super) headers: Fact<Vec<HeaderValues>>,
    pub(super) connection: Fact<Connection>,
    pub(super) source: Fact<Identity>,
    pub(super) destination: Fact<Identity>,
    pub(super) remote_ip: Fact<IpAddr>,
    pub(super) port: Fact<u16>,
    pub(super) route: Fact<Vec<u8>>,
    pub(super) cluster: Fact<Vec<u8>>,
    pub(super) status: Fact<u16>,
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

named! {
    /// Security of the client's connection to the proxy.
    pub enum Connection {
        /// Plaintext.
        Plain = "plaintext",
        /// TLS without authentication of the client.
        Tls = "tls",
        /// TLS in which both sides authenticate.
        MutualTls = "mutual",
    }
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

    /// Sets the headers of the request, each with all of its values.
    pub fn note_headers<'h>(&mut self, headers: impl Iterator<Item = (&'h str, Vec<Vec<u8>>)>) {
        let headers = headers.map(|(name, values)| HeaderValues { name: name.as_bytes().to_vec(), values });
        self.headers = Fact::Known(headers.collect());
    }

    /// Sets the client's address, from the host's text of address and port.
    pub fn note_remote_address(&mut self, socket_address: Option<&[u8]>) {
        self.remote_ip = Fact::from_option(socket_address.and_then(address_of));
    }

    /// Sets the port that the client connected to; `None` if the connection has none.
    pub fn note_port(&mut self, port: Option<u16>) {
        self.port = Fact::from_option(port);
    }

    /// Sets the name of the route, which may be empty; `None` without a route.
    pub fn note_route(&mut self, route: Option<Vec<u8>>) {
        self.route = match route {
            Some(name) if name.is_empty() => Fact::Absent,
            route => Fact::from_option(route),
        };
    }

    /// Sets the name of the upstream cluster.
    pub fn note_cluster(&mut self, cluster: Option<Vec<u8>>) {
        self.cluster = Fact::from_option(cluster);
    }

    /// Sets the status of the response.
    pub fn note_status(&mut self, status: Option<u16>) {
        self.status = Fact::from_option(status);
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

impl Not for Tri {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Tri {
    fn from(matches: bool) -> Self {
        if matches { Self::Yes } else { Self::No }
    }
}
