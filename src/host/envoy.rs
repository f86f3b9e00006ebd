//! Host calls to Envoy through the proxy-wasm ABI.
//!
//! The functions of the SDK panic on an error status, and a panic crashes the Wasm VM with all its streams. The functions here
//! return a [`HostError`] instead.

#![allow(unsafe_code, reason = "the ABI is a set of foreign functions")]

use super::{HeaderBlock, HeaderMap, Host, HostError, LocalReply, LogLevel};
use crate::audit::{Counter, Line};
use crate::policy::Direction;
use std::cell::RefCell;
use std::ffi::OsString;
use std::ptr::null_mut;
use std::rc::Rc;
use std::time::Duration;

/// The Envoy that runs this Wasm VM. Calls act on the stream whose callback is running.
#[derive(Clone, Debug, Default)]
pub struct EnvoyHost {
    cache: Rc<Cache>,
}

/// Results of host calls that stay valid for the life of the Wasm VM.
#[derive(Debug, Default)]
struct Cache {
    /// The ids of counters by name. To define a counter costs more than to increment it. Their number is bounded, because labels
    /// come from fixed sets and from the policy.
    counters: RefCell<Vec<(String, u32)>>,
    /// The keys of filter state that the host accepts only once per stream.
    set_once: RefCell<Vec<&'static str>>,
}

/// Status codes of the ABI.
const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const BAD_ARGUMENT: u32 = 2;

const PLUGIN_CONFIGURATION: u32 = 7;
const COUNTER: u32 = 0;
const GAUGE: u32 = 1;

/// The value that makes Envoy derive the gRPC status from the HTTP status.
const DERIVED_GRPC_STATUS: i32 = -1;

/// The least length with which `set_buffer` replaces the buffer.
const AT_LEAST_ONE: usize = 1;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, message: *const u8, message_len: usize) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_get_buffer_bytes(kind: u32, start: usize, max: usize, data: *mut *mut u8, len: *mut usize) -> u32;
    fn proxy_set_buffer_bytes(kind: u32, start: usize, len: usize, data: *const u8, data_len: usize) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, len: *mut usize) -> u32;
    fn proxy_replace_header_map_value(map: u32, key: *const u8, key_len: usize, data: *const u8, len: usize) -> u32;
    fn proxy_add_header_map_value(map: u32, key: *const u8, key_len: usize, data: *const u8, len: usize) -> u32;
    fn proxy_remove_header_map_value(map: u32, key: *const u8, key_len: usize) -> u32;
    fn proxy_get_property(path: *const u8, path_len: usize, data: *mut *mut u8, len: *mut usize) -> u32;
    fn proxy_set_property(path: *const u8, path_len: usize, data: *const u8, len: usize) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_len: usize,
        body: *const u8,
        body_len: usize,
        headers: *const u8,
        headers_len: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_len: usize,
        arguments: *const u8,
        arguments_len: usize,
        data: *mut *mut u8,
        len: *mut usize,
    ) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_len: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
}

const NANOSECONDS_OF_SECOND: u64 = 1_000_000_000;

impl EnvoyHost {
    /// Returns the plugin's configuration, the text of the policy. Valid in `on_configure` only.
    pub fn configuration(&self, length: usize) -> Result<Vec<u8>, HostError> {
        if length == 0 {
            return Ok(Vec::new());
        }
        buffer(PLUGIN_CONFIGURATION, length)
    }

    /// Makes the host call `on_tick` every `period`.
    pub fn set_tick_period(&self, period: Duration) -> Result<(), HostError> {
        let milliseconds = u32::try_from(period.as_millis()).unwrap_or(u32::MAX);
        // SAFETY: passes a number.
        let status = unsafe { proxy_set_tick_period_milliseconds(milliseconds) };
        check(status, "set_tick_period_milliseconds")
    }

    /// Sets a gauge.
    pub fn set_gauge(&self, name: &str, value: u64) -> Result<(), HostError> {
        let id = metric(GAUGE, name)?;
        // SAFETY: passes numbers.
        check(unsafe { proxy_record_metric(id, value) }, "record_metric")
    }
}

impl EnvoyHost {
    /// Makes the host reject a second write of the filter state `wasm.panveil.<key>` in a stream, so that a [claim](Host::claim)
    /// need not read it first. A host without this function is read before each claim. Valid in `on_configure` only.
    pub fn declare_set_once(&self, key: &'static str) {
        // Field 2 says that it can be set once.
        if declare(key, &[0x10, 1]) == OK {
            self.cache.set_once.borrow_mut().push(key);
        }
    }

    /// Declares that the filter state `wasm.panveil.<key>` is a protobuf message of this type. Valid in `on_configure` only.
    pub fn declare_message(&self, key: &str, type_url: &str) {
        let Ok(length) = u8::try_from(type_url.len()) else { return };
        // Field 3 is the kind of the value, a protobuf message, and field 4 its type. A second declaration of a key has no effect.
        declare(key, &[&[0x18, 3, 0x22, length], type_url.as_bytes()].concat());
    }

