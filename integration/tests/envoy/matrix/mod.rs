//! Matrix of bodies and protocols: every protocol on both sides, every end marker, both directions, small and default
//! buffers, every kind of position and cut of a card number. Each cell is compared with the same stream without
//! panveil.

mod body;
mod cell;
mod limit;
mod oracle;
mod origin;
mod outcome;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use panveil_integration::client::Client;
use panveil_integration::envoy::{Envoy, Filter, Settings};
use panveil_integration::observation::ReceivedResponse;
use panveil_integration::sidecar::Build;
use panveil_integration::silence::leaks;
use panveil_integration::upstream::{Script, Upstream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::body::CARD;
use self::cell::{Cell, Direction, End};
use self::limit::Completion;
use self::oracle::subjects;
use self::origin::Origin;
use self::outcome::{Outcome, Outcomes, wrong};
use crate::trial::trial;

/// Buffer limit of edge proxies and Envoy Gateway.
const SMALL_BUFFER: u32 = 32 << 10;
/// Concurrent streams.
const AT_ONCE: usize = 24;

/// Configuration of the Envoy that all cells of a trial share.
#[derive(Clone, Copy)]
pub struct Way {
    pub direction: Direction,
    pub service_http2: bool,
    pub buffer_limit: Option<u32>,
    pub http1_trailers: bool,
}

pub fn trials(build: &Build) -> Vec<Trial> {
    let mut ways = Vec::new();
    for direction in [Direction::Request, Direction::Response] {
        for service_http2 in [false, true] {
            for buffer_limit in [None, Some(SMALL_BUFFER)] {
                ways.push(Way { direction, service_http2, buffer_limit, http1_trailers: true });
            }
        }
        // Envoy's default, which drops the trailers of HTTP/1.1.
        ways.push(Way { direction, service_http2: false, buffer_limit: None, http1_trailers: false });
    }
    let of_way = |way: Way| {
        let build = build.clone();
        trial(format!("matrix::{}", way.name()), move || run(build, way))
    };
    ways.into_iter().map(of_way).collect()
}

impl Way {
    pub fn name(self) -> String {
        let direction = match self.direction {
            Direction::Request => "request",
            Direction::Response => "response",
        };
        let service = if self.service_http2 { "http2" } else { "http1" };
        let buffers = if self.buffer_limit.is_some() { "small_buffers" } else { "default_buffers" };
        let trailers = if self.http1_trailers { "" } else { "::http1_trailers_dropped" };
        format!("{direction}::service_{service}::{buffers}{trailers}")
    }

    fn cells(self) -> Result<Vec<Cell>> {
        let mut cells = Vec::new();
        for subject in subjects()? {
            for client_http2 in [false, true] {
                for end in End::ALL {
                    if end.exists(self.direction, self.sender_http2(client_http2)) {
                        cells.push(Cell { client_http2, end, subject: Arc::clone(subject) });
                    }
                }
            }
        }
        Ok(cells)
    }

    pub fn sender_http2(self, client_http2: bool) -> bool {
        match self.direction {
            Direction::Request => client_http2,
            Direction::Response => self.service_http2,
        }
    }

    fn settings(self, filter: Filter) -> Settings {
        Settings {
            service_http2: self.service_http2,
            buffer_limit: self.buffer_limit,
            http1_trailers: self.http1_trailers,
            ..Settings::new(filter, ([127, 0, 0, 1], 0).into())
        }
    }
}

async fn run(build: Build, way: Way) -> Result<()> {
    let cells = way.cells()?;
    let (without, _) = outcomes(&build, way.settings(Filter::None), way.direction, &cells).await?;
    let panveil = Filter::Panveil { module: build.module.clone(), policy: "{}".to_owned() };
    let (with, envoy) = outcomes(&build, way.settings(panveil), way.direction, &cells).await?;
    let mut told = Vec::new();
    for cell in &cells {
        let path = cell.path();
        let with = with.get(&path).with_context(|| format!("{path}: no outcome"))?;
        let without = without.get(&path).with_context(|| format!("{path}: no outcome without panveil"))?;
        let cut = match limit::completion(way, cell) {
            Completion::Whole => false,
            Completion::WholeOrCut => limit::is_cut(with),
            Completion::Cut => true,
        };
        let differences =
            if cut { limit::wrong(cell, way.direction, with) } else { wrong(cell, way.direction, with, without) };
        told.extend(differences.iter().map(|difference| format!("{path}: {difference}")));
    }
    told.extend(leaks(&envoy, &[CARD.to_owned()], &[]).await?);
    if !told.is_empty() {
        bail!("{} of {} cells, and their differences:\n  {}", told.len(), cells.len(), told.join("\n  "));
    }
    Ok(())
}

/// Runs all cells through one Envoy. Returns the outcomes and Envoy.
async fn outcomes(
    build: &Build,
    mut settings: Settings,
    direction: Direction,
    cells: &[Cell],
) -> Result<(Outcomes, Envoy)> {
    let raw = direction == Direction::Response && !settings.service_http2;
    let answers = cells.iter().map(|cell| (cell.path(), cell.response(direction))).collect();
    let upstream = Upstream::start(0, Script::ByPath(Arc::new(answers))).await?;
    let origin = Origin::start(cells).await?;
    settings.service = if raw { origin.address } else { upstream.address };
    let mut envoy = Envoy::start(&build.envoy, &settings).await?;
    let mut outcomes: Outcomes = responses(&envoy, direction, cells)
        .await?
        .into_iter()
        .map(|(path, response)| (path, Outcome { response, received: None, details: String::new() }))
        .collect();
    ensure!(envoy.is_alive()?, "Envoy died: {}", envoy.log());
    let (received, _) = upstream.take().await?;
    for request in received {
        let outcome = outcomes.get_mut(&request.path).with_context(|| format!("nobody sent {}", request.path))?;
        ensure!(outcome.received.is_none(), "{} arrived twice", request.path);
        outcome.received = Some(request);
    }
    for line in envoy.access_log(cells.len()).await? {
        // Only panveil provides a path to log.
        if let Some(outcome) = line["path"].as_str().and_then(|path| outcomes.get_mut(path)) {
            outcome.details = line["details"].as_str().context("no details")?.to_owned();
        }
    }
    Ok((outcomes, envoy))
}

async fn responses(
    envoy: &Envoy,
    direction: Direction,
    cells: &[Cell],
) -> Result<BTreeMap<String, Option<ReceivedResponse>>> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut exchanges = JoinSet::new();
    for cell in cells {
        let client = if cell.client_http2 { Client::http2(envoy.listener) } else { Client::http1(envoy.listener) };
        let request = cell.request(direction);
        let places = Arc::clone(&places);
        exchanges.spawn(async move {
            let _place = places.acquire().await?;
            let response = client.send(&request).await?;
            anyhow::Ok((request.path, response))
        });
    }
    let mut responses = BTreeMap::new();
    while let Some(exchange) = exchanges.join_next().await {
        let (path, response) = exchange??;
        responses.insert(path, response);
    }
    Ok(responses)
}
