//! How is Envoy asked?
//!
//! The only caller of the proxy-wasm ABI. The SDK's own functions panic when the host answers anything but "ok", and a
//! panic takes down the virtual machine with every stream in it; these answer a [`HostError`].

#![allow(unsafe_code, reason = "the ABI is a set of foreign functions")]

use super::{HeaderBlock, HeaderMap, Host, HostError, LocalReply, LogLevel};
use crate::audit::{Counter, Line};
use crate::policy::Direction;
use std::cell::RefCell;
use std::ffi::OsString;
use std::ptr::null_mut;
use std::rc::Rc;
use std::time::Duration;

/// Envoy, as the virtual machine sees it. Calls act on the stream whose callback is running.
#[derive(Clone, Debug, Default)]
pub struct EnvoyHost {
    known: Rc<Known>,
}

/// What the host was asked once and need not be asked again.
#[derive(Debug, Default)]
struct Known {
    /// The ids of counters by name, which hold as long as the virtual machine: to ask the host for one costs more than to
    /// move it. There are as many as labels, which come from fixed sets and the policy.
    counters: RefCell<Vec<(String, u32)>>,
    /// Filter state that the host lets nobody set twice.
    set_once: RefCell<Vec<&'static str>>,
}

/// Status codes of the ABI.
const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const BAD_ARGUMENT: u32 = 2;

const PLUGIN_CONFIGURATION: u32 = 7;
const COUNTER: u32 = 0;
const GAUGE: u32 = 1;

/// No gRPC status: Envoy derives it from the HTTP status.
const DERIVED_GRPC_STATUS: i32 = -1;

/// `set_buffer` replaces everything only when it is told a length of at least one.
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
}

impl EnvoyHost {
    /// The plugin's configuration, as the operator wrote it. Only in `on_configure`.
    pub fn configuration(&self, length: usize) -> Result<Vec<u8>, HostError> {
        if length == 0 {
            return Ok(Vec::new());
        }
        buffer(PLUGIN_CONFIGURATION, length)
    }

    /// Asks for a tick every `period`.
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
    /// Has the host refuse to set the filter state `wasm.panveil.<key>` twice in an exchange, so that a
    /// [claim](Host::claim) need not read it. A host that does not know how to is asked each time. Only in `on_configure`.
    pub fn let_claim(&self, key: &'static str) {
        let path = path_of(key);
        let Ok(length) = u8::try_from(path.len()) else { return };
        // Envoy's `DeclarePropertyArguments`: field 1 is the name, field 2 says that it can be set once.
        let arguments = [&[0x0a, length], path.as_bytes(), &[0x10, 1]].concat();
        let (function, mut data, mut len) = ("declare_property", null_mut(), 0);
        // SAFETY: both pointers come with the lengths of live slices, which the host only reads; it writes to two locals that
        // live through the call.
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
        if status == OK {
            self.known.set_once.borrow_mut().push(key);
        }
    }

    /// An environment variable of the virtual machine, as its operator set it.
    pub fn environment(&self, name: &str) -> Option<Vec<u8>> {
        std::env::var_os(name).map(OsString::into_encoded_bytes)
    }
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
        // Envoy appends from any place on that is not in front of the end.
        let (kind, behind) = (body_number(direction), usize::MAX);
        // SAFETY: the pointer comes with the length of a live slice, which the host only reads.
        let status = unsafe { proxy_set_buffer_bytes(kind, behind, 0, bytes.as_ptr(), bytes.len()) };
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
        Ok((!data.is_null()).then(|| owned(data, len)))
    }

    fn set_metadata(&mut self, key: &str, value: &str) -> Result<(), HostError> {
        check(set_property(&path_of(key), value), "set_property")
    }

    fn claim(&mut self, key: &str, value: &str) -> Result<bool, HostError> {
        let path = path_of(key);
        let told = self.known.set_once.borrow().contains(&key);
        if told {
            match set_property(&path, value) {
                // Refused because it is set, unless it is not.
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
        let known = self.known.counters.borrow().iter().find(|(known, _)| *known == name).map(|(_, id)| *id);
        let id = match known {
            Some(id) => id,
            None => {
                let id = metric(COUNTER, &name)?;
                self.known.counters.borrow_mut().push((name, id));
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
        // SAFETY: the pointer comes with the length of a live string. A log that can't be written to is no reason to fail.
        unsafe { proxy_log(level, text.as_ptr(), text.len()) };
    }
}

/// What the names of filter state begin with.
const PREFIX: &str = "panveil.";

fn path_of(key: &str) -> String {
    let mut path = String::with_capacity(PREFIX.len().saturating_add(key.len()));
    path.push_str(PREFIX);
    path.push_str(key);
    path
}

fn set_property(path: &str, value: &str) -> u32 {
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

/// The id of the metric of that name, which the host makes when there is none yet.
fn metric(kind: u32, name: &str) -> Result<u32, HostError> {
    let mut id = 0;
    // SAFETY: the name is a live slice that the host only reads; it writes to a local that lives through the call.
    let status = unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) };
    check(status, "define_metric")?;
    Ok(id)
}

/// Takes over memory that the host had us allocate for its answer.
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
