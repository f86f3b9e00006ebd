//! Model of Envoy as a Wasm host, with its rules for the calls that each callback permits.
//!
//! A call that Envoy would reject, or that panveil has no reason for, gets Envoy's status and adds a complaint. A test
//! with complaints fails. A [`Fault`] rejects calls that Envoy would accept, without a complaint.

use std::cell::RefCell;
use std::collections::BTreeMap;

use panveil_integration::proxy::{Callback, Direction, Field, Phase, Reply};

pub const OK: u32 = 0;
pub const NOT_FOUND: u32 = 1;
pub const BAD_ARGUMENT: u32 = 2;

const REQUEST_BODY: u32 = 0;
const RESPONSE_BODY: u32 = 1;
const PLUGIN_CONFIGURATION: u32 = 7;

const COUNTER: u32 = 0;
const GAUGE: u32 = 1;

/// Log levels of panveil: info, warn, error.
const LEVELS: std::ops::RangeInclusive<u32> = 2..=4;
pub const ERROR: u32 = 4;

thread_local! {
    // The SDK's dispatcher is thread-local too, so each thread is a VM with a host of its own.
    static HOST: RefCell<Host> = RefCell::default();
}

/// Calls `ask` with the host of this thread.
pub fn with<T>(ask: impl FnOnce(&mut Host) -> T) -> T {
    HOST.with_borrow_mut(ask)
}

/// Host of one VM.
#[derive(Default)]
pub struct Host {
    /// Policy, during the configuration.
    pub configuration: Option<Vec<u8>>,
    /// Running callback of a stream.
    pub callback: Option<Callback>,
    /// Local reply of the running callback.
    pub reply: Option<Reply>,
    /// All local replies of the VM.
    pub replies: Vec<Reply>,
    /// Available properties during the configuration.
    pub node: BTreeMap<String, Vec<u8>>,
    /// Stream of the running callback, and the filter state that each stream has set.
    pub running: u32,
    states: BTreeMap<(u32, String), Vec<u8>>,
    /// Filter state that is write-once.
    set_once: Vec<String>,
    /// Filter state of the last stream, by name.
    pub properties: BTreeMap<String, String>,
    pub metrics: Vec<Metric>,
    /// Log lines with their levels.
    pub lines: Vec<(u32, String)>,
    pub tick_period: Option<u32>,
    /// Stream whose log Envoy writes while the filter sets a buffer, as for a paused response that exceeds its buffer.
    pub logs_during_set_buffer: Option<u32>,
    /// Forbidden host calls of the filter.
    pub complaints: Vec<String>,
    pub fault: Fault,
    /// Number of host calls.
    pub calls: usize,
}

/// Metric definition.
#[derive(Clone, Debug)]
pub struct Metric {
    pub kind: u32,
    pub name: String,
    pub value: u64,
}

/// Host calls that fail in every callback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    EveryCall,
    /// Every call with this name.
    Call(&'static str),
    /// The call with this number, counted from the first.
    Single(usize),
}

/// Calls that a fault can reject. A failed log call is not observable.
pub const CALLS: [&str; 15] = [
    "set_tick_period_milliseconds",
    "get_buffer_bytes",
    "set_buffer_bytes",
    "get_header_map_pairs",
    "replace_header_map_value",
    "add_header_map_value",
    "remove_header_map_value",
    "get_property",
    "set_property",
    "send_local_response",
    "define_metric",
    "increment_metric",
    "record_metric",
    "get_current_time_nanoseconds",
    "call_foreign_function",
];

impl Host {
    pub fn complain(&mut self, what: impl Into<String>) {
        let phase = self.callback.as_ref().map(|callback| callback.phase);
        self.complaints.push(format!("{} in {phase:?}", what.into()));
    }

    pub fn log(&mut self, level: u32, message: &[u8]) -> u32 {
        if !LEVELS.contains(&level) {
            self.complain(format!("log: level {level}"));
        }
        self.lines.push((level, text(message)));
        OK
    }

    pub fn set_tick_period(&mut self, period: u32) -> u32 {
        if self.refuses("set_tick_period_milliseconds") {
            return BAD_ARGUMENT;
        }
        if self.configuration.is_none() {
            return self.bad("set_tick_period_milliseconds: not while the filter is configured");
        }
        self.tick_period = Some(period);
        OK
    }

    pub fn buffer(&mut self, kind: u32, start: usize, max: usize) -> Result<Vec<u8>, u32> {
        if self.refuses("get_buffer_bytes") {
            return Err(BAD_ARGUMENT);
        }
        let held = match kind {
            PLUGIN_CONFIGURATION => self.configuration.as_ref(),
            _ => {
                self.callback.as_ref().filter(|callback| shows(callback.phase, kind)).and_then(|now| now.body.as_ref())
            }
        };
        let Some(held) = held else {
            self.complain(format!("get_buffer_bytes: no buffer {kind}"));
            return Err(NOT_FOUND);
        };
        let end = start.saturating_add(max).min(held.len());
        Ok(held.get(start..end).unwrap_or_default().to_vec())
    }

