//! Conditions of rules.
//!
//! A condition matches if all of its fields match.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{ObjectSpec, TextSpec, ValueSpec, fields};
use super::field_pattern::FieldPattern;
use super::finding::{FieldPath, FindingAttributes, KindPattern};
use super::header::HeaderPattern;
use super::host_name::HostPattern;
use super::kind::{Fields, Kind, ListOf, Maybe, OneOf, OneOrMore, Whole};
use super::location::{Direction, Location};
use super::media_type::MediaPattern;
use super::network::Network;
use super::path::PathPattern;
use super::peer::PeerPattern;
use super::request_context::{Connection, RequestContext, Tri};
use super::resource_name::NamePattern;
use super::rule::NeededAttributes;

fields! {
    /// Condition of a rule. It matches when all of the given fields match; without any, always.
    pub(super) struct Condition {
        /// Direction of the message.
        direction: Option<Direction> as Maybe<OneOf>, optional;
        /// Locations within the message. The path, with its query, is a location of the request.
        "where" locations: Vec<Location> as ListOf<OneOf, 1, MOST_ITEMS>, optional;
        /// Kinds of findings; `pattern:NAME` is one of the policy's patterns, and `value` the whole value of each `field`. Each finding gets
        /// the action of the first rule that matches it.
        "kind" kinds: Vec<KindPattern> as ListOf<KindPattern, 1, MOST_ITEMS>, optional;
        /// Field that contains the finding: a name at any depth (`number`), or a path from the outermost field on (`card.number`). `*`
        /// stands for one name, at either end of a path for one or more.
        "field" fields: Vec<FieldPattern> as ListOf<FieldPattern, 1, MOST_ITEMS>, optional;
        /// The request's method, in capital letters.
        "method" methods: Vec<String> as ListOf<Method, 1, MOST_ITEMS>, optional;
        /// The request's host without its port: a name, or `*.` and a name for all subdomains.
        "host" hosts: Vec<HostPattern> as ListOf<HostPattern, 1, MOST_ITEMS>, optional;
        /// The request's path, without its query: one pattern, or a list of which one must match.
        "path" paths: Vec<PathPattern> as OneOrMore<PathPattern, MOST_ITEMS>, optional;
        /// A header of the request: one pattern, or a list of which one must match.
        "header" headers: Vec<HeaderPattern> as OneOrMore<HeaderPattern, MOST_ITEMS>, optional;
        /// The message's content type without parameters. `text/*` matches every subtype.
        "content_type" content_types: Vec<MediaPattern> as ListOf<MediaPattern, 1, MOST_ITEMS>, optional;
        /// The client's identity under mutual TLS (source principal). `*` matches one path segment, at the end all that follow.
        "source" sources: Vec<PeerPattern> as ListOf<PeerPattern, 1, MOST_ITEMS>, optional;
        /// The upstream's identity (destination principal). Only with `direction: response`.
        "destination" destinations: Vec<PeerPattern> as ListOf<PeerPattern, 1, MOST_ITEMS>, optional;
        /// Security of the client's connection. `any` is TLS, mutual or not.
        tls: Option<Tls> as Maybe<OneOf>, optional;
        /// The client's address, as Envoy determines it: networks in CIDR notation, or addresses.
        "remote_ip" remote_ips: Vec<Network> as ListOf<Network, 1, MOST_ITEMS>, optional;
        /// The port that the client connected to.
        "port" ports: Vec<u16> as ListOf<Whole<1, 65_535>, 1, MOST_ITEMS>, optional;
        /// Envoy's route for the request. One `*` matches any characters.
        "route" routes: Vec<NamePattern> as ListOf<NamePattern, 1, MOST_ITEMS>, optional;
        /// Envoy's upstream cluster for the request. One `*` matches any characters.
        "cluster" clusters: Vec<NamePattern> as ListOf<NamePattern, 1, MOST_ITEMS>, optional;
        /// The response's status. Only with `direction: response`.
        "status" statuses: Vec<u16> as ListOf<Whole<100, 599>, 1, MOST_ITEMS>, optional;
        /// A condition that must not match, with these fields except `not`.
        pub(super) not: Option<Box<Self>> as Negation, optional;
    }
}

named! {
    /// Security of the client's connection, as a rule requires it.
    pub(super) enum Tls {
        /// TLS in which both sides authenticate.
        Mutual = "mutual",
        /// TLS, mutual or not.
        Any = "any",
        /// Plaintext.
        None = "none",
    }
}

/// Condition within a condition, which has no further one.
struct Negation;

/// Most items of a list.
const MOST_ITEMS: usize = 100;

/// Name of a method, such as `POST`.
struct Method;