    /// Returns an environment variable of the Wasm VM.
    pub fn environment(&self, name: &str) -> Option<Vec<u8>> {
        std::env::var_os(name).map(OsString::into_encoded_bytes)
    }
}

/// Declares a key of filter state, with these fields of Envoy's `DeclarePropertyArguments` behind the first one, the name.
fn declare(key: &str, fields: &[u8]) -> u32 {
    let path = path_of(key);
    let Ok(length) = u8::try_from(path.len()) else { return BAD_ARGUMENT };
    let arguments = [&[0x0a, length], path.as_bytes(), fields].concat();
    let (function, mut data, mut len) = ("declare_property", null_mut(), 0);
    // SAFETY: both pointers come with the lengths of live slices, which the host only reads; it writes to two locals that live
    // through the call.
    let status = unsafe {
        proxy_call_foreign_function(
            function.as_ptr(),
            function.len(),
            arguments.as_ptr(),
            arguments.len(),
            &raw mut data,
            &raw mut len,
        )
    };
    drop(owned(data, len));
    status
}

impl Host for EnvoyHost {
    fn headers(&mut self, map: HeaderMap) -> Result<HeaderBlock, HostError> {
        let (mut data, mut len) = (null_mut(), 0);
        // SAFETY: the host writes a pointer and a length to two locals that live through the call.
        let status = unsafe { proxy_get_header_map_pairs(map_number(map), &raw mut data, &raw mut len) };
        check(status, "get_header_map_pairs")?;
        Ok(HeaderBlock::new(owned(data, len)))
    }

    fn replace_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), HostError> {
        let (map, key, data) = (map_number(map), name.as_ptr(), value.as_ptr());
        // SAFETY: both pointers come with the lengths of live slices, which the host only reads.
        let status = unsafe { proxy_replace_header_map_value(map, key, name.len(), data, value.len()) };
        check(status, "replace_header_map_value")
    }

    fn add_header(&mut self, map: HeaderMap, name: &[u8], value: &[u8]) -> Result<(), HostError> {
        let (map, key, data) = (map_number(map), name.as_ptr(), value.as_ptr());
        // SAFETY: both pointers come with the lengths of live slices, which the host only reads.
        let status = unsafe { proxy_add_header_map_value(map, key, name.len(), data, value.len()) };
        check(status, "add_header_map_value")
    }

    fn remove_header(&mut self, map: HeaderMap, name: &[u8]) -> Result<(), HostError> {
        // SAFETY: the pointer comes with the length of a live slice, which the host only reads.
        let status = unsafe { proxy_remove_header_map_value(map_number(map), name.as_ptr(), name.len()) };
        check(status, "remove_header_map_value")
    }

    fn body(&mut self, direction: Direction, length: usize) -> Result<Vec<u8>, HostError> {
        buffer(body_number(direction), length)
    }

    fn replace_body(&mut self, direction: Direction, length: usize, bytes: &[u8]) -> Result<(), HostError> {
        let (kind, length) = (body_number(direction), length.max(AT_LEAST_ONE));
        // SAFETY: the pointer comes with the length of a live slice, which the host only reads.
        let status = unsafe { proxy_set_buffer_bytes(kind, 0, length, bytes.as_ptr(), bytes.len()) };
        check(status, "set_buffer_bytes")
    }

    fn append_body(&mut self, direction: Direction, bytes: &[u8]) -> Result<(), HostError> {
        // Envoy appends if the start is at or beyond the end of the buffer.
        let (kind, start) = (body_number(direction), usize::MAX);
        // SAFETY: the pointer comes with the length of a live slice, which the host only reads.
        let status = unsafe { proxy_set_buffer_bytes(kind, start, 0, bytes.as_ptr(), bytes.len()) };
        check(status, "set_buffer_bytes")
    }

    fn reply(&mut self, reply: &LocalReply) -> Result<(), HostError> {
        let headers = HeaderBlock::of_pairs(&[("content-type", reply.content_type)]);
        let (details, body, headers) = (reply.details.as_bytes(), reply.body.as_bytes(), headers.bytes());
        // SAFETY: each pointer comes with the length of a live slice, which the host only reads.
        let status = unsafe {
            proxy_send_local_response(
                u32::from(reply.status),
                details.as_ptr(),
                details.len(),
                body.as_ptr(),
                body.len(),
                headers.as_ptr(),
                headers.len(),
                DERIVED_GRPC_STATUS,
            )
        };
        check(status, "send_local_response")
    }

    fn property(&mut self, path: &[&str]) -> Result<Option<Vec<u8>>, HostError> {
        let path = path.join("\0");
        let (mut data, mut len) = (null_mut(), 0);
        // SAFETY: the path is a live slice that the host only reads; it writes to two locals that live through the call.
        let status = unsafe { proxy_get_property(path.as_ptr(), path.len(), &raw mut data, &raw mut len) };
        if status == NOT_FOUND {
            return Ok(None);
        }
        check(status, "get_property")?;
        // An empty value has no allocation.
        Ok(Some(if data.is_null() { Vec::new() } else { owned(data, len) }))
    }

    fn time(&mut self) -> Option<u64> {
        let mut nanoseconds: u64 = 0;
        // SAFETY: the host writes a number to a local that lives through the call.
        let status = unsafe { proxy_get_current_time_nanoseconds(&raw mut nanoseconds) };
        (status == OK).then_some(nanoseconds / NANOSECONDS_OF_SECOND)
    }

    fn set_metadata(&mut self, key: &str, value: &str) -> Result<(), HostError> {
        check(set_property(&path_of(key), value.as_bytes()), "set_property")
    }

    fn set_message(&mut self, key: &str, message: &[u8]) -> Result<(), HostError> {
        check(set_property(&path_of(key), message), "set_property")
    }

    fn claim(&mut self, key: &str, value: &str) -> Result<bool, HostError> {
        let path = path_of(key);
        let is_declared = self.cache.set_once.borrow().contains(&key);
        if is_declared {
            match set_property(&path, value.as_bytes()) {
                // `BadArgument` means "already set" only if reading it back finds a value.
                BAD_ARGUMENT if self.property(&[&path])?.is_some() => return Ok(false),
                status => return check(status, "set_property").map(|()| true),
            }
        }
        let is_free = self.property(&[&path])?.is_none();
        if is_free {
            self.set_metadata(key, value)?;
        }
        Ok(is_free)
    }

    fn count(&mut self, counter: Counter<'_>, amount: u64) -> Result<(), HostError> {
        let name = counter.name();
        let cached = self.cache.counters.borrow().iter().find(|(cached, _)| *cached == name).map(|(_, id)| *id);
        let id = match cached {
            Some(id) => id,
            None => {
                let id = metric(COUNTER, &name)?;
                self.cache.counters.borrow_mut().push((name, id));
                id
            }
        };
        // SAFETY: passes numbers.
        let status = unsafe { proxy_increment_metric(id, i64::try_from(amount).unwrap_or(i64::MAX)) };
        check(status, "increment_metric")
    }

    fn log(&mut self, level: LogLevel, line: &Line<'_>) {
        let text = line.to_string();
        let level = match level {
            LogLevel::Info => 2,
            LogLevel::Warn => 3,
            LogLevel::Error => 4,
        };
        // SAFETY: the pointer comes with the length of a live string. A failed write to the log is ignored.
        unsafe { proxy_log(level, text.as_ptr(), text.len()) };
    }
}

