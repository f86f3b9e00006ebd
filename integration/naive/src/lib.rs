//! Naive card filter, a baseline of the benchmark: buffers each body completely, and applies a regular expression to
//! it.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, Bytes, ContextType};
use regex::bytes::{Captures, Regex};

const CARD: &str = r"\b[0-9](?:[ -]?[0-9]){12,18}\b";

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root { card: Rc::new(Regex::new(CARD).expect("a regular expression")) }));
}}

struct Root {
    card: Rc<Regex>,
}

struct Exchange {
    card: Rc<Regex>,
}

impl Context for Root {}

impl RootContext for Root {
    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Exchange { card: Rc::clone(&self.card) }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Context for Exchange {}

impl HttpContext for Exchange {
    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        if !end {
            return Action::Pause;
        }
        if let Some(masked) = self.get_http_request_body(0, size).and_then(|body| self.masked(&body)) {
            self.set_http_request_body(0, size, &masked);
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        if !end {
            return Action::Pause;
        }
        if let Some(masked) = self.get_http_response_body(0, size).and_then(|body| self.masked(&body)) {
            self.set_http_response_body(0, size, &masked);
        }
        Action::Continue
    }
}

impl Exchange {
    /// Body with its card numbers masked. `None` when there are none.
    fn masked(&self, body: &Bytes) -> Option<Vec<u8>> {
        let masked = self.card.replace_all(body, |found: &Captures| mask(&found[0]));
        (masked.as_ref() != body.as_slice()).then(|| masked.into_owned())
    }
}

/// Masks all but the first six and the last four digits of a number that passes Luhn.
fn mask(number: &[u8]) -> Vec<u8> {
    let digits: String = number.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect();
    if !luhn::valid(&digits) {
        return number.to_vec();
    }
    let mut seen = 0;
    let mut hide = |byte: &u8| {
        seen += usize::from(byte.is_ascii_digit());
        let is_hidden = byte.is_ascii_digit() && seen > 6 && seen <= digits.len() - 4;
        if is_hidden { b'*' } else { *byte }
    };
    number.iter().map(&mut hide).collect()
}
