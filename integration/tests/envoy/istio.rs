//! Effects of the overlays in a proxy. Each is rendered, translated into the filters that Istio delivers, and tested
//! with a card number in its namespaces.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request};
use panveil_integration::client::Client;
use panveil_integration::envoy::{Filter, Settings};
use panveil_integration::istio::{Chain, Plugin, Release, render, sidecar_in};
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::leaks;
use panveil_integration::test_cards::{CARD, MASKED};
use serde_json::Value;
use tokio::time::sleep;

use crate::trial::trial;

const MESH_CONFIG: &str = include_str!("../../../envoy-config/istio/telemetry/mesh-config.yaml");
const WASM_PLUGIN: &str = include_str!("../../../envoy-config/istio/base/wasmplugin.yaml");
const STEP: Duration = Duration::from_millis(50);
const MOST_STEPS: usize = 200;

/// Plugins in a namespace, and the result of a request with a card number.
struct Stage {
    name: &'static str,
    overlays: &'static [&'static str],
    release: Release,
    namespace: &'static str,
    /// Body at the upstream. `None` when the request is blocked.
    service: Option<&'static str>,
    /// Action in the log.
    action: Option<&'static str>,
}

const STAGES: [Stage; 11] = [
    Stage {
        name: "mask",
        overlays: &["overlays/mask"],
        release: Release::UpTo1_29,
        namespace: "shop",
        service: Some(MASKED),
        action: Some("masked"),
    },
    Stage {
        name: "mask_as_an_extension",
        overlays: &["traffic-extension/overlays/mask"],
        release: Release::From1_30,
        namespace: "shop",
        service: Some(MASKED),
        action: Some("masked"),
    },
    Stage {
        name: "block",
        overlays: &["overlays/block"],
        release: Release::From1_30,
        namespace: "reporting",
        service: None,
        action: Some("blocked"),
    },
    Stage {
        name: "monitor",
        overlays: &["overlays/monitor"],
        release: Release::From1_30,
        namespace: "checkout",
        service: Some(CARD),
        action: Some("reported"),
    },
    // A client without an identity may not send card numbers.
    Stage {
        name: "payments",
        overlays: &["overlays/payments"],
        release: Release::From1_30,
        namespace: "payments",
        service: None,
        action: Some("blocked"),
    },
    Stage {
        name: "payment_api",
        overlays: &["overlays/payment-api"],
        release: Release::From1_30,
        namespace: "payments",
        service: None,
        action: Some("blocked"),
    },
    Stage {
        name: "mesh_wide",
        overlays: &["overlays/mesh-wide"],
        release: Release::From1_30,
        namespace: "shop",
        service: Some(CARD),
        action: Some("reported"),
    },
    Stage {
        name: "mesh_wide_left_out",
        overlays: &["overlays/mesh-wide"],
        release: Release::From1_30,
        namespace: "payments",
        service: Some(CARD),
        action: None,
    },
    Stage {
        name: "mesh_wide_and_a_namespaces_own",
        overlays: &["overlays/mesh-wide", "overlays/mask"],
        release: Release::From1_30,
        namespace: "shop",
        service: Some(MASKED),
        action: Some("masked"),
    },
    // A namespace that the plugin of the mesh leaves out otherwise.
    Stage {
        name: "incident",
        overlays: &["overlays/incident"],
        release: Release::From1_30,
        namespace: "payments",
        service: None,
        action: Some("blocked"),
    },
    Stage {
        name: "incident_and_a_namespaces_own",
        overlays: &["overlays/mask", "traffic-extension/overlays/incident"],
        release: Release::From1_30,
        namespace: "shop",
        service: None,
        action: Some("blocked"),
    },
];

