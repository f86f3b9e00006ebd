//! File with cases, in YAML.

use super::case::{Case, Expected};
use super::fields::{as_text, expect_object, field, pairs, text, whole, word};
use crate::clock;
use crate::document::{self, Diagnostic, Node, Origin, Position, YamlValue};
use crate::failure::Failure;
use crate::input;
use crate::playback::{HeaderPair, Peers, StoredBody, StoredMessage, StoredStream, TlsArg, spiffe_id};
use panveil::policy::{Connection, Direction, Expiry, Outcome};
use std::ops::RangeInclusive;
use std::path::Path;
use std::rc::Rc;
use std::str::FromStr;

/// Largest file.
const MAX_BYTES: usize = 16 << 20;

/// File with cases.
pub struct CaseFile {
    /// Name in messages.
    pub name: String,
    pub policy: Option<CasePolicy>,
    pub cases: Vec<Case>,
}

/// Policy of a file with cases.
pub enum CasePolicy {
    /// File with a policy, relative to this one.
    File(String),
    /// Policy within this file.
    Inline(Rc<Node>),
}

/// Fields of each object.
pub const FILE: [&str; 2] = ["policy", "cases"];
pub const CASE: [&str; 6] = ["name", "date", "request", "response", "peer", "expect"];
pub const REQUEST: [&str; 5] = ["method", "host", "path", "headers", "body"];
pub const RESPONSE: [&str; 3] = ["status", "headers", "body"];
pub const PEER: [&str; 7] = ["tls", "source", "destination", "remote_ip", "port", "route", "cluster"];
pub const EXPECT: [&str; 6] = ["action", "rule", "status", "path", "headers", "body"];

/// Status codes of responses.
const STATUS: RangeInclusive<u16> = 200..=599;

impl CaseFile {
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let name = input::name(path);
        let bytes = input::text(path, MAX_BYTES, &format!("larger than {MAX_BYTES} bytes"))?;
        let text = String::from_utf8(bytes).map_err(|_| Failure::Error(format!("{name}: not UTF-8; give YAML")))?;
        Self::parse(&name, &text).map_err(|diagnostic| Failure::Error(diagnostic.in_file(&name)))
    }

    fn parse(name: &str, text: &str) -> Result<Self, Diagnostic> {
        let documents = document::read_all(text, Origin::FILE)?;
        let file = match documents.as_slice() {
            [file] => file,
            [_, second, ..] => return Err(Diagnostic::at(second.position, "second document; give one file for each")),
            [] => return Err(Diagnostic::at(Position { line: 1, column: 1 }, "no cases; add cases")),
        };
        expect_object(file, &FILE)?;
        if let Some(position) = file.ambiguous() {
            return Err(Diagnostic::at(position, "ambiguous YAML 1.1 scalar; quote it"));
        }
        let policy = match file.shared(&["policy"]) {
            None => None,
            Some(policy) if policy.as_text().is_some() => {
                policy.as_text().map(|name| CasePolicy::File(name.to_owned()))
            }
            Some(policy) => Some(CasePolicy::Inline(policy)),
        };
        let cases = file.list(&["cases"]).unwrap_or_default();
        if cases.is_empty() {
            return Err(Diagnostic::at(file.position, "no cases; add a list of them as cases"));
        }
        let cases = cases.iter().map(|case| read_case(case)).collect::<Result<Vec<Case>, Diagnostic>>()?;
        for (index, case) in cases.iter().enumerate() {
            if cases.iter().take(index).any(|other| other.name == case.name) {
                return Err(Diagnostic::at(case.position, "another case has this name; give it its own"));
            }
        }
        Ok(Self { name: name.to_owned(), policy, cases })
    }
}

fn read_case(node: &Node) -> Result<Case, Diagnostic> {
    expect_object(node, &CASE)?;
    let name = as_text(field(node, "name")?)?.to_owned();
    let request = field(node, "request")?;
    let response = node.field("response").map(read_response).transpose()?;
    let expect = field(node, "expect")?;
    let direction = if response.is_some() { Direction::Response } else { Direction::Request };
    let stream =
        StoredStream { request: read_request(request)?, response, web_socket: Vec::new(), protocol: Some("HTTP/1.1") };
    Ok(Case {
        name,
        position: node.position,
        direction,
        stream,
        peers: read_peers(node)?,
        expected: read_expected(expect, direction)?,
    })
}

