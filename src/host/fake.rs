//! A host in memory for tests.
//!
//! A test sets up its state and reads it back. It follows Envoy's rules for the callbacks in which a call is valid: headers change
//! only in their own callback, a body only in its own callback or, while a chunk is held back, in the trailers callback.

use super::{HeaderBlock, HeaderMap, Host, HostError, LocalReply, LogLevel};
use crate::audit::{Counter, Line};
use crate::policy::Direction;
use std::collections::BTreeMap;

/// A proxy in memory.
#[derive(Default)]
pub struct FakeHost {
    /// The callback that is running.
    pub phase: Option<Phase>,
    /// The buffered body in the running callback, or `None` if there is none.
    pub body: Option<Vec<u8>>,
    /// The local replies.
    pub replies: Vec<SentReply>,
    /// The filter state `wasm.panveil.*`.
    pub metadata: BTreeMap<String, String>,
    /// The messages in that filter state.
    pub messages: BTreeMap<String, Vec<u8>>,
    /// Counters by their Envoy names.
    pub counters: BTreeMap<String, u64>,
    /// The log lines.
    pub log: Vec<String>,
    /// Properties, by their path joined with dots.
    pub properties: BTreeMap<String, Vec<u8>>,
    /// The properties that were read.
    pub read_properties: Vec<String>,
    /// The time in seconds since 1970, if there is a clock.
    pub time: Option<u64>,
    /// Calls that fail in every callback.
    pub broken: Vec<&'static str>,
    maps: [Vec<Field>; 4],
}

/// A header's name and value.
pub type Field = (Vec<u8>, Vec<u8>);

/// A callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `on_request_headers` or `on_response_headers`.
    Headers(Direction),
    /// `on_request_body` or `on_response_body`.
    Body(Direction),
    /// `on_request_trailers` or `on_response_trailers`.
    Trailers(Direction),
    /// `on_log`.
    Log,
}

/// A local reply and the callback that sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentReply {
    /// The callback that sent it.
    pub phase: Option<Phase>,
    /// The reply.
    pub reply: LocalReply,
}

impl FakeHost {
    /// Fills a header map.
    pub fn set_headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(&mut self, map: HeaderMap, pairs: &[(N, V)]) {
        let pairs = pairs.iter().map(|(name, value)| (name.as_ref().to_vec(), value.as_ref().to_vec()));
        if let Some(slot) = self.maps.get_mut(map as usize) {
            *slot = pairs.collect();
        }
    }

    /// The pairs of a header map.
    pub fn headers_now(&self, map: HeaderMap) -> &[Field] {
        self.maps.get(map as usize).map_or(&[], Vec::as_slice)
    }

    /// The first value of a header, as text.
    pub fn header(&self, map: HeaderMap, name: &str) -> Option<String> {
        let pair = self.headers_now(map).iter().find(|pair| pair.0 == name.as_bytes());
        pair.map(|pair| String::from_utf8_lossy(&pair.1).into_owned())
    }

    fn allow(&self, call: &'static str, allowed: bool) -> Result<(), HostError> {
        if allowed && !self.broken.contains(&call) { Ok(()) } else { Err(HostError { call }) }
    }

    fn change_headers(&mut self, call: &'static str, map: HeaderMap) -> Result<&mut Vec<Field>, HostError> {
        let own = match map {
            HeaderMap::RequestHeaders => Phase::Headers(Direction::Request),
            HeaderMap::ResponseHeaders => Phase::Headers(Direction::Response),
            HeaderMap::RequestTrailers => Phase::Trailers(Direction::Request),
            HeaderMap::ResponseTrailers => Phase::Trailers(Direction::Response),
        };
        self.allow(call, self.phase == Some(own))?;
        self.maps.get_mut(map as usize).ok_or(HostError { call })
    }

    fn touches_body(&self, direction: Direction) -> bool {
        self.phase == Some(Phase::Body(direction))
            || (self.phase == Some(Phase::Trailers(direction)) && self.body.is_some())
    }
}