pub fn trials(build: &Build) -> Vec<Trial> {
    let kustomize = std::env::var_os("KUSTOMIZE").map(PathBuf::from);
    let stage = |stage: &'static Stage| {
        let (build, kustomize, missing) = (build.clone(), kustomize.clone(), kustomize.is_none());
        let test = move || async move { enact(build, kustomize.context("KUSTOMIZE is not set")?, stage).await };
        trial(format!("istio::{}", stage.name), test).with_ignored_flag(missing)
    };
    let (denied, bare, file) = (build.clone(), build.clone(), build.clone());
    let mut trials: Vec<Trial> = STAGES.iter().map(stage).collect();
    trials.extend([
        trial("istio::a_module_that_is_not_fetched", move || not_fetched(denied)),
        trial("istio::no_policy_is_the_default_one", move || without_a_policy(bare)),
        trial("istio::modules_in_files_share_no_virtual_machine", move || in_files(file)),
    ]);
    trials
}

/// Base in this namespace, with these fields of its `spec` changed.
fn base(namespace: &str, changes: &[(&str, Value)]) -> Result<Value> {
    let mut manifest: Value = serde_saphyr::from_str(WASM_PLUGIN)?;
    manifest["metadata"]["namespace"] = namespace.into();
    for (field, value) in changes {
        manifest["spec"][field] = value.clone();
    }
    Ok(manifest)
}

/// Sidecar in the namespace `shop` with these plugins.
async fn with_plugins(build: &Build, manifests: &[Value]) -> Result<(Chain, Sidecar)> {
    let plugin = |manifest| Plugin::of(manifest, Release::From1_30, &build.module);
    let chain = Chain::new("shop", manifests.iter().map(plugin).collect::<Result<_>>()?)?;
    let mut settings = Settings::new(Filter::Shipped, ([127, 0, 0, 1], 0).into());
    settings.differ(chain.operations())?;
    settings.differ(sidecar_in("shop", "web", &serde_saphyr::from_str(MESH_CONFIG)?)?)?;
    let sidecar = Sidecar::start(&build.envoy, settings).await?;
    Ok((chain, sidecar))
}

/// Status and response code details that the documents name for a missing module.
async fn not_fetched(build: Build) -> Result<()> {
    let (chain, sidecar) = with_plugins(&build, &[base("shop", &[])?]).await?;
    let client = Client::http1(sidecar.envoy.listener);
    chain.not_fetched()?;
    // The log also has the requests before the update.
    let mut sent = 0;
    let mut refused = false;
    while sent < MOST_STEPS && !refused {
        refused = client.get("/").await?.status == 403;
        sent += 1;
        sleep(STEP).await;
    }
    ensure!(refused, "requests pass without a module");
    let line = sidecar.envoy.last_logged(sent).await?;
    ensure!(line["details"] == "rbac_access_denied_matched_policy[none]", "the log says {}", line["details"]);
    ensure!(line["path"].is_null() && line["panveil_action"].is_null(), "{line:?}");
    Ok(())
}

async fn without_a_policy(build: Build) -> Result<()> {
    let (_chain, sidecar) = with_plugins(&build, &[base("shop", &[("pluginConfig", Value::Null)])?]).await?;
    Client::http1(sidecar.envoy.listener).send(&request()).await?.context("no response")?;
    let (received, _) = sidecar.upstream.take().await?;
    let body = received.first().map(|request| String::from_utf8_lossy(&request.body).into_owned());
    ensure!(body.as_deref() == Some(MASKED), "the service got {body:?}");
    Ok(())
}

/// Plugin of the mesh and one of the namespace: fetched modules share VMs, modules in files do not, since Istio's
/// variables stay in their environment.
async fn in_files(build: Build) -> Result<()> {
    let mut machines = Vec::new();
    for url in ["oci://registry.example/panveil/panveil:0.1.0", "file:///etc/panveil/panveil.wasm"] {
        let mut manifests = [base("shop", &[("url", url.into())])?, base("istio-system", &[("url", url.into())])?];
        for (version, manifest) in ["1", "2"].iter().zip(&mut manifests) {
            manifest["metadata"]["resourceVersion"] = (*version).into();
        }
        let (_chain, sidecar) = with_plugins(&build, &manifests).await?;
        let active = sidecar.envoy.stats("wasm.envoy.wasm.runtime.v8.active").await?;
        machines.push(active.values().sum::<u64>());
    }
    let [fetched, in_files] = machines[..] else { anyhow::bail!("{machines:?}") };
    ensure!(fetched > 0 && in_files == 2 * fetched, "{fetched} virtual machines, and {in_files} with files");
    Ok(())
}

