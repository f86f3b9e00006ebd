//! Filter of this tier: a stream on the host in memory.

use std::rc::Rc;

use anyhow::{Result, anyhow};
use panveil::audit::Counters;
use panveil::exchange::{Exchange, FilterStatus};
use panveil::host::{self, FakeHost, Field, HeaderMap, Host};
use panveil::policy::{self, Policy};
use panveil_integration::observation::from_stat;
use panveil_integration::proxy::{Answer, Callback, Direction, Filter, Phase, Reply, Report};

/// Stream and its host.
pub struct OnFakeHost {
    pub host: FakeHost,
    exchange: Exchange,
    counters: Rc<Counters>,
}

const MAPS: [HeaderMap; 4] =
    [HeaderMap::RequestHeaders, HeaderMap::RequestTrailers, HeaderMap::ResponseHeaders, HeaderMap::ResponseTrailers];

impl OnFakeHost {
    pub fn under(policy: &str) -> Result<Self> {
        let policy = Policy::parse(policy.as_bytes()).map_err(|error| anyhow!("policy: {error}"))?;
        let counters = Rc::new(Counters::default());
        let exchange = Exchange::new(Rc::new(policy), Rc::clone(&counters));
        Ok(Self { host: FakeHost::default(), exchange, counters })
    }

    /// All output of panveil, by location.
    pub fn told(&self) -> Vec<(String, Vec<u8>)> {
        let host = &self.host;
        let lines = host.log.iter().map(|line| ("log".to_owned(), line.clone()));
        let counters = host.counters.keys().map(|name| ("counter".to_owned(), name.clone()));
        let metadata = host.metadata.iter().map(|(key, value)| (format!("metadata {key}"), value.clone()));
        let replies = host.replies.iter().map(|sent| ("local reply".to_owned(), sent.reply.body.clone()));
        let all = lines.chain(counters).chain(metadata).chain(replies);
        all.map(|(place, text)| (place, text.into_bytes())).collect()
    }

    fn run(&mut self, callback: &Callback) -> FilterStatus {
        let size = self.host.body.as_ref().map_or(0, Vec::len);
        match callback.phase {
            Phase::Headers(direction) => self.exchange.on_headers(&mut self.host, of(direction), callback.end),
            Phase::Body(direction) => self.exchange.on_body(&mut self.host, of(direction), size, callback.end),
            Phase::Trailers(direction) => self.exchange.on_trailers(&mut self.host, of(direction)),
            Phase::Log => {
                self.exchange.on_log(&mut self.host);
                FilterStatus::Continue
            }
        }
    }
}

impl Filter for OnFakeHost {
    fn call(&mut self, callback: &mut Callback) -> Answer {
        for map in MAPS {
            self.host.set_headers::<Vec<u8>, Vec<u8>>(map, &[]);
        }
        let map = map_of(callback.phase);
        if let Some(map) = map {
            self.host.set_headers(map, &callback.fields);
        }
        self.host.phase = Some(phase_of(callback.phase));
        self.host.properties = callback.properties.clone();
        self.host.body = callback.body.take();
        let replies = self.host.replies.len();
        let flow = self.run(callback);
        callback.body = self.host.body.take();
        if let Some(map) = map {
            callback.fields = self.host.headers_now(map).to_vec();
        }
        let reply = self.host.replies.get(replies..).and_then(<[_]>::last).map(|sent| {
            let content_type: Field = (b"content-type".to_vec(), sent.reply.content_type.into());
            Reply {
                status: sent.reply.status,
                details: sent.reply.details.to_owned(),
                fields: vec![content_type],
                body: sent.reply.body.clone().into_bytes(),
            }
        });
        Answer { goes_on: flow == FilterStatus::Continue, reply }
    }

    fn report(&mut self) -> Report {
        self.counters.drain(|counter, amount| {
            let _ = self.host.count(counter, amount);
        });
        let counters = self.host.counters.iter().map(|(name, moved)| (from_stat(name), *moved)).collect();
        Report { metadata: self.host.metadata.clone(), counters }
    }
}

fn of(direction: Direction) -> policy::Direction {
    match direction {
        Direction::Request => policy::Direction::Request,
        Direction::Response => policy::Direction::Response,
    }
}

fn phase_of(phase: Phase) -> host::Phase {
    match phase {
        Phase::Headers(direction) => host::Phase::Headers(of(direction)),
        Phase::Body(direction) => host::Phase::Body(of(direction)),
        Phase::Trailers(direction) => host::Phase::Trailers(of(direction)),
        Phase::Log => host::Phase::Log,
    }
}

/// Header map that a callback can read.
fn map_of(phase: Phase) -> Option<HeaderMap> {
    match phase {
        Phase::Headers(direction) => Some(HeaderMap::headers_of(of(direction))),
        Phase::Trailers(direction) => Some(HeaderMap::trailers_of(of(direction))),
        Phase::Log => Some(HeaderMap::RequestHeaders),
        Phase::Body(_) => None,
    }
}