fn read_request(node: &Node) -> Result<StoredMessage, Diagnostic> {
    expect_object(node, &REQUEST)?;
    let line = [
        (":method", text(node, "method")?.unwrap_or("GET")),
        (":scheme", "https"),
        (":authority", text(node, "host")?.unwrap_or("example.com")),
        (":path", text(node, "path")?.unwrap_or("/")),
    ];
    read_message(node, &line)
}

fn read_response(node: &Node) -> Result<StoredMessage, Diagnostic> {
    expect_object(node, &RESPONSE)?;
    let status = whole(node, "status", STATUS)?.unwrap_or(200);
    read_message(node, &[(":status", &status.to_string())])
}

fn read_message(node: &Node, line: &[(&str, &str)]) -> Result<StoredMessage, Diagnostic> {
    let mut fields: Vec<HeaderPair> =
        line.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    fields.extend(pairs(node, "headers")?);
    let body = match text(node, "body")? {
        None | Some("") => StoredBody::None,
        Some(text) => StoredBody::Whole(text.as_bytes().to_vec()),
    };
    Ok(StoredMessage::new(fields, body))
}

/// Peers of a case. Without them, the client's connection is plaintext and neither side has an identity.
fn read_peers(case: &Node) -> Result<Peers, Diagnostic> {
    let time = match text(case, "date")? {
        None => clock::now(),
        Some(date) => {
            let day = Expiry::parse(date).map(Expiry::start);
            Some(day.ok_or_else(|| Diagnostic::at(case.position, "date: expected a day, such as 2027-03-31"))?)
        }
    };
    let none = || Some(String::new());
    let mut peers = Peers { source: none(), destination: none(), time, ..Peers::default() };
    peers.connection = Some(Connection::Plain);
    let Some(node) = case.field("peer") else { return Ok(peers) };
    expect_object(node, &PEER)?;
    let tls = node.field("tls").map(|tls| word(tls, &TlsArg::words())).transpose()?;
    let identity = |name: &str| match text(node, name)? {
        None => Ok(None),
        Some(id) => {
            spiffe_id(id).map(Some).map_err(|problem| Diagnostic::at(node.position, format!("{name}: {problem}")))
        }
    };
    let source = identity("source")?;
    let tls = tls.or(source.is_none().then_some(TlsArg::None));
    peers.set_client(tls, source).map_err(|problem| Diagnostic::at(node.position, format!("source: {problem}")))?;
    peers.source = peers.source.or_else(none);
    peers.destination = identity("destination")?.or_else(none);
    peers.remote_ip = parsed(node, "remote_ip", "expected an address, such as 10.0.3.7")?;
    peers.port = whole(node, "port", 1..=u16::MAX)?;
    peers.route = text(node, "route")?.map(str::to_owned);
    peers.cluster = text(node, "cluster")?.map(str::to_owned);
    Ok(peers)
}

/// Value of a field in its text form.
fn parsed<T: FromStr>(node: &Node, name: &str, expected: &'static str) -> Result<Option<T>, Diagnostic> {
    let Some(value) = text(node, name)? else { return Ok(None) };
    value.parse().map(Some).map_err(|_| Diagnostic::at(node.position, format!("{name}: {expected}")))
}

fn read_expected(node: &Node, direction: Direction) -> Result<Expected, Diagnostic> {
    expect_object(node, &EXPECT)?;
    if let Some(path) = node.field("path").filter(|_| direction == Direction::Response) {
        return Err(Diagnostic::at(path.position, "a response has no path; remove the field"));
    }
    let actions: Vec<(&str, Outcome)> = Outcome::ALL.iter().map(|outcome| (outcome.as_str(), *outcome)).collect();
    let action = field(node, "action")?;
    let rules = match node.field("rule").map(|rule| (&rule.value, rule)) {
        None => None,
        Some((YamlValue::List(rules), _)) => {
            let names = rules.iter().map(|rule| as_text(rule).map(str::to_owned));
            Some(names.collect::<Result<Vec<String>, Diagnostic>>()?)
        }
        Some((_, rule)) => Some(vec![as_text(rule)?.to_owned()]),
    };
    let owned = |name: &str| Ok(text(node, name)?.map(str::to_owned));
    Ok(Expected {
        action: word(action, &actions)?,
        rules,
        status: whole(node, "status", STATUS)?,
        path: owned("path")?,
        headers: pairs(node, "headers")?,
        body: owned("body")?,
    })
}