async fn enact(build: Build, kustomize: PathBuf, stage: &Stage) -> Result<()> {
    let mut plugins = Vec::new();
    for overlay in stage.overlays {
        let plugin = |manifest: &Value| Plugin::of(manifest, stage.release, &build.module);
        let rendered = render(&kustomize, overlay)?;
        plugins.extend(
            rendered
                .iter()
                .filter(|manifest| manifest["kind"] != "Telemetry")
                .map(plugin)
                .collect::<Result<Vec<_>>>()?,
        );
    }
    ensure!(plugins.len() == stage.overlays.len(), "{} plugins", plugins.len());
    let chain = Chain::new(stage.namespace, plugins)?;
    let mut settings = Settings::new(Filter::Shipped, ([127, 0, 0, 1], 0).into());
    settings.differ(chain.operations())?;
    settings.differ(sidecar_in(stage.namespace, "web", &serde_saphyr::from_str(MESH_CONFIG)?)?)?;
    let sidecar = Sidecar::start(&build.envoy, settings).await?;
    let response = Client::http1(sidecar.envoy.listener).send(&request()).await?.context("no response")?;
    let (received, _) = sidecar.upstream.take().await?;
    let body = received.first().map(|request| String::from_utf8_lossy(&request.body).into_owned());
    ensure!(body.as_deref() == stage.service, "the service got {body:?}: {}", response.summary());
    ensure!(response.status == if body.is_some() { 200 } else { 403 }, "{}", response.summary());
    let line = sidecar.envoy.last_logged(1).await?;
    ensure!(line["panveil_action"].as_str() == stage.action, "the log says {}", line["panveil_action"]);
    ensure!(line["path"].is_string() == stage.action.is_some(), "the log has the path {}", line["path"]);
    counted(&sidecar, stage).await?;
    let leaks = leaks(&sidecar.envoy, &[CARD.to_owned()], &[]).await?;
    ensure!(leaks.is_empty(), "{}", leaks.join("\n"));
    Ok(())
}

/// Card number in the body. An unmasked one must not reach the log through the response.
fn request() -> Request {
    let message = Message {
        headers: vec![("content-type".into(), "text/plain".into())],
        pieces: vec![CARD.into()],
        framing: Framing::Length,
        trailers: vec![],
    };
    Request { method: "POST".into(), path: "/v1/orders".into(), message }
}

/// Checks that every message was counted once, under the names of the Prometheus queries, and that rejected policies
/// are reported.
async fn counted(sidecar: &Sidecar, stage: &Stage) -> Result<()> {
    let (mut counters, mut requests) = (std::collections::BTreeMap::new(), 0);
    let wanted = u64::from(stage.action.is_some());
    for _ in 0..MOST_STEPS {
        counters = sidecar.envoy.counters().await?;
        let of_requests = |(name, _): &(&String, &u64)| {
            name.starts_with("panveil_messages_total{") && name.contains(r#"direction="request""#)
        };
        requests = counters.iter().filter(of_requests).map(|(_, value)| *value).sum();
        if requests >= wanted {
            break;
        }
        sleep(STEP).await;
    }
    ensure!(requests == wanted, "{requests} requests are counted: {counters:?}");
    let modes =
        counters.iter().filter(|(name, value)| name.starts_with("panveil_config_info{") && **value == 1).count();
    ensure!((modes > 0) == stage.action.is_some(), "{counters:?}");
    let page = sidecar.envoy.page("/stats/prometheus").await?;
    let refused: Vec<&str> =
        page.lines().filter(|line| line.contains("panveil") && line.contains("_config_fail{")).collect();
    ensure!(refused.len() == stage.overlays.len() && refused.iter().all(|line| line.ends_with(" 0")), "{refused:?}");
    Ok(())
}
