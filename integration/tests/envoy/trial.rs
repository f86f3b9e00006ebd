//! Trials of async tests. Each has a runtime of its own, and a time limit that only a hang reaches.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, Result};
use libtest_mimic::{Failed, Trial};
use panveil_integration::sidecar::Build;

/// Time limit of a trial, which only a hang reaches.
pub const LONGEST_TRIAL: Duration = Duration::from_secs(300);

/// Boxed test, for lists of trials.
pub type Test = Pin<Box<dyn Future<Output = Result<()>>>>;

/// Test that needs only a build, under `theme::name`.
pub fn named(build: &Build, theme: &str, name: &str, test: fn(Build) -> Test) -> Trial {
    let build = build.clone();
    trial(format!("{theme}::{name}"), move || test(build))
}

pub fn trial<F>(name: impl Into<String>, test: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output = Result<()>>,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let outcome = runtime.block_on(async {
            tokio::time::timeout(LONGEST_TRIAL, test()).await.context("the test hangs").and_then(|outcome| outcome)
        });
        outcome.map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// Tests that need only a build, with their names: `trials!(build, "theme", { "name" => function })`.
macro_rules! trials {
    ($build:expr, $theme:literal, { $($name:literal => $test:path),* $(,)? }) => {
        vec![$($crate::trial::named($build, $theme, $name, |build| Box::pin($test(build)))),*]
    };
}

pub(crate) use trials;
