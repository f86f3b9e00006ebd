//! When does a rule hold? When all that is given does.

use super::document::Document;
use super::error::PolicyError;
use super::host_name::HostPattern;
use super::media_type::MediaPattern;
use super::path::PathPattern;
use super::peer::PeerPattern;
use super::read::Read;
use super::request_context::{Connection, RequestContext, Tri};
#[cfg(feature = "cli")]
use super::schema;
use super::{Direction, Location};

/// All that a rule can ask for.
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = schema::choices))]
pub(super) struct Condition {
    /// Direction of the message.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::word::<Direction>"))]
    direction: Option<Direction>,
    /// Locations in the message. `path` includes the query and exists only in requests.
    #[cfg_attr(feature = "cli", schemars(rename = "where", schema_with = "schema::some_words::<Location>"))]
    locations: Vec<Location>,
    /// Request method, in uppercase.
    #[cfg_attr(feature = "cli", schemars(rename = "method", schema_with = "schema::methods"))]
    methods: Vec<String>,
    /// Request host without port: a name, or `*.` and a name for all hosts below it.
    #[cfg_attr(feature = "cli", schemars(rename = "host", schema_with = "schema::hosts"))]
    hosts: Vec<HostPattern>,
    /// Request path, without the query.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::path"))]
    path: Vec<PathPattern>,
    /// Content type of the message, without parameters. `text/*` matches all text types.
    #[cfg_attr(feature = "cli", schemars(rename = "content_type", schema_with = "schema::content_types"))]
    content_types: Vec<MediaPattern>,
    /// Client identity under mutual TLS. `*` matches one segment, at the end all that follow.
    #[cfg_attr(feature = "cli", schemars(rename = "source", schema_with = "schema::peers"))]
    sources: Vec<PeerPattern>,
    /// Upstream identity. Requires `direction: response`.
    #[cfg_attr(feature = "cli", schemars(rename = "destination", schema_with = "schema::peers"))]
    destinations: Vec<PeerPattern>,
    /// TLS of the client connection. `any` is TLS, mutual or not.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::word::<Tls>"))]
    tls: Vec<Tls>,
}

/// How the client must be connected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    /// With TLS in which both sides proved who they are.
    Mutual,
    /// With TLS, mutual or not.
    Any,
    /// Without.
    None,
}

/// The most items of a list.
pub(super) const MOST_ITEMS: usize = 100;

impl Condition {
    pub(super) fn read(document: &Document) -> Result<Self, PolicyError> {
        let [direction, locations, method, host, path, content_type, source, destination, tls] = document.fields([
            "direction",
            "where",
            "method",
            "host",
            "path",
            "content_type",
            "source",
            "destination",
            "tls",
        ])?;
        let condition = Self {
            direction: direction.given(Document::word)?,
            locations: locations.or(Vec::new(), read_places)?,
            methods: method.or(Vec::new(), read_methods)?,
            hosts: host.or(Vec::new(), |list| some(list, "a list of hosts", HostPattern::read))?,
            path: path.given(PathPattern::read)?.into_iter().collect(),
            content_types: content_type
                .or(Vec::new(), |list| some(list, "a list of content types", MediaPattern::read))?,
            sources: source.or(Vec::new(), read_peers)?,
            destinations: destination.or(Vec::new(), read_peers)?,
            tls: tls.given(Document::word)?.into_iter().collect(),
        };
        condition.check()?;
        Ok(condition)
    }

    /// A rule that can never hold, or not where one would think it does, protects nothing.
    fn check(&self) -> Result<(), PolicyError> {
        if !self.destinations.is_empty() && self.direction != Some(Direction::Response) {
            let expected = "direction response beside it: which service answers is known with its response, not before";
            return Err(PolicyError::wrong_value(expected).in_field("destination"));
        }
        if self.direction == Some(Direction::Response) && self.locations == [Location::Path] {
            let expected = "direction request beside path: a response has none";
            return Err(PolicyError::wrong_value(expected).in_field("where"));
        }
        Ok(())
    }

