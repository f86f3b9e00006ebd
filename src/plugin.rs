//! Entry points of the proxy-wasm ABI (stage 9 of the flow).
//!
//! Each callback is a few lines. There is one [`Root`] for each configuration and worker, and one [`Stream`] for each HTTP stream.

use crate::audit::{Counter, Counters, Line, RECORD_OBJECT_TYPE};
use crate::exchange::{ACTS, Exchange, FilterStatus};
use crate::host::{EnvoyHost, Host, Live, LogLevel};
use crate::policy::{Direction, KEY_VARIABLE, LogKey, Policy};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};
use std::rc::Rc;
use std::time::Duration;

/// The interval at which the counters of clean traffic are sent to the host and the gauge of the active configuration is set.
const TICK_PERIOD: Duration = Duration::from_secs(1);

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

/// A configured filter.
#[derive(Default)]
struct Root {
    policy: Option<Rc<Policy>>,
    /// True if the policy excludes the namespace of this proxy.
    excluded: bool,
    counters: Rc<Counters>,
    host: EnvoyHost,
}

/// The callbacks of one HTTP stream.
struct Stream {
    exchange: Exchange,
    host: EnvoyHost,
    _live: Live,
}

/// A stream in an excluded namespace. It makes no host calls.
struct ExcludedStream {
    _live: Live,
}

impl Context for Root {
    /// The end of a configuration, after its last stream. No tick follows, so the remaining counts are sent here.
    fn on_done(&mut self) -> bool {
        self.flush();
        if !self.excluded {
            self.report_active(false);
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
                host.log(LogLevel::Error, &Line::PolicyRejected(&error));
                return false;
            }
        };
        host.declare_set_once(ACTS);
        if policy.publishes(LogKey::RecordObject) {
            host.declare_message(LogKey::RecordObject.as_str(), RECORD_OBJECT_TYPE);
        }
        let mode = policy.mode();
        self.excluded = is_excluded(&mut host, &policy);
        self.policy = Some(Rc::new(policy));
        host.log(LogLevel::Info, &Line::PolicyAccepted(mode));
        self.report_active(!self.excluded);
        if let Err(error) = host.set_tick_period(TICK_PERIOD) {
            host.log(LogLevel::Warn, &Line::HostCallFailed(error.call));
        }
        true
    }

    /// Workers and plugins of one mode share a gauge. Each that ends sets it to 0, and the remaining ones restore it here.
    fn on_tick(&mut self) {
        self.flush();
        if !self.excluded {
            self.report_active(true);
        }
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        let policy = Rc::clone(self.policy.as_ref()?);
        let live = Live::begin(context_id);
        if self.excluded {
            return Some(Box::new(ExcludedStream { _live: live }));
        }
        let exchange = Exchange::new(policy, Rc::clone(&self.counters));
        Some(Box::new(Stream { exchange, host: self.host.clone(), _live: live }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Root {
    /// Sets the gauge of this version and mode. A rejected configuration has none.
    fn report_active(&self, active: bool) {
        let Some(policy) = &self.policy else { return };
        let mut host = self.host.clone();
        let expiry =
            policy.first_expiry().map(|expiry| (Counter::RULE_EXPIRY.to_owned(), if active { expiry } else { 0 }));
        let gauges = [Some((Counter::config_info(policy.mode()), u64::from(active))), expiry];
        for (gauge, value) in gauges.into_iter().flatten() {
            if let Err(error) = host.set_gauge(&gauge, value) {
                host.log(LogLevel::Warn, &Line::HostCallFailed(error.call));
            }
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

/// True if the policy excludes the namespace of this proxy. An unknown namespace is included.
fn is_excluded(host: &mut EnvoyHost, policy: &Policy) -> bool {
    if !policy.asks_namespace() {
        return false;
    }
    let namespace = host.property(&["xds", "node", "metadata", "NAMESPACE"]).ok().flatten();
    let Some(namespace) = namespace.filter(|namespace| !namespace.is_empty()) else {
        host.log(LogLevel::Warn, &Line::NamespaceUnknown);
        return false;
    };
    let excluded = !policy.acts_in(&namespace);
    if excluded {
        host.log(LogLevel::Info, &Line::NamespaceExcluded);
    }
    excluded
}

impl Context for ExcludedStream {}

impl HttpContext for ExcludedStream {}

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