impl Condition {
    /// Rejects a condition that cannot match, or cannot match everywhere that an operator would expect.
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        self.check_direction(self.direction)?;
        if self.direction == Some(Direction::Response) && self.locations == [Location::Path] {
            let expected = "direction request with path: a response has no path";
            return Err(PolicyError::wrong_value(expected).in_field("where"));
        }
        if self.tests_values() {
            self.check_values()?;
        }
        let Some(not) = &self.not else { return Ok(()) };
        if not.tests_values() {
            return Err(PolicyError::wrong_value("no value within not").in_field("kind").in_field("not"));
        }
        not.check_direction(self.direction.or(not.direction)).map_err(|error| error.in_field("not"))
    }

    /// Rejects a condition on values that names no field, or other locations than bodies.
    fn check_values(&self) -> Result<(), PolicyError> {
        if self.fields.is_empty() {
            let expected = "field with value: a rule on values names their fields";
            Err(PolicyError::wrong_value(expected).in_field("kind"))
        } else if self.locations != [Location::Body] {
            let expected = "[\"body\"] with kind value: values are found in bodies alone";
            Err(PolicyError::wrong_value(expected).in_field("where"))
        } else {
            Ok(())
        }
    }

    /// Rejects attributes of the upstream in a rule for a `direction` that does not know them.
    fn check_direction(&self, direction: Option<Direction>) -> Result<(), PolicyError> {
        let upstream = [("destination", !self.destinations.is_empty()), ("status", !self.statuses.is_empty())];
        match upstream.into_iter().find(|(_, is_used)| *is_used) {
            Some((field, _)) if direction != Some(Direction::Response) => {
                let expected = "direction response with it: the upstream is unknown before its response";
                Err(PolicyError::wrong_value(expected).in_field(field))
            }
            _ => Ok(()),
        }
    }

    /// True if the condition includes that location.
    pub(super) fn covers(&self, location: Location) -> bool {
        self.locations.is_empty() || self.locations.contains(&location)
    }

    /// Result for a message of that direction, for the locations and findings that the condition covers, without `not`.
    pub(super) fn matches(&self, direction: Direction, request_context: &RequestContext) -> Tri {
        if self.direction.is_some_and(|only| only != direction) {
            return Tri::No;
        }
        [
            request_context.method.is_among(&self.methods, is_method),
            request_context.host.is_among(&self.hosts, HostPattern::matches),
            request_context.path.is_among(&self.paths, PathPattern::matches),
            request_context.headers.is_among(&self.headers, |headers, wanted| HeaderPattern::matches(headers, wanted)),
            request_context.content_type(direction).is_among(&self.content_types, MediaPattern::matches),
            request_context.source.is_among(&self.sources, PeerPattern::matches),
            request_context.destination.is_among(&self.destinations, PeerPattern::matches),
            request_context.connection.is_among(self.tls.as_slice(), Tls::matches),
            request_context.remote_ip.is_among(&self.remote_ips, Network::matches),
            request_context.port.is_among(&self.ports, |port, wanted| (port == wanted).into()),
            request_context.route.is_among(&self.routes, |name, wanted| NamePattern::matches(name, wanted)),
            request_context.cluster.is_among(&self.clusters, |name, wanted| NamePattern::matches(name, wanted)),
            request_context.status.is_among(&self.statuses, |status, wanted| (status == wanted).into()),
        ]
        .into_iter()
        .min()
        .unwrap_or(Tri::Yes)
    }

    /// Result for a finding, or for any finding, without `not`.
    pub(super) fn matches_finding(&self, finding: Option<&FindingAttributes<'_>>) -> Tri {
        let Some(finding) = finding else {
            return if self.kinds.is_empty() && self.fields.is_empty() { Tri::Yes } else { Tri::Unknown };
        };
        let is_kind = self.kinds.is_empty() || self.kinds.iter().any(|kind| kind.matches(finding));
        let fields = self.fields.iter().map(|field| field.matches(finding.field));
        fields.max().unwrap_or(Tri::Yes).min(is_kind.into())
    }

    /// True if the condition matches some findings of a message only.
    pub(super) fn tests_findings(&self) -> bool {
        let tests = |condition: &Self| !(condition.kinds.is_empty() && condition.fields.is_empty());
        tests(self) || self.not.as_deref().is_some_and(tests)
    }

    /// True if the condition selects values of fields, whatever they are.
    pub(super) fn tests_values(&self) -> bool {
        self.kinds.iter().any(KindPattern::is_value)
    }

    /// True if the condition selects the value of the field with that path.
    pub(super) fn selects_value(&self, path: &FieldPath) -> bool {
        self.tests_values() && self.fields.iter().any(|field| field.matches(path) == Tri::Yes)
    }

    /// True if the condition tests the fields of findings.
    pub(super) fn tests_fields(&self) -> bool {
        !self.fields.is_empty() || self.not.as_ref().is_some_and(|not| !not.fields.is_empty())
    }

    /// Rejects kinds that a policy with these settings never finds.
    pub(super) fn check_kinds(&self, patterns: &[&str], authentication_data: bool) -> Result<(), PolicyError> {
        for (index, kind) in self.kinds.iter().enumerate() {
            kind.check(patterns, authentication_data).map_err(|error| error.in_item(index).in_field("kind"))?;
        }
        let Some(not) = &self.not else { return Ok(()) };
        not.check_kinds(patterns, authentication_data).map_err(|error| error.in_field("not"))
    }

    /// True if the client controls all attributes that the condition tests: host, path, method, headers, the content type of a request,
    /// the route, the address, the fields of a request, and TLS without a client certificate. False for a condition without attributes.
    /// That an attribute of `not` differs proves nothing about the client.
    pub(super) fn is_client_controlled(&self) -> bool {
        let tested = self.tested();
        let is_authenticated = tested.source || tested.destination || self.tls == Some(Tls::Mutual);
        let is_fixed = tested.port || tested.cluster || tested.status;
        let is_response = self.direction == Some(Direction::Response);
        let is_upstream = tested.content_type && is_response;
        let is_chosen = |tested: NeededAttributes| {
            let in_request = tested.content_type && !is_response;
            tested.request_line || tested.headers || tested.remote_ip || tested.route || in_request
        };
        let tests_fields = !self.fields.is_empty() && !is_response;
        (is_chosen(tested) || tests_fields || self.not.as_ref().is_some_and(|not| is_chosen(not.tested())))
            && !(is_authenticated || is_fixed || is_upstream)
    }

    /// True if the condition matches every message, location and finding that `other` matches, because it tests no other attribute.
    pub(super) fn includes(&self, other: &Self) -> bool {
        let tests_nothing = self.tested() == NeededAttributes::default() && self.not.is_none();
        let same_direction = self.direction.is_none() || self.direction == other.direction;
        let covers_all = self.locations.is_empty()
            || (!other.locations.is_empty() && other.locations.iter().all(|location| self.covers(*location)));
        let all_kinds = self.kinds.is_empty()
            || (!other.kinds.is_empty()
                && other.kinds.iter().all(|kind| self.kinds.iter().any(|own| own.includes(kind))));
        let all_fields = self.fields.is_empty()
            || (!other.fields.is_empty() && other.fields.iter().all(|field| self.fields.contains(field)));
        tests_nothing && same_direction && covers_all && all_kinds && all_fields
    }

    /// Names of the headers that the condition tests.
    pub(super) fn tested_headers(&self) -> impl Iterator<Item = &str> {
        let inner = self.not.iter().flat_map(|not| &not.headers);
        self.headers.iter().chain(inner).map(|header| header.name.as_str())
    }

    /// Attributes that the condition tests, without those of `not`.
    pub(super) fn tested(&self) -> NeededAttributes {
        NeededAttributes {
            request_line: !(self.methods.is_empty() && self.hosts.is_empty() && self.paths.is_empty()),
            headers: !self.headers.is_empty(),
            content_type: !self.content_types.is_empty(),
            connection: self.tls.is_some() || !self.sources.is_empty(),
            source: !self.sources.is_empty(),
            destination: !self.destinations.is_empty(),
            remote_ip: !self.remote_ips.is_empty(),
            port: !self.ports.is_empty(),
            route: !self.routes.is_empty(),
            cluster: !self.clusters.is_empty(),
            status: !self.statuses.is_empty(),
            time: false,
        }
    }
}