    /// Whether it is about that place.
    pub(super) fn covers(&self, place: Location) -> bool {
        self.locations.is_empty() || self.locations.contains(&place)
    }

    /// Whether it holds for a message of that direction, at the places it covers.
    pub(super) fn holds(&self, direction: Direction, request_context: &RequestContext) -> Tri {
        if self.direction.is_some_and(|only| only != direction) {
            return Tri::No;
        }
        [
            request_context.method.is_among(&self.methods, is_method),
            request_context.host.is_among(&self.hosts, HostPattern::holds),
            request_context.path.is_among(&self.path, PathPattern::holds),
            request_context.content_type(direction).is_among(&self.content_types, MediaPattern::holds),
            request_context.source.is_among(&self.sources, PeerPattern::holds),
            request_context.destination.is_among(&self.destinations, PeerPattern::holds),
            request_context.connection.is_among(&self.tls, Tls::holds),
        ]
        .into_iter()
        .min()
        .unwrap_or(Tri::Yes)
    }

    /// True when it asks for something, and whoever sends a message of that kind chooses all of it: the host, the path, the
    /// method, the content type of a request, whether there is TLS.
    pub(super) fn is_up_to_the_client(&self) -> bool {
        let content_type = self.asks_content_type();
        let is_proven = self.asks_source() || self.asks_destination() || self.tls.contains(&Tls::Mutual);
        let is_upstream = content_type && self.direction == Some(Direction::Response);
        (self.asks_request_line() || content_type) && !is_proven && !is_upstream
    }

    pub(super) fn asks_request_line(&self) -> bool {
        !(self.methods.is_empty() && self.hosts.is_empty() && self.path.is_empty())
    }

    pub(super) fn asks_content_type(&self) -> bool {
        !self.content_types.is_empty()
    }

    pub(super) fn asks_connection(&self) -> bool {
        !self.tls.is_empty()
    }

    pub(super) fn asks_source(&self) -> bool {
        !self.sources.is_empty()
    }

    pub(super) fn asks_destination(&self) -> bool {
        !self.destinations.is_empty()
    }
}

impl Tls {
    fn holds(connection: &Connection, wanted: &Self) -> Tri {
        match wanted {
            Self::Mutual => *connection == Connection::MutualTls,
            Self::Any => *connection != Connection::Plain,
            Self::None => *connection == Connection::Plain,
        }
        .into()
    }
}

/// Methods are told apart by case, but not by every server.
fn is_method(method: &Vec<u8>, wanted: &String) -> Tri {
    if method == wanted.as_bytes() {
        Tri::Yes
    } else if method.eq_ignore_ascii_case(wanted.as_bytes()) {
        Tri::Unknown
    } else {
        Tri::No
    }
}

fn read_places(document: &Document) -> Result<Vec<Location>, PolicyError> {
    some(document, "a list of headers, path, body, trailers", Document::word)
}

fn read_methods(document: &Document) -> Result<Vec<String>, PolicyError> {
    some(document, "a list of methods", |document| {
        let method = document.text()?;
        let is_letter = |byte: u8| byte.is_ascii_uppercase() || b"-_".contains(&byte);
        if (1..=32).contains(&method.len()) && method.bytes().all(is_letter) {
            Ok(method.to_owned())
        } else {
            Err(PolicyError::wrong_value("a method in capital letters, such as POST"))
        }
    })
}

fn read_peers(document: &Document) -> Result<Vec<PeerPattern>, PolicyError> {
    some(document, "a list of SPIFFE IDs", PeerPattern::read)
}

/// A list with something in it. An empty one is a mistake that could mean everything or nothing.
fn some<T>(document: &Document, expected: &'static str, read: Read<T>) -> Result<Vec<T>, PolicyError> {
    let items = document.items(expected, read)?;
    if (1..=MOST_ITEMS).contains(&items.len()) {
        Ok(items)
    } else {
        Err(PolicyError::wrong_value(&format!("1 to {MOST_ITEMS} items; without the field everything matches")))
    }
}