    pub fn set_buffer(&mut self, kind: u32, start: usize, len: usize, data: &[u8]) -> u32 {
        if self.refuses("set_buffer_bytes") {
            return BAD_ARGUMENT;
        }
        let shown = self.callback.as_mut().filter(|callback| shows(callback.phase, kind));
        let Some(held) = shown.and_then(|callback| callback.body.as_mut()) else {
            return self.bad(format!("set_buffer_bytes: no buffer {kind}"));
        };
        match (start, len) {
            (0, 0) => *held = [data, held.as_slice()].concat(),
            (0, len) if len >= held.len() => *held = data.to_vec(),
            (start, _) if start >= held.len() => held.extend_from_slice(data),
            _ => {
                return self
                    .bad(format!("set_buffer_bytes: {len} bytes from {start} on, which is an edit in the middle"));
            }
        }
        OK
    }

    pub fn header_map(&mut self, map: u32) -> Result<Vec<u8>, u32> {
        if self.refuses("get_header_map_pairs") {
            return Err(BAD_ARGUMENT);
        }
        let Some(callback) = self.callback.as_ref().filter(|callback| map_of(callback.phase) == Some(map)) else {
            self.complain(format!("get_header_map_pairs: map {map} is empty"));
            return Ok(Vec::new());
        };
        Ok(serialised(&callback.fields))
    }

    pub fn replace_header(&mut self, map: u32, name: &[u8], value: &[u8]) -> u32 {
        self.edit("replace_header_map_value", map, |fields| {
            fields.retain(|field| field.0 != name);
            fields.push((name.to_vec(), value.to_vec()));
        })
    }

    pub fn add_header(&mut self, map: u32, name: &[u8], value: &[u8]) -> u32 {
        self.edit("add_header_map_value", map, |fields| fields.push((name.to_vec(), value.to_vec())))
    }

    pub fn remove_header(&mut self, map: u32, name: &[u8]) -> u32 {
        self.edit("remove_header_map_value", map, |fields| fields.retain(|field| field.0 != name))
    }

    pub fn property(&mut self, path: &[u8]) -> Result<Vec<u8>, u32> {
        if self.refuses("get_property") {
            return Err(BAD_ARGUMENT);
        }
        let path = text(path).replace('\0', ".");
        let told = self.callback.as_ref().map_or(&self.node, |callback| &callback.properties);
        // Filter state has the same name for reading and writing.
        let found = told.get(&path).cloned();
        found.or_else(|| self.states.get(&(self.running, path)).cloned()).ok_or(NOT_FOUND)
    }

    pub fn set_property(&mut self, path: &[u8], value: &[u8]) -> u32 {
        if self.refuses("set_property") {
            return BAD_ARGUMENT;
        }
        let path = text(path);
        if self.callback.is_none() || !path.starts_with("panveil.") {
            return self.bad(format!("set_property: {path}"));
        }
        let state = (self.running, path.clone());
        if self.set_once.contains(&path) && self.states.contains_key(&state) {
            return BAD_ARGUMENT;
        }
        self.states.insert(state, value.to_vec());
        self.properties.insert(path, text(value));
        OK
    }

    pub fn call_foreign_function(&mut self, name: &[u8], arguments: &[u8]) -> u32 {
        if self.refuses("call_foreign_function") {
            return BAD_ARGUMENT;
        }
        let ([0x0a, length, rest @ ..], b"declare_property", Some(_)) = (arguments, name, &self.configuration) else {
            return self.bad(format!("call_foreign_function: {}", text(name)));
        };
        let Some((path, [0x10, 1])) = rest.split_at_checked(usize::from(*length)) else {
            return self.bad("call_foreign_function: what is declared");
        };
        self.set_once.push(text(path));
        OK
    }

    pub fn reply(&mut self, status: u32, details: &[u8], body: Vec<u8>, headers: &[u8]) -> u32 {
        if self.refuses("send_local_response") {
            return BAD_ARGUMENT;
        }
        let phase = self.callback.as_ref().map(|callback| callback.phase);
        let (Ok(status), Some(fields)) = (u16::try_from(status), deserialised(headers)) else {
            return self.bad("send_local_response: status or headers");
        };
        if matches!(phase, None | Some(Phase::Log)) {
            return self.bad("send_local_response");
        }
        let reply = Reply { status, details: text(details), fields, body };
        self.replies.push(reply.clone());
        self.reply = Some(reply);
        OK
    }

