//! Errors at the start: one clear line, and no proxy that lets card numbers pass.

use std::net::TcpListener;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::envoy::{Envoy, Filter, Settings};
use panveil_integration::sidecar::Build;

use crate::trial::trial;

/// A proxy that does not start needs no upstream.
const NOWHERE: &str = "127.0.0.1:9";

/// Policies with an error, and the text that the error must contain.
const MISTAKES: [(&str, &str, &str); 4] = [
    ("a_wrong_word", r#"{"request":"msak"}"#, "request"),
    ("a_wrong_nested_word", r#"{"mask":{"keep":"first9"}}"#, "mask.keep"),
    ("an_unknown_field", r#"{"requst":"mask"}"#, "requst"),
    ("no_json", r#"{"request":"#, "line 1"),
];

pub fn trials(build: &Build) -> Vec<Trial> {
    let mut trials: Vec<Trial> = MISTAKES
        .into_iter()
        .map(|(name, policy, place)| {
            let settings = build.settings(policy);
            let build = build.clone();
            trial(format!("startup::policy::{name}"), move || refused(build, settings, vec![place]))
        })
        .collect();
    let build_ = build.clone();
    trials.push(trial("startup::truncated_module", move || truncated_module(build_)));
    let build_ = build.clone();
    trials.push(trial("startup::occupied_port", move || occupied_port(build_)));
    trials
}

/// Envoy must exit with an error of one line that contains all of `parts`.
async fn refused(build: Build, mut settings: Settings, parts: Vec<&str>) -> Result<()> {
    settings.service = NOWHERE.parse()?;
    let started = Envoy::start(&build.envoy, &settings).await;
    let Err(error) = started else { anyhow::bail!("Envoy started") };
    let error = format!("{error:#}");
    ensure!(error.lines().count() == 1, "more than one line: {error}");
    ensure!(error.contains("exit status: 1"), "no exit status: {error}");
    for part in parts {
        ensure!(error.contains(part), "{part:?} is not named: {error}");
    }
    Ok(())
}

async fn truncated_module(build: Build) -> Result<()> {
    let module = std::fs::read(&build.module)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("truncated.wasm");
    std::fs::write(&path, &module[..module.len() / 2])?;
    let filter = Filter::Panveil { module: path, policy: "{}".to_owned() };
    refused(build, Settings::new(filter, NOWHERE.parse()?), vec!["Wasm"]).await
}

async fn occupied_port(build: Build) -> Result<()> {
    let occupied = TcpListener::bind("127.0.0.1:0")?;
    let mut settings = build.settings("{}");
    settings.listener_port = occupied.local_addr()?.port();
    let port = settings.listener_port.to_string();
    refused(build, settings, vec!["Address already in use", &port]).await
}
