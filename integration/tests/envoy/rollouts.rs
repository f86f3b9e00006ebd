//! Rollouts under steady traffic with card numbers, over HTTP/1.1 and HTTP/2: a policy, another one, an invalid one,
//! and the first again; another module, and the first again.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Protocol, Request};
use panveil_integration::client::Client;
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::leaks;
use panveil_integration::test_cards::CARD;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::sleep;

use crate::trial::named;
use crate::wait::stat_reaches;

/// Policy, and the masked card number.
const FIRST: (&str, &str) = ("{}", "411111******1111");
const SECOND: (&str, &str) = (r#"{"mask":{"keep":"last4"}}"#, "************1111");
const REFUSED: &str = r#"{"request":"msak"}"#;

/// Concurrent clients, each with one request after the other. Every second speaks HTTP/2.
const CLIENTS: usize = 4;
/// Number of consecutive responses under one policy after which it is active everywhere.
const SETTLED: usize = 40;
const STEP: Duration = Duration::from_millis(20);
const MOST_STEPS: usize = 2000;

pub fn trials(build: &Build) -> Vec<Trial> {
    vec![named(build, "rollouts", "nobody_notices", |build| Box::pin(nobody_notices(build)))]
}

/// Clients that send requests until they are stopped, and the masked card numbers in their responses.
struct Load {
    clients: Vec<JoinHandle<Result<()>>>,
    answers: Rc<RefCell<Vec<String>>>,
    stopped: Rc<Cell<bool>>,
}

async fn nobody_notices(build: Build) -> Result<()> {
    LocalSet::new().run_until(rollout(build)).await
}

async fn rollout(build: Build) -> Result<()> {
    let (mut discovery, mut settings) = build.discovered(FIRST.0)?;
    settings.concurrency = 2;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let load = Load::start(&sidecar);

    load.settles(FIRST.1).await?;
    discovery.offer(SECOND.0)?;
    load.settles(SECOND.1).await?;
    ensure!(counted(&sidecar, "config_fail").await? == 0, "a good policy was refused");
    discovery.offer(REFUSED)?;
    stat_reaches(&sidecar.envoy, ".config_fail", 1).await?;
    let refused_at = load.answers.borrow().len();
    load.settles(SECOND.1).await?;
    ensure!(load.answers.borrow().iter().skip(refused_at).all(|left| left == SECOND.1), "the refused one was in force");
    discovery.offer(FIRST.0)?;
    load.settles(FIRST.1).await?;

    let other = another_build(&build.module)?;
    discovery.differ(module(other.path()))?;
    discovery.offer(SECOND.0)?;
    load.settles(SECOND.1).await?;
    discovery.differ(module(&build.module))?;
    discovery.offer(FIRST.0)?;
    load.settles(FIRST.1).await?;

    let answers = load.stop().await?;
    // Envoy may report one file change twice.
    for (stat, times) in [("config_reload", 5), ("config_fail", 1), ("update_rejected", 1)] {
        ensure!(counted(&sidecar, stat).await? >= times, "{stat} has not counted {times}");
    }
    let (received, cut_off) = sidecar.upstream.take().await?;
    ensure!(received.len() == answers && cut_off.is_empty(), "{} arrived of {answers} requests", received.len());
    for request in received {
        let left = String::from_utf8_lossy(&request.body).into_owned();
        ensure!(left == FIRST.1 || left == SECOND.1, "the service got something else in the body");
        let header = request.headers.iter().find(|(name, _)| name == "x-card");
        ensure!(header.is_some_and(|(_, value)| *value == left), "a request was under two policies");
    }
    let lines = sidecar.envoy.access_log(answers).await?;
    ensure!(lines.iter().all(|line| line["panveil_action"] == "masked"), "an exchange went past panveil");
    ensure!(sidecar.envoy.is_alive()?, "Envoy died: {}", sidecar.envoy.log());
    let leaks = leaks(&sidecar.envoy, &[CARD.to_owned()], &[]).await?;
    ensure!(leaks.is_empty(), "{}", leaks.join("\n"));
    Ok(())
}

/// The same filter in other bytes, like a new release: with an additional empty custom section.
fn another_build(module: &Path) -> Result<NamedTempFile> {
    let mut bytes = std::fs::read(module)?;
    bytes.extend_from_slice(b"\0\x05\x04next");
    let mut file = NamedTempFile::with_prefix("panveil-next-")?;
    file.write_all(&bytes)?;
    Ok(file)
}

fn module(path: &Path) -> Value {
    json!([{"op": "replace", "path": "/config/vm_config/code/local/filename", "value": path}])
}

async fn counted(sidecar: &Sidecar, stat: &str) -> Result<u64> {
    Ok(sidecar.envoy.stats(&format!("http_filter.panveil.{stat}")).await?.into_values().sum())
}

impl Load {
    fn start(sidecar: &Sidecar) -> Self {
        let mut load = Self { clients: Vec::new(), answers: Rc::default(), stopped: Rc::default() };
        for protocol in [Protocol::Http1, Protocol::Http2].into_iter().cycle().take(CLIENTS) {
            let client = Client::new(sidecar.envoy.listener, protocol);
            let (answers, stopped) = (Rc::clone(&load.answers), Rc::clone(&load.stopped));
            load.clients.push(tokio::task::spawn_local(async move {
                while !stopped.get() {
                    let left = ask(&client).await;
                    answers.borrow_mut().push(left.as_ref().map_or_else(|error| format!("{error:#}"), Clone::clone));
                    left?;
                }
                Ok(())
            }));
        }
        load
    }

    /// Waits until the last responses all have this masked card number.
    async fn settles(&self, left: &str) -> Result<()> {
        let begin = self.answers.borrow().len();
        for _ in 0..MOST_STEPS {
            ensure!(!self.clients.iter().any(JoinHandle::is_finished), "a client was not served: {}", self.last());
            if self.is_settled(begin, left) {
                return Ok(());
            }
            sleep(STEP).await;
        }
        anyhow::bail!("{left} is not what is left; the last is {}", self.last())
    }

    /// Whether the responses after the first `begin` are settled on this masked card number.
    fn is_settled(&self, begin: usize, left: &str) -> bool {
        let answers = self.answers.borrow();
        let last: Vec<&String> = answers.iter().skip(begin).rev().take(SETTLED).collect();
        last.len() == SETTLED && last.iter().all(|one| *one == left)
    }

    fn last(&self) -> String {
        self.answers.borrow().last().cloned().unwrap_or_default()
    }

    /// Stops the clients. Returns the number of served requests, all of which must be correct.
    async fn stop(self) -> Result<usize> {
        self.stopped.set(true);
        for client in self.clients {
            client.await??;
        }
        Ok(self.answers.borrow().len())
    }
}

/// Request whose first piece ends in the middle of the card number. Returns the masked number in the echoed response.
async fn ask(client: &Client) -> Result<String> {
    let (head, tail) = CARD.split_at(9);
    let message = Message {
        headers: vec![("content-type".into(), "text/plain".into()), ("x-card".into(), CARD.into())],
        pieces: vec![head.into(), tail.into()],
        framing: Framing::Chunked,
        trailers: vec![],
    };
    let request = Request { method: "POST".into(), path: "/echo".into(), message };
    let response = client.send(&request).await?.context("no response")?;
    ensure!(response.status == 200 && response.complete, "{}", response.summary());
    let left = String::from_utf8(response.body)?;
    ensure!(left == FIRST.1 || left == SECOND.1, "the client got something else");
    Ok(left)
}
