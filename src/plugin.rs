//! Which callback does what? (stage 9 of the flow)
//!
//! The proxy-wasm callbacks, a few lines each. One [`Root`] for each configuration and worker, one [`Stream`] for each
//! exchange.

use crate::audit::{Counter, Counters, Line};
use crate::exchange::{ACTS, Exchange, FilterStatus};
use crate::host::{EnvoyHost, Host, Live, LogLevel};
use crate::policy::{Direction, KEY_VARIABLE, Policy};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};
use std::rc::Rc;
use std::time::Duration;

/// How often the counters of clean traffic go to the host, and a configuration says that it is in force.
const TICK_PERIOD: Duration = Duration::from_secs(1);

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

/// A configured filter.
#[derive(Default)]
struct Root {
    policy: Option<Rc<Policy>>,
    /// The policy does nothing in this namespace.
    left_out: bool,
    counters: Rc<Counters>,
    host: EnvoyHost,
}

/// One exchange, as the host calls it.
struct Stream {
    exchange: Exchange,
    host: EnvoyHost,
    _live: Live,
}

/// An exchange that is left alone: the host is asked for nothing.
struct LeftOut {
    _live: Live,
}

impl Context for Root {
    /// A configuration is given up, once its last stream has ended: no tick follows that would hand over what is left.
    fn on_done(&mut self) -> bool {
        self.flush();
        if !self.left_out {
            self.tell_in_force(false);
        }
        true
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let mut host = self.host.clone();
        let Ok(text) = host.configuration(size) else {
            host.log(LogLevel::Error, &Line::HostCallFailed("get_buffer_bytes"));
            return false;
        };
        let key = host.environment(KEY_VARIABLE);
        let policy = match Policy::parse(&text).and_then(|policy| policy.with_key(key.as_deref())) {
            Ok(policy) => policy,
            Err(error) => {
                host.log(LogLevel::Error, &Line::PolicyRefused(&error));
                return false;
            }
        };
        host.let_claim(ACTS);
        let mode = policy.mode();
        self.left_out = is_left_out(&mut host, &policy);
        self.policy = Some(Rc::new(policy));
        host.log(LogLevel::Info, &Line::PolicyAccepted(mode));
        self.tell_in_force(!self.left_out);
        if let Err(error) = host.set_tick_period(TICK_PERIOD) {
            host.log(LogLevel::Warn, &Line::HostCallFailed(error.call));
        }
        true
    }

    /// Workers and plugins of one mode share a gauge. Whichever ends sets it to 0, and those that live on set it right.
    fn on_tick(&mut self) {
        self.flush();
        if !self.left_out {
            self.tell_in_force(true);
        }
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        let policy = Rc::clone(self.policy.as_ref()?);
        let live = Live::begin(context_id);
        if self.left_out {
            return Some(Box::new(LeftOut { _live: live }));
        }
        let exchange = Exchange::new(policy, Rc::clone(&self.counters));
        Some(Box::new(Stream { exchange, host: self.host.clone(), _live: live }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Root {
    /// Tells whether this version and mode are in force. A configuration that was refused has none.
    fn tell_in_force(&self, in_force: bool) {
        let Some(policy) = &self.policy else { return };
        let mut host = self.host.clone();
        if let Err(error) = host.set_gauge(&Counter::config_info(policy.mode()), u64::from(in_force)) {
            host.log(LogLevel::Warn, &Line::HostCallFailed(error.call));
        }
    }

    fn flush(&self) {
        let mut host = self.host.clone();
        self.counters.drain(|counter, amount| {
            if let Err(error) = host.count(counter, amount) {
                host.log(LogLevel::Warn, &Line::HostCallFailed(error.call));
            }
        });
    }
}

/// Whether the policy does nothing in the namespace that the proxy is in. Where that is not known, it acts.
fn is_left_out(host: &mut EnvoyHost, policy: &Policy) -> bool {
    if !policy.asks_namespace() {
        return false;
    }
    let Ok(Some(namespace)) = host.property(&["xds", "node", "metadata", "NAMESPACE"]) else {
        host.log(LogLevel::Warn, &Line::NamespaceUnknown);
        return false;
    };
    let left_out = !policy.acts_in(&namespace);
    if left_out {
        host.log(LogLevel::Info, &Line::NamespaceLeftOut);
    }
    left_out
}

impl Context for LeftOut {}

impl HttpContext for LeftOut {}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, end: bool) -> Action {
        action(self.exchange.on_headers(&mut self.host, Direction::Request, end))
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        action(self.exchange.on_body(&mut self.host, Direction::Request, size, end))
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        action(self.exchange.on_trailers(&mut self.host, Direction::Request))
    }

    fn on_http_response_headers(&mut self, _count: usize, end: bool) -> Action {
        action(self.exchange.on_headers(&mut self.host, Direction::Response, end))
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        action(self.exchange.on_body(&mut self.host, Direction::Response, size, end))
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        action(self.exchange.on_trailers(&mut self.host, Direction::Response))
    }

    fn on_log(&mut self) {
        self.exchange.on_log(&mut self.host);
    }
}

fn action(flow: FilterStatus) -> Action {
    match flow {
        FilterStatus::Continue => Action::Continue,
        FilterStatus::Pause => Action::Pause,
    }
}
