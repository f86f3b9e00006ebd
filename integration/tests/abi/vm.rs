//! VM of the filter: calls the SDK's entry points in Envoy's order.

#![allow(unsafe_code, reason = "the ABI is a set of foreign functions")]

// Links the filter, whose entry points are referenced only by their symbols.
use panveil as _;

use panveil_integration::observation::from_stat;
use panveil_integration::proxy::{Answer, Callback, Direction, Filter, Phase, Report};

use crate::host::{Host, with};

unsafe extern "C" {
    safe fn _initialize();
    safe fn proxy_on_context_create(context: u32, root: u32);
    safe fn proxy_on_vm_start(root: u32, configuration_size: usize) -> bool;
    safe fn proxy_on_configure(root: u32, configuration_size: usize) -> bool;
    safe fn proxy_on_request_headers(context: u32, count: usize, end: bool) -> u32;
    safe fn proxy_on_request_body(context: u32, size: usize, end: bool) -> u32;
    safe fn proxy_on_request_trailers(context: u32, count: usize) -> u32;
    safe fn proxy_on_response_headers(context: u32, count: usize, end: bool) -> u32;
    safe fn proxy_on_response_body(context: u32, size: usize, end: bool) -> u32;
    safe fn proxy_on_response_trailers(context: u32, count: usize) -> u32;
    safe fn proxy_on_log(context: u32);
    safe fn proxy_on_done(context: u32) -> bool;
    safe fn proxy_on_delete(context: u32);
    safe fn proxy_on_tick(root: u32);
}

const CONTINUE: u32 = 0;
const ROOT: u32 = 1;

/// VM with the filter: the one of the current thread.
pub struct Vm {
    streams: u32,
}

/// Stream in it.
pub struct Stream {
    context: u32,
    /// Direction whose body the host buffers.
    waiting: Option<Direction>,
}

impl Vm {
    /// Starts the filter without a configuration.
    pub fn start() -> Self {
        with(|host| *host = Host::default());
        _initialize();
        proxy_on_context_create(ROOT, 0);
        if !proxy_on_vm_start(ROOT, 0) {
            with(|host| host.complain("vm_start: refused"));
        }
        Self { streams: 0 }
    }

    /// Starts the filter and configures it. `None` when it rejects the policy.
    pub fn under(policy: &str) -> Option<Self> {
        let mut vm = Self::start();
        vm.configure(policy).then_some(vm)
    }

    /// Configures the filter. Returns whether it accepts the policy.
    pub fn configure(&mut self, policy: &str) -> bool {
        with(|host| host.configuration = Some(policy.into()));
        let accepted = proxy_on_configure(ROOT, policy.len());
        with(|host| host.configuration = None);
        accepted
    }

    /// New stream. Clears the results of the last one.
    pub fn stream(&mut self) -> Stream {
        self.streams += 1;
        let context = ROOT + self.streams;
        with(|host| {
            host.properties.clear();
            // Metric ids are valid as long as the VM.
            host.metrics.iter_mut().for_each(|metric| metric.value = 0);
        });
        proxy_on_context_create(context, ROOT);
        Stream { context, waiting: None }
    }

    /// Calls the tick of the filter.
    pub fn tick(&mut self) {
        proxy_on_tick(ROOT);
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        if !proxy_on_done(ROOT) {
            with(|host| host.complain("done: not yet"));
        }
        proxy_on_delete(ROOT);
    }
}

impl Stream {
    /// Stream that the filter does not know.
    pub fn unknown() -> Self {
        Self { context: u32::MAX, waiting: None }
    }

    /// Makes Envoy write the log of this stream during the filter's next change to a body.
    pub fn log_during_set_buffer(&self) {
        with(|host| host.logs_during_set_buffer = Some(self.context));
    }

    /// Ends a stream.
    pub fn end(&self) {
        if !proxy_on_done(self.context) {
            with(|host| host.complain("done: not yet"));
        }
        proxy_on_delete(self.context);
    }
}

impl Filter for Stream {
    fn call(&mut self, callback: &mut Callback) -> Answer {
        let (context, end) = (self.context, callback.end);
        let (count, size) = (callback.fields.len(), callback.body.as_ref().map_or(0, Vec::len));
        with(|host| {
            host.running = context;
            host.callback = Some(callback.clone());
        });
        let action = match callback.phase {
            Phase::Headers(Direction::Request) => proxy_on_request_headers(context, count, end),
            Phase::Body(Direction::Request) => proxy_on_request_body(context, size, end),
            Phase::Trailers(Direction::Request) => proxy_on_request_trailers(context, count),
            Phase::Headers(Direction::Response) => proxy_on_response_headers(context, count, end),
            Phase::Body(Direction::Response) => proxy_on_response_body(context, size, end),
            Phase::Trailers(Direction::Response) => proxy_on_response_trailers(context, count),
            Phase::Log => {
                proxy_on_log(context);
                CONTINUE
            }
        };
        with(|host| {
            let waited = match callback.phase {
                Phase::Body(direction) | Phase::Trailers(direction) => self.waiting == Some(direction),
                Phase::Headers(_) | Phase::Log => false,
            };
            if let Some(edited) = host.callback.take() {
                *callback = edited;
            }
            if waited && callback.body.as_ref().map_or(0, Vec::len) > size {
                host.complain("a chunk grew while it waited, which kills Envoy when its buffer is full");
            }
            let answer = Answer { goes_on: action == CONTINUE, reply: host.reply.take() };
            if let Phase::Body(direction) = callback.phase {
                self.waiting = (!answer.goes_on && answer.reply.is_none()).then_some(direction);
            }
            answer
        })
    }

    fn report(&mut self) -> Report {
        self.end();
        proxy_on_tick(ROOT);
        with(|host| {
            let key = |path: &String| path.strip_prefix("panveil.").unwrap_or(path).to_owned();
            let metadata = host.properties.iter().map(|(path, value)| (key(path), value.clone())).collect();
            let counters = host.counters().into_iter().map(|(name, moved)| (from_stat(&name), moved)).collect();
            Report { metadata, counters }
        })
    }
}