impl Host for FakeHost {
    fn headers(&mut self, map: HeaderMap) -> Result<HeaderBlock, HostError> {
        self.allow("get_header_map_pairs", true)?;
        Ok(HeaderBlock::of_pairs(self.headers_now(map)))
    }

    fn replace_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), HostError> {
        let pairs = self.change_headers("replace_header_map_value", map)?;
        match pairs.iter().position(|pair| pair.0 == name) {
            Some(first) => {
                let mut index: usize = 0;
                pairs.retain(|pair| {
                    let keep = pair.0 != name || index == first;
                    index = index.saturating_add(1);
                    keep
                });
                if let Some(pair) = pairs.get_mut(first) {
                    pair.1 = value.to_vec();
                }
            }
            None => pairs.push((name.to_vec(), value.to_vec())),
        }
        Ok(())
    }

    fn add_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), HostError> {
        self.change_headers("add_header_map_value", map)?.push((name.to_vec(), value.to_vec()));
        Ok(())
    }

    fn remove_header(&mut self, map: HeaderMap, name: &[u8]) -> Result<(), HostError> {
        self.change_headers("remove_header_map_value", map)?.retain(|pair| pair.0 != name);
        Ok(())
    }

    fn body(&mut self, direction: Direction, length: usize) -> Result<Vec<u8>, HostError> {
        self.allow("get_buffer_bytes", self.touches_body(direction))?;
        let body = self.body.as_deref().unwrap_or_default();
        Ok(body.get(..length).unwrap_or(body).to_vec())
    }

    fn replace_body(&mut self, direction: Direction, length: usize, bytes: &[u8]) -> Result<(), HostError> {
        let whole = length >= self.body.as_ref().map_or(0, Vec::len);
        self.allow("set_buffer_bytes", self.touches_body(direction) && whole)?;
        self.body = Some(bytes.to_vec());
        Ok(())
    }

    fn append_body(&mut self, direction: Direction, bytes: &[u8]) -> Result<(), HostError> {
        self.allow("set_buffer_bytes", self.touches_body(direction))?;
        self.body.get_or_insert_default().extend_from_slice(bytes);
        Ok(())
    }

    fn reply(&mut self, reply: &LocalReply) -> Result<(), HostError> {
        self.allow("send_local_response", self.phase != Some(Phase::Log))?;
        self.replies.push(SentReply { phase: self.phase, reply: reply.clone() });
        Ok(())
    }

    fn property(&mut self, path: &[&str]) -> Result<Option<Vec<u8>>, HostError> {
        self.allow("get_property", true)?;
        let path = path.join(".");
        self.read_properties.push(path.clone());
        // Filter state is a property of the name it was set by.
        let state = path.strip_prefix("panveil.").and_then(|key| self.metadata.get(key));
        Ok(self.properties.get(&path).cloned().or_else(|| state.map(|state| state.clone().into_bytes())))
    }

    fn time(&mut self) -> Option<u64> {
        self.time
    }

    fn set_metadata(&mut self, key: &str, value: &str) -> Result<(), HostError> {
        self.allow("set_property", true)?;
        self.metadata.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    fn set_message(&mut self, key: &str, message: &[u8]) -> Result<(), HostError> {
        self.allow("set_property", true)?;
        self.messages.insert(key.to_owned(), message.to_vec());
        Ok(())
    }

    fn claim(&mut self, key: &str, value: &str) -> Result<bool, HostError> {
        let is_free = !self.metadata.contains_key(key);
        if is_free {
            self.set_metadata(key, value)?;
        }
        Ok(is_free)
    }

    fn count(&mut self, counter: Counter<'_>, amount: u64) -> Result<(), HostError> {
        self.allow("increment_metric", true)?;
        let count = self.counters.entry(counter.name()).or_default();
        *count = count.saturating_add(amount);
        Ok(())
    }

    fn log(&mut self, _level: LogLevel, line: &Line<'_>) {
        self.log.push(line.to_string());
    }
}