impl Tls {
    fn matches(connection: &Connection, wanted: &Self) -> Tri {
        match wanted {
            Self::Mutual => *connection == Connection::MutualTls,
            Self::Any => *connection != Connection::Plain,
            Self::None => *connection == Connection::Plain,
        }
        .into()
    }
}

/// Compares methods. They are case-sensitive, but some servers ignore case, so a difference in case is ambiguous.
fn is_method(method: &Vec<u8>, wanted: &String) -> Tri {
    if method == wanted.as_bytes() {
        Tri::Yes
    } else if method.eq_ignore_ascii_case(wanted.as_bytes()) {
        Tri::Unknown
    } else {
        Tri::No
    }
}

impl Kind<Option<Box<Condition>>> for Negation {
    const SPEC: ValueSpec = ValueSpec::Object(|| {
        const INNER: ObjectSpec = ObjectSpec {
            description: Condition::SPEC.description,
            // `not` is the last field.
            fields: match Condition::SPEC.fields.split_last() {
                Some((_, fields)) => fields,
                None => &[],
            },
            is_choice: false,
        };
        &INNER
    });

    fn read(value: &ConfigValue) -> Result<Option<Box<Condition>>, PolicyError> {
        let condition = Condition::read(value).map_err(|error| error.without_suggestion("not"))?;
        if condition.not.is_some() {
            return Err(PolicyError::wrong_value("no not within not").in_field("not"));
        }
        if matches!(value, ConfigValue::Object(fields) if fields.is_empty()) {
            return Err(PolicyError::wrong_value("at least one field; without one, the rule never matches"));
        }
        Ok(Some(Box::new(condition)))
    }
}

impl Kind<String> for Method {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec { pattern: Some("^[A-Z_-]{1,32}$"), ..TextSpec::ANY });
    const PLURAL: &'static str = "methods";

    fn read(value: &ConfigValue) -> Result<String, PolicyError> {
        let method = value.text()?;
        let is_letter = |byte: u8| byte.is_ascii_uppercase() || b"-_".contains(&byte);
        if (1..=32).contains(&method.len()) && method.bytes().all(is_letter) {
            Ok(method.to_owned())
        } else {
            Err(PolicyError::wrong_value("a method in capital letters, such as POST"))
        }
    }
}
