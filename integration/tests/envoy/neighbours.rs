//! Effect of a crash on other plugins. Plugins in the same VM fail too, and recover only if their own failure policy
//! says so.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request};
use panveil_integration::client::Client;
use panveil_integration::envoy::Settings;
use panveil_integration::observation::ReceivedResponse;
use panveil_integration::sidecar::{Build, Sidecar};
use serde_json::json;
use tokio::time::sleep;

use crate::trapping::Trapping;
use crate::trial::trial;

const CARD: &str = "4111111111111111";
const MASKED: &str = "411111******1111";
const STEP: Duration = Duration::from_millis(20);
const MOST_STEPS: usize = 500;
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
    ensure!(eventually_masked(&Client::http1(first.address)).await?, "the one that trapped did not come back");
    match fate {
        Fate::Unharmed => {
            ensure!(masked(&second.send(&card()).await?.context("no response")?), "harmed");
        }
        Fate::Recovers => ensure!(eventually_masked(&second).await?, "it did not come back"),
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

/// Whether it masks, immediately or after a time in which it rejects requests.
async fn eventually_masked(client: &Client) -> Result<bool> {
    for _ in 0..MOST_STEPS {
        let response = client.send(&card()).await?.context("no response")?;
        if masked(&response) {
            return Ok(true);
        }
        ensure!(response.status == 503, "{}", response.summary());
        sleep(STEP).await;
    }
    Ok(false)
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
