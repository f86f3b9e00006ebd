//! Guards against callbacks for streams that have ended.
//!
//! Envoy 1.40 can call a filter for a stream that it has destroyed. This happens if ext_proc in FULL_DUPLEX_STREAMED mode delivers
//! the headers and the first bytes of a response together, and a filter sends a local reply at the headers. The SDK panics for an
//! unknown stream, which crashes the Wasm VM, and then Envoy crashes. So the functions here wrap those of the SDK:
//! `scripts/guard-callbacks` gives them the names that the host calls.

#![allow(unsafe_code, reason = "the callbacks are foreign functions")]

use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    /// The ids of the streams that the host has started and not ended.
    static LIVE: RefCell<BTreeSet<u32>> = const { RefCell::new(BTreeSet::new()) };
}

/// A guard that marks a stream as live until it is dropped. Callbacks for other streams do not reach the SDK.
#[derive(Debug)]
pub struct Live(u32);

impl Live {
    /// Marks the stream with this id as live.
    pub fn begin(id: u32) -> Self {
        LIVE.with_borrow_mut(|live| live.insert(id));
        Self(id)
    }

    #[cfg(any(target_arch = "wasm32", test))]
    fn includes(id: u32) -> bool {
        LIVE.with_borrow(|live| live.contains(&id))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // In native tests a thread may drop the ids before its streams. No callback follows then.
        LIVE.try_with(|live| live.borrow_mut().remove(&self.0)).unwrap_or_default();
    }
}

#[cfg(target_arch = "wasm32")]
mod guarded {
    use super::Live;

    /// The return value that stops iteration.
    const PAUSE: u32 = 1;

    macro_rules! guard {
        ($($name:ident in front of $sdk:ident($($argument:ident: $type:ty),*);)*) => {
            unsafe extern "C" {
                $(fn $sdk(id: u32, $($argument: $type),*) -> u32;)*
            }
            $(
                #[unsafe(no_mangle)]
                extern "C" fn $name(id: u32, $($argument: $type),*) -> u32 {
                    if !Live::includes(id) {
                        return PAUSE;
                    }
                    // SAFETY: the SDK defines it with these types, and none of its arguments is a pointer.
                    unsafe { $sdk(id, $($argument),*) }
                }
            )*
        };
    }

    guard! {
        guarded_on_request_headers in front of proxy_on_request_headers(count: usize, end: bool);
        guarded_on_request_body in front of proxy_on_request_body(size: usize, end: bool);
        guarded_on_request_trailers in front of proxy_on_request_trailers(count: usize);
        guarded_on_response_headers in front of proxy_on_response_headers(count: usize, end: bool);
        guarded_on_response_body in front of proxy_on_response_body(size: usize, end: bool);
        guarded_on_response_trailers in front of proxy_on_response_trailers(count: usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_live_from_begin_to_drop() {
        let (first, second) = (Live::begin(7), Live::begin(9));
        assert!(Live::includes(7) && Live::includes(9) && !Live::includes(8));
        drop(first);
        assert!(!Live::includes(7) && Live::includes(9));
        drop(second);
        assert!(!Live::includes(9));
    }
}
