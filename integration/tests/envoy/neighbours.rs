//! Effect of a crash on other plugins. Plugins in the same VM fail too, and recover only if their own failure policy
//! says so.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request};
use panveil_integration::client::Client;
use panveil_integration::envoy::Settings;
use panveil_integration::observation::ReceivedResponse;
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::test_cards::{CARD, MASKED};
use serde_json::json;

use crate::trapping::Trapping;
use crate::trial::trial;
use crate::wait::eventually;

const ATTEMPTS: usize = 5;

/// Second listener, and its plugin.
const LISTENER: &str = "/static_resources/listeners/1";
const PLUGIN: &str =
    "/static_resources/listeners/1/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config";

/// State of the neighbour after the filter of the first listener has crashed.
#[derive(Clone, Copy)]
enum Fate {
    /// Not affected.
    Unharmed,
    /// Rejects requests until its VM is reloaded.
    Recovers,
    /// Rejects all further requests.
    Refused,
}

const NEIGHBOURS: [(&str, &str, &str, Fate); 3] = [
    ("of_the_same_policy", "panveil", "FAIL_RELOAD", Fate::Recovers),
    ("of_another_policy", "panveil", "FAIL_CLOSED", Fate::Refused),
    ("of_another_virtual_machine", "other", "FAIL_CLOSED", Fate::Unharmed),
];

pub fn trials(build: &Build) -> Vec<Trial> {
    let of = |(name, vm, policy, fate)| {
        let build = build.clone();
        trial(format!("neighbours::{name}"), move || neighbour(build, vm, policy, fate))
    };
    NEIGHBOURS.into_iter().map(of).collect()
}

async fn neighbour(build: Build, vm: &str, policy: &str, fate: Fate) -> Result<()> {
    let trapping = Trapping::in_place_of("proxy_on_request_trailers", &build.module)?;
    let mut settings = Settings::new(trapping.under("{}"), ([127, 0, 0, 1], 0).into());
    settings.differ(json!([
        {"op": "copy", "from": "/static_resources/listeners/0", "path": "/static_resources/listeners/-"},
        {"op": "replace", "path": format!("{LISTENER}/name"), "value": "neighbour"},
        {"op": "replace", "path": format!("{PLUGIN}/name"), "value": "neighbour"},
        {"op": "replace", "path": format!("{PLUGIN}/vm_config/vm_id"), "value": vm},
        {"op": "replace", "path": format!("{PLUGIN}/failure_policy"), "value": policy},
    ]))?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let first = Client::http2(sidecar.envoy.listener);
    let second = sidecar.envoy.listeners().await?.get("neighbour").copied().context("no second listener")?;
    let second = Client::http1(second);
    ensure!(masked(&second.send(&card()).await?.context("no response")?), "not masked before the trap");

    let mut trap = card();
    trap.message.trailers.push(("x-trap".into(), "now".into()));
    let trapped = first.send(&trap).await?.context("no response")?;
    ensure!(trapped.status == 503, "{}", trapped.summary());
    // The first listener gets requests too: its recovery must not depend on the neighbour, nor the neighbour's on it.
    until_masked(&Client::http1(first.address), "the filter that crashed is not loaded again").await?;
    match fate {
        Fate::Unharmed => {
            ensure!(masked(&second.send(&card()).await?.context("no response")?), "harmed");
        }
        Fate::Recovers => until_masked(&second, "the neighbour is not loaded again").await?,
        Fate::Refused => {
            for _ in 0..ATTEMPTS {
                let response = second.send(&card()).await?.context("no response")?;
                ensure!(response.status == 503, "{}", response.summary());
            }
        }
    }
    ensure!(sidecar.envoy.is_alive()?, "Envoy died: {}", sidecar.envoy.log());
    Ok(())
}

/// Waits until it masks. Until then it may reject requests.
async fn until_masked(client: &Client, failure: &str) -> Result<()> {
    eventually(failure, async || {
        let response = client.send(&card()).await?.context("no response")?;
        let is_masked = masked(&response);
        ensure!(is_masked || response.status == 503, "{}", response.summary());
        Ok(is_masked.then_some(()))
    })
    .await
}

fn card() -> Request {
    let message = Message {
        headers: vec![("content-type".into(), "text/plain".into())],
        pieces: vec![CARD.into()],
        framing: Framing::Chunked,
        trailers: vec![],
    };
    Request { method: "POST".into(), path: "/echo".into(), message }
}

fn masked(response: &ReceivedResponse) -> bool {
    response.status == 200 && response.body == MASKED.as_bytes()
}
