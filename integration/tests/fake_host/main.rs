//! Test tier without Envoy and without the SDK: every case on `panveil::exchange` with the host in memory.

mod filter;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use panveil_integration::case::{Case, Protocol};
use panveil_integration::observation::{check, tells};
use panveil_integration::proxy::{Traffic, carry, deliveries, runs};

use crate::filter::OnFakeHost;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let (runs, summary) = match runs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")) {
        Ok(runs) => runs,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    eprintln!("fake host: {summary}");
    let trial = |(case, protocol): (Case, Protocol)| {
        let name = format!("case::{}::{}", case.title(), protocol.name());
        Trial::test(name, move || run(&case, protocol).map_err(|error| Failed::from(format!("{error:#}"))))
    };
    libtest_mimic::run(&arguments, runs.into_iter().map(trial).collect()).exit_code()
}

fn run(case: &Case, protocol: Protocol) -> Result<()> {
    for (delivery, case) in deliveries(case) {
        let mut filter = OnFakeHost::under(&case.policy)?;
        let traffic = Traffic { request: &case.request, response: &case.response, protocol, eager_service: false };
        let seen = carry(&mut filter, traffic).with_context(|| delivery.clone())?;
        if let Err(differences) = check(&case, &seen) {
            bail!("{}\n  {delivery}{differences}", case.about);
        }
        // This host rejects only calls that Envoy rejects too.
        let refused = filter.host.log.iter().find(|line| line.starts_with("panveil: host call"));
        ensure!(refused.is_none(), "{delivery}: {refused:?}");
        let told = filter.told().into_iter().find(|(_, text)| case.cards.iter().any(|card| tells(text, card)));
        ensure!(told.is_none(), "{delivery}: {} holds card digits", told.map(|(place, _)| place).unwrap_or_default());
    }
    Ok(())
}
