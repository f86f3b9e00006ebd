//! Host that plays a stored stream in place of a proxy.

use super::{HeaderPair, Peers, StoredStream};
use panveil::audit::{Counter, Line};
use panveil::host::{HeaderBlock, HeaderMap, Host, HostError, LocalReply, LogLevel};
use panveil::policy::{Connection, Direction};
use std::collections::BTreeMap;

/// Host for the messages of a stream. Has no `Debug`: it contains traffic.
pub struct StoredHost<'p> {
    peers: &'p Peers,
    /// Bytes of each body that the proxy would hold back or pass now.
    request_body: Vec<u8>,
    response_body: Vec<u8>,
    /// Status of the local reply to a blocked message.
    pub replied: Option<u16>,
    /// Metadata that the filter set for the access log.
    pub metadata: BTreeMap<String, String>,
    request: Vec<HeaderPair>,
    response: Vec<HeaderPair>,
    protocol: Option<&'static str>,
}

impl<'p> StoredHost<'p> {
    pub fn new(stream: &StoredStream, peers: &'p Peers) -> Self {
        Self {
            peers,
            request_body: Vec::new(),
            response_body: Vec::new(),
            replied: None,
            metadata: BTreeMap::new(),
            request: stream.request.fields.clone(),
            response: stream.response.as_ref().map(|response| response.fields.clone()).unwrap_or_default(),
            protocol: stream.protocol,
        }
    }

    /// Bytes of a body that the proxy would hold back or pass now.
    pub fn body_of(&mut self, direction: Direction) -> &mut Vec<u8> {
        match direction {
            Direction::Request => &mut self.request_body,
            Direction::Response => &mut self.response_body,
        }
    }

    /// Takes the headers of a message after the filter.
    pub fn take_headers(&mut self, direction: Direction) -> Vec<HeaderPair> {
        self.fields(HeaderMap::headers_of(direction)).map(std::mem::take).unwrap_or_default()
    }

    /// Headers in `map`. No stored message has trailers.
    fn fields(&mut self, map: HeaderMap) -> Option<&mut Vec<HeaderPair>> {
        match map {
            HeaderMap::RequestHeaders => Some(&mut self.request),
            HeaderMap::ResponseHeaders => Some(&mut self.response),
            HeaderMap::RequestTrailers | HeaderMap::ResponseTrailers => None,
        }
    }

    fn change(&mut self, map: HeaderMap, call: &'static str) -> Result<&mut Vec<HeaderPair>, HostError> {
        self.fields(map).ok_or(HostError { call })
    }
}

impl Host for StoredHost<'_> {
    fn headers(&mut self, map: HeaderMap) -> Result<HeaderBlock, HostError> {
        Ok(HeaderBlock::of_pairs(self.fields(map).map(|fields| fields.as_slice()).unwrap_or_default()))
    }

    fn replace_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), HostError> {
        self.remove_header(map, name)?;
        self.add_header(map, name, value)
    }

    fn add_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), HostError> {
        let [name, value] = [name, value].map(|text| String::from_utf8_lossy(text).into_owned());
        self.change(map, "add_header_map_value")?.push((name, value));
        Ok(())
    }

    fn remove_header(&mut self, map: HeaderMap, name: &[u8]) -> Result<(), HostError> {
        self.change(map, "remove_header_map_value")?.retain(|(other, _)| other.as_bytes() != name);
        Ok(())
    }

    fn body(&mut self, direction: Direction, length: usize) -> Result<Vec<u8>, HostError> {
        let body = self.body_of(direction);
        Ok(body.get(..length).unwrap_or(body).to_vec())
    }

    fn replace_body(&mut self, direction: Direction, _length: usize, bytes: &[u8]) -> Result<(), HostError> {
        *self.body_of(direction) = bytes.to_vec();
        Ok(())
    }

    fn append_body(&mut self, direction: Direction, bytes: &[u8]) -> Result<(), HostError> {
        self.body_of(direction).extend_from_slice(bytes);
        Ok(())
    }

    fn reply(&mut self, reply: &LocalReply) -> Result<(), HostError> {
        self.replied = Some(reply.status);
        Ok(())
    }

    fn time(&mut self) -> Option<u64> {
        self.peers.time
    }

    fn property(&mut self, path: &[&str]) -> Result<Option<Vec<u8>>, HostError> {
        const UNKNOWN: HostError = HostError { call: "get_property" };

        let Peers { connection, source, destination, .. } = self.peers;
        let name = |name: &Option<String>| name.clone().map(|name| Some(name.into_bytes())).ok_or(UNKNOWN);
        match path {
            ["connection", "mtls"] => {
                connection.map(|connection| Some(vec![u8::from(connection == Connection::MutualTls)])).ok_or(UNKNOWN)
            }
            ["connection", "tls_version"] => connection
                .map(|connection| (connection != Connection::Plain).then(|| b"TLSv1.3".to_vec()))
                .ok_or(UNKNOWN),
            ["connection", "uri_san_peer_certificate"] => name(source),
            ["upstream", "uri_san_peer_certificate"] => name(destination),
            ["request", "protocol"] => Ok(self.protocol.map(|protocol| protocol.as_bytes().to_vec())),
            _ => Ok(self.peers.property(path)),
        }
    }

    fn set_metadata(&mut self, key: &str, value: &str) -> Result<(), HostError> {
        self.metadata.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    /// Does nothing: a playback prints the record as text.
    fn set_message(&mut self, _: &str, _: &[u8]) -> Result<(), HostError> {
        Ok(())
    }

    /// Always succeeds: there is no other filter.
    fn claim(&mut self, _key: &str, _value: &str) -> Result<bool, HostError> {
        Ok(true)
    }

    fn count(&mut self, _counter: Counter<'_>, _amount: u64) -> Result<(), HostError> {
        Ok(())
    }

    /// Ignores the line. The filter logs failed calls, which are attributes here that no capture contains.
    fn log(&mut self, _level: LogLevel, _line: &Line<'_>) {}
}