/// The prefix of the names of filter state.
const PREFIX: &str = "panveil.";

fn path_of(key: &str) -> String {
    let mut path = String::with_capacity(PREFIX.len().saturating_add(key.len()));
    path.push_str(PREFIX);
    path.push_str(key);
    path
}

fn set_property(path: &str, value: &[u8]) -> u32 {
    // SAFETY: both pointers come with the lengths of live slices, which the host only reads.
    unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) }
}

fn map_number(map: HeaderMap) -> u32 {
    match map {
        HeaderMap::RequestHeaders => 0,
        HeaderMap::RequestTrailers => 1,
        HeaderMap::ResponseHeaders => 2,
        HeaderMap::ResponseTrailers => 3,
    }
}

fn body_number(direction: Direction) -> u32 {
    match direction {
        Direction::Request => 0,
        Direction::Response => 1,
    }
}

fn buffer(kind: u32, length: usize) -> Result<Vec<u8>, HostError> {
    let (mut data, mut len) = (null_mut(), 0);
    // SAFETY: the host writes a pointer and a length to two locals that live through the call.
    let status = unsafe { proxy_get_buffer_bytes(kind, 0, length, &raw mut data, &raw mut len) };
    check(status, "get_buffer_bytes")?;
    Ok(owned(data, len))
}

/// Returns the id of the metric of that name. The host defines it if it does not exist.
fn metric(kind: u32, name: &str) -> Result<u32, HostError> {
    let mut id = 0;
    // SAFETY: the name is a live slice that the host only reads; it writes to a local that lives through the call.
    let status = unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) };
    check(status, "define_metric")?;
    Ok(id)
}

/// Takes ownership of memory that the host allocated through the SDK for its result.
fn owned(data: *mut u8, len: usize) -> Vec<u8> {
    if data.is_null() {
        return Vec::new();
    }
    // SAFETY: the host gets such memory from the SDK's `proxy_on_memory_allocate` alone, which leaks a `Vec<u8>` with a
    // capacity of exactly the size asked for; the host asks for `len`, fills it, and hands it over once.
    unsafe { Vec::from_raw_parts(data, len, len) }
}

fn check(status: u32, call: &'static str) -> Result<(), HostError> {
    if status == OK { Ok(()) } else { Err(HostError { call }) }
}