    pub fn define_metric(&mut self, kind: u32, name: &[u8]) -> Result<u32, u32> {
        if self.refuses("define_metric") {
            return Err(BAD_ARGUMENT);
        }
        let name = text(name);
        let id = self.metrics.iter().position(|metric| metric.kind == kind && metric.name == name);
        let id = id.unwrap_or_else(|| {
            self.metrics.push(Metric { kind, name, value: 0 });
            self.metrics.len() - 1
        });
        u32::try_from(id).map_err(|_| BAD_ARGUMENT)
    }

    pub fn increment_metric(&mut self, id: u32, offset: i64) -> u32 {
        if self.refuses("increment_metric") {
            return BAD_ARGUMENT;
        }
        let metric = self.metrics.get_mut(id as usize).filter(|metric| metric.kind == COUNTER && offset > 0);
        let Some(metric) = metric else { return self.bad(format!("increment_metric: {id} by {offset}")) };
        metric.value += offset.unsigned_abs();
        OK
    }

    pub fn record_metric(&mut self, id: u32, value: u64) -> u32 {
        if self.refuses("record_metric") {
            return BAD_ARGUMENT;
        }
        let Some(metric) = self.metrics.get_mut(id as usize).filter(|metric| metric.kind == GAUGE) else {
            return self.bad(format!("record_metric: {id}"));
        };
        metric.value = value;
        OK
    }

    /// Time in nanoseconds since 1970: the beginning of 2027.
    pub fn time(&mut self) -> Option<u64> {
        (!self.refuses("get_current_time_nanoseconds")).then_some(1_798_761_600_000_000_000)
    }

    /// Counters with an increase, by their defined names.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        let moved = self.metrics.iter().filter(|metric| metric.kind == COUNTER && metric.value > 0);
        moved.map(|metric| (metric.name.clone(), metric.value)).collect()
    }

    fn edit(&mut self, call: &'static str, map: u32, edit: impl FnOnce(&mut Vec<Field>)) -> u32 {
        if self.refuses(call) {
            return BAD_ARGUMENT;
        }
        let editable = |callback: &&mut Callback| callback.phase != Phase::Log && map_of(callback.phase) == Some(map);
        let Some(callback) = self.callback.as_mut().filter(editable) else {
            return self.bad(format!("{call}: map {map} cannot be edited"));
        };
        edit(&mut callback.fields);
        OK
    }

    pub fn bad(&mut self, what: impl Into<String>) -> u32 {
        self.complain(what);
        BAD_ARGUMENT
    }

    fn refuses(&mut self, call: &'static str) -> bool {
        let number = self.calls;
        self.calls += 1;
        match self.fault {
            Fault::None => false,
            Fault::EveryCall => true,
            Fault::Call(name) => name == call,
            Fault::Single(single) => single == number,
        }
    }
}

/// Header map of a callback.
fn map_of(phase: Phase) -> Option<u32> {
    match phase {
        Phase::Headers(Direction::Request) | Phase::Log => Some(0),
        Phase::Trailers(Direction::Request) => Some(1),
        Phase::Headers(Direction::Response) => Some(2),
        Phase::Trailers(Direction::Response) => Some(3),
        Phase::Body(_) => None,
    }
}

/// Whether this body buffer is available in this callback.
fn shows(phase: Phase, kind: u32) -> bool {
    match phase {
        Phase::Body(direction) | Phase::Trailers(direction) => match direction {
            Direction::Request => kind == REQUEST_BODY,
            Direction::Response => kind == RESPONSE_BODY,
        },
        Phase::Headers(_) | Phase::Log => false,
    }
}

/// Serialized header map: the number of pairs, the lengths of each name and value, then each of them with a NUL.
fn serialised(fields: &[Field]) -> Vec<u8> {
    if fields.is_empty() {
        return Vec::new();
    }
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = number(fields.len()).to_vec();
    for (name, value) in fields {
        bytes.extend(number(name.len()));
        bytes.extend(number(value.len()));
    }
    for (name, value) in fields {
        bytes.extend([name.as_slice(), b"\0", value, b"\0"].concat());
    }
    bytes
}

/// Fields of a serialized header map. `None` when it is malformed.
fn deserialised(bytes: &[u8]) -> Option<Vec<Field>> {
    let number = |at: usize| {
        let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let count = number(0)?;
    let mut at = count.checked_mul(8)?.checked_add(4)?;
    let mut fields = Vec::new();
    for pair in 0..count {
        let mut part = |length: usize| {
            let part = bytes.get(at..at + length)?;
            let nul = bytes.get(at + length)?;
            at += length + 1;
            (*nul == 0).then(|| part.to_vec())
        };
        let name = part(number(4 + pair * 8)?)?;
        fields.push((name, part(number(8 + pair * 8)?)?));
    }
    (at == bytes.len()).then_some(fields)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
