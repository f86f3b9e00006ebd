//! Host functions of the proxy-wasm ABI (0.2.1), as native symbols.
//!
//! Each converts pointers and results only; [`Host`](crate::host::Host) has the behaviour.

#![allow(unsafe_code, reason = "the ABI is a set of foreign functions")]

use std::ptr::null_mut;

use crate::host::{BAD_ARGUMENT, OK, with};

unsafe extern "C" {
    fn proxy_on_memory_allocate(size: usize) -> *mut u8;
    safe fn proxy_on_log(context: u32);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_log(level: u32, message: *const u8, len: usize) -> u32 {
    with(|host| host.log(level, &read(message, len)))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_set_tick_period_milliseconds(period: u32) -> u32 {
    with(|host| host.set_tick_period(period))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_get_buffer_bytes(kind: u32, start: usize, max: usize, data: *mut *mut u8, len: *mut usize) -> u32 {
    answer(with(|host| host.buffer(kind, start, max)), data, len)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_set_buffer_bytes(kind: u32, start: usize, len: usize, data: *const u8, data_len: usize) -> u32 {
    let status = with(|host| host.set_buffer(kind, start, len, &read(data, data_len)));
    if let Some(context) = with(|host| host.logs_during_set_buffer.take()) {
        proxy_on_log(context);
    }
    status
}

#[unsafe(no_mangle)]
extern "C" fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, len: *mut usize) -> u32 {
    answer(with(|host| host.header_map(map)), data, len)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_replace_header_map_value(
    map: u32,
    key: *const u8,
    key_len: usize,
    value: *const u8,
    value_len: usize,
) -> u32 {
    with(|host| host.replace_header(map, &read(key, key_len), &read(value, value_len)))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_add_header_map_value(
    map: u32,
    key: *const u8,
    key_len: usize,
    value: *const u8,
    value_len: usize,
) -> u32 {
    with(|host| host.add_header(map, &read(key, key_len), &read(value, value_len)))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_remove_header_map_value(map: u32, key: *const u8, key_len: usize) -> u32 {
    with(|host| host.remove_header(map, &read(key, key_len)))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_get_property(path: *const u8, path_len: usize, data: *mut *mut u8, len: *mut usize) -> u32 {
    answer(with(|host| host.property(&read(path, path_len))), data, len)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_set_property(path: *const u8, path_len: usize, value: *const u8, value_len: usize) -> u32 {
    with(|host| host.set_property(&read(path, path_len), &read(value, value_len)))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_send_local_response(
    status: u32,
    details: *const u8,
    details_len: usize,
    body: *const u8,
    body_len: usize,
    headers: *const u8,
    headers_len: usize,
    grpc_status: i32,
) -> u32 {
    let (details, body, headers) = (read(details, details_len), read(body, body_len), read(headers, headers_len));
    with(|host| match grpc_status {
        -1 => host.reply(status, &details, body, &headers),
        _ => host.bad("send_local_response: gRPC status"),
    })
}

#[unsafe(no_mangle)]
extern "C" fn proxy_define_metric(kind: u32, name: *const u8, name_len: usize, id: *mut u32) -> u32 {
    match with(|host| host.define_metric(kind, &read(name, name_len))) {
        Ok(defined) => {
            // SAFETY: the filter passes the address of a number of its own.
            unsafe { id.write(defined) };
            OK
        }
        Err(status) => status,
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_increment_metric(id: u32, offset: i64) -> u32 {
    with(|host| host.increment_metric(id, offset))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_record_metric(id: u32, value: u64) -> u32 {
    with(|host| host.record_metric(id, value))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32 {
    with(|host| match host.time() {
        Some(now) => {
            // SAFETY: panveil passes a pointer to a local.
            unsafe { time.write(now) };
            OK
        }
        None => BAD_ARGUMENT,
    })
}

/// Defines the rest of the ABI, which the SDK refers to and panveil never calls. A C function may ignore its arguments,
/// so these declare none.
macro_rules! never_called {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name() -> u32 {
            with(|host| host.complain(concat!("called ", stringify!($name))));
            BAD_ARGUMENT
        }
    )*};
}

never_called! {
    proxy_get_log_level
    proxy_set_header_map_pairs
    proxy_get_header_map_value
    proxy_get_shared_data
    proxy_set_shared_data
    proxy_register_shared_queue
    proxy_resolve_shared_queue
    proxy_dequeue_shared_queue
    proxy_enqueue_shared_queue
    proxy_continue_stream
    proxy_close_stream
    proxy_http_call
    proxy_grpc_call
    proxy_grpc_stream
    proxy_grpc_send
    proxy_grpc_cancel
    proxy_grpc_close
    proxy_get_status
    proxy_set_effective_context
    proxy_done
    proxy_get_metric
}

#[unsafe(no_mangle)]
extern "C" fn proxy_call_foreign_function(
    name: *const u8,
    name_len: usize,
    arguments: *const u8,
    arguments_len: usize,
    _data: *mut *mut u8,
    _len: *mut usize,
) -> u32 {
    with(|host| host.call_foreign_function(&read(name, name_len), &read(arguments, arguments_len)))
}

/// Bytes that the filter passes to the host.
fn read(data: *const u8, len: usize) -> Vec<u8> {
    if len == 0 {
        return Vec::new();
    }
    // SAFETY: the filter passes the address and the length of a live slice.
    unsafe { std::slice::from_raw_parts(data, len) }.to_vec()
}

/// Passes memory to the filter as Envoy does: allocated by the filter, filled by the host, then owned by the filter. An
/// empty result has no memory.
fn answer(outcome: Result<Vec<u8>, u32>, data: *mut *mut u8, len: *mut usize) -> u32 {
    let bytes = match outcome {
        Ok(bytes) => bytes,
        Err(status) => return status,
    };
    // SAFETY: the SDK allocates as many bytes as it is asked for; the filter passes the addresses of two locals.
    unsafe {
        let memory = if bytes.is_empty() { null_mut() } else { proxy_on_memory_allocate(bytes.len()) };
        if !memory.is_null() {
            memory.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        data.write(memory);
        len.write(bytes.len());
    }
    OK
}
