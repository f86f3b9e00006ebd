//! Every shipped file for a standalone Envoy, with the behaviour in its own comments. Only ports, module and folders
//! are replaced.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request};
use panveil_integration::client::Client;
use panveil_integration::envoy::{CONNECTION_MANAGER, Envoy, Filter, PLUGIN, Settings, Shipped};
use panveil_integration::observation::{ReceivedRequest, ReceivedResponse};
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::leaks;
use panveil_integration::test_cards::{CARD, MASKED};
use panveil_integration::upstream::{Script, Upstream};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::trial::{named, trial};
use crate::wait::{eventually, stat_reaches};

pub fn trials(build: &Build) -> Vec<Trial> {
    let with = |name, test| named(build, "standalone", name, test);
    let mut trials = vec![
        with("the_sidecar_masks", |build| Box::pin(sidecar(build))),
        with("outbound_cards_go_to_one_destination", |build| Box::pin(outbound(build))),
        with("a_gateway_lets_cards_in_where_charges_are_made", |build| Box::pin(gateway(build))),
        with("the_policy_changes_while_envoy_runs", |build| Box::pin(dynamic(build))),
        with("a_misspelt_field_is_not_valid", |build| Box::pin(misspelt(build))),
    ];
    for shipped in Shipped::ALL {
        let build = build.clone();
        trials.push(trial(format!("standalone::is_valid::{}", shipped.file()), move || valid(build, shipped)));
    }
    trials
}

/// Folder with the parts of the repository that the files use: their folder and a built module.
fn repository(build: &Build) -> Result<TempDir> {
    let folder = TempDir::with_prefix("panveil-standalone-")?;
    fs::create_dir(folder.path().join("dist"))?;
    symlink(build.module.canonicalize()?, folder.path().join("dist/panveil.wasm"))?;
    symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy-config"), folder.path().join("envoy-config"))?;
    Ok(folder)
}

fn validate(build: &Build, repository: &Path, file: &Path) -> Result<Output> {
    let mut envoy = Command::new(build.envoy.canonicalize()?);
    envoy.current_dir(repository).args(["--mode", "validate", "--use-dynamic-base-id", "--config-path"]).arg(file);
    envoy.output().context("Envoy cannot be run")
}

/// Validation with the command in the file.
async fn valid(build: Build, shipped: Shipped) -> Result<()> {
    let repository = repository(&build)?;
    let file = Path::new("envoy-config/standalone").join(shipped.file());
    let text = fs::read_to_string(repository.path().join(&file))?;
    ensure!(text.contains(&format!("envoy -c {}\n", file.display())), "it does not say how to run it");
    let said = validate(&build, repository.path(), &file)?;
    ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    Ok(())
}

