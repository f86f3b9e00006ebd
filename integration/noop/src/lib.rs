//! No-op filter, a baseline of the benchmark: implements every callback with the Rust SDK, without any effect.

use proxy_wasm::traits::{Context, HttpContext};

proxy_wasm::main! {{
    proxy_wasm::set_http_context(|_, _| Box::new(Nothing));
}}

struct Nothing;

impl Context for Nothing {}

impl HttpContext for Nothing {}