async fn misspelt(build: Build) -> Result<()> {
    let repository = repository(&build)?;
    let right = fs::read_to_string(repository.path().join("envoy-config/standalone/gateway.yaml"))?;
    for (word, wrong) in [("failure_policy", "failure_polcy"), (r#""action""#, r#""acton""#)] {
        ensure!(right.contains(word), "nothing to misspell");
        let file = repository.path().join("misspelt.yaml");
        fs::write(&file, right.replace(word, wrong))?;
        let said = validate(&build, repository.path(), &file)?;
        ensure!(!said.status.success(), "{wrong} is valid");
    }
    Ok(())
}

/// Shipped file with its own policy.
fn settings(build: &Build, shipped: Shipped) -> Result<Settings> {
    let mut settings = Settings::new(Filter::Shipped, ([127, 0, 0, 1], 0).into());
    settings.shipped = shipped;
    if shipped != Shipped::Dynamic {
        let module = format!("{PLUGIN}/vm_config/code/local/filename");
        settings.differ(json!([{"op": "replace", "path": module, "value": build.module.to_string_lossy()}]))?;
    }
    Ok(settings)
}

async fn sidecar(build: Build) -> Result<()> {
    let mut sidecar = Sidecar::start(&build.envoy, settings(&build, Shipped::Sidecar)?).await?;
    let response = post(&sidecar.envoy, "/", "any", CARD).await?;
    ensure!(response.status == 200 && response.body == MASKED.as_bytes(), "{}", response.summary());
    ensure!(one(&sidecar.upstream).await?.body == MASKED.as_bytes(), "the service got the card");
    unharmed(&mut sidecar.envoy, 1).await
}

async fn outbound(build: Build) -> Result<()> {
    let provider = Upstream::start(0, Script::Echo).await?;
    let mut settings = settings(&build, Shipped::Outbound)?;
    second_service(&mut settings, "payment-provider", &provider)?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let in_path = format!("/v1/charges/{CARD}");
    for (path, host, body) in
        [("/v1/charges", "elsewhere.example", CARD), (in_path.as_str(), "api.payments.example", "{}")]
    {
        let response = post(&sidecar.envoy, path, host, body).await?;
        ensure!(response.status == 403, "{host}: {}", response.summary());
    }
    for host in ["api.payments.example", "API.payments.example:443"] {
        let response = post(&sidecar.envoy, "/v1/charges", host, CARD).await?;
        ensure!(response.status == 200 && response.body == MASKED.as_bytes(), "{host}: {}", response.summary());
        ensure!(one(&provider).await?.body == CARD.as_bytes(), "{host}: the payment provider did not get the card");
    }
    let (received, _) = sidecar.upstream.take().await?;
    ensure!(received.is_empty(), "another destination was asked");
    unharmed(&mut sidecar.envoy, 4).await
}

async fn gateway(build: Build) -> Result<()> {
    let payments = Upstream::start(0, Script::Echo).await?;
    let mut settings = settings(&build, Shipped::Gateway)?;
    second_service(&mut settings, "payments", &payments)?;
    let mut edge = Sidecar::start(&build.envoy, settings).await?;
    let response = post(&edge.envoy, "/v1//charges", "shop.example", CARD).await?;
    ensure!(response.status == 200 && response.body == MASKED.as_bytes(), "{}", response.summary());
    ensure!(one(&payments).await?.body == CARD.as_bytes(), "the payment service did not get the card");
    let response = post(&edge.envoy, "/v1/orders", "shop.example", CARD).await?;
    ensure!(response.status == 200 && response.body == MASKED.as_bytes(), "{}", response.summary());
    ensure!(one(&edge.upstream).await?.body == MASKED.as_bytes(), "the service got the card");
    unharmed(&mut edge.envoy, 2).await
}

/// Sets the address of the file's second upstream.
fn second_service(settings: &mut Settings, name: &str, service: &Upstream) -> Result<()> {
    let cluster = "/static_resources/clusters/1";
    let address = format!("{cluster}/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address");
    settings.differ(json!([
        {"op": "test", "path": format!("{cluster}/name"), "value": name},
        {"op": "replace", "path": format!("{address}/port_value"), "value": service.address.port()},
    ]))
}

/// The shipped filter, a policy that blocks, an invalid one, and the shipped one again.
async fn dynamic(build: Build) -> Result<()> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy-config/standalone/discovery/panveil.yaml");
    let shipped = fs::read_to_string(shipped)?;
    ensure!(shipped.contains("dist/panveil.wasm"), "{shipped}");
    let shipped = shipped.replace("dist/panveil.wasm", &build.module.canonicalize()?.to_string_lossy());
    let (before_policy, _) = shipped.split_once("          value: |\n").context("no policy")?;
    let folder = TempDir::with_prefix("panveil-standalone-")?;
    let offer = |policy: &str| -> Result<()> {
        let next = folder.path().join("next");
        fs::write(&next, format!("{before_policy}          value: |\n            {policy}\n"))?;
        Ok(fs::rename(next, folder.path().join("panveil.yaml"))?)
    };
    offer("{}")?;
    let mut settings = settings(&build, Shipped::Dynamic)?;
    let source = format!("{CONNECTION_MANAGER}/http_filters/0/config_discovery/config_source/path_config_source");
    settings.differ(json!([
        {"op": "replace", "path": format!("{source}/path"), "value": folder.path().join("panveil.yaml")},
        {"op": "replace", "path": format!("{source}/watched_directory/path"), "value": folder.path()},
    ]))?;
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let response = post(&sidecar.envoy, "/", "any", CARD).await?;
    ensure!(response.status == 200 && response.body == MASKED.as_bytes(), "{}", response.summary());
    offer(r#"{"request": "block"}"#)?;
    until_status(&sidecar.envoy, 403).await?;
    offer(r#"{"request": "blok"}"#)?;
    stat_reaches(&sidecar.envoy, ".config_fail", 1).await?;
    ensure!(post(&sidecar.envoy, "/", "any", CARD).await?.status == 403, "a policy with a mistake is in force");
    offer("{}")?;
    until_status(&sidecar.envoy, 200).await?;
    unharmed(&mut sidecar.envoy, 4).await
}

async fn post(envoy: &Envoy, path: &str, host: &str, body: &str) -> Result<ReceivedResponse> {
    let message = Message {
        headers: vec![("host".into(), host.into()), ("content-type".into(), "text/plain".into())],
        pieces: vec![body.into()],
        framing: Framing::Length,
        trailers: vec![],
    };
    let request = Request { method: "POST".into(), path: path.into(), message };
    Client::http1(envoy.listener).send(&request).await?.context("no response")
}

async fn one(service: &Upstream) -> Result<ReceivedRequest> {
    let (mut received, _) = service.take().await?;
    ensure!(received.len() == 1, "the service received {} requests instead of one", received.len());
    received.pop().context("no request")
}

async fn until_status(envoy: &Envoy, status: u16) -> Result<()> {
    let failure = format!("no {status}");
    eventually(failure, async || Ok((post(envoy, "/", "any", CARD).await?.status == status).then_some(()))).await
}

/// Checks that Envoy runs, and that no log and no admin page has a digit of the card number.
async fn unharmed(envoy: &mut Envoy, exchanges: usize) -> Result<()> {
    let lines: Vec<Value> = envoy.access_log(exchanges).await?.into_iter().map(Value::Object).collect();
    ensure!(envoy.is_alive()?, "Envoy died: {}", envoy.log());
    ensure!(lines.iter().all(|line| line["path"].is_string()), "an exchange went past panveil: {lines:?}");
    let leaks = leaks(envoy, &[CARD.to_owned()], &[]).await?;
    ensure!(leaks.is_empty(), "{}", leaks.join("\n"));
    Ok(())
}
