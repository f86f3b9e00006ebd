//! Does each case come out as it says? Over each of its protocols, in an Envoy of its own, under all of its cuts.

use std::path::Path;

use anyhow::{Context, Result, bail};
use libtest_mimic::{Failed, Trial};
use panveil_integration::case::{Case, Protocol, read_folder};
use panveil_integration::observation::check;
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::leaks;

use crate::trial::trial;

pub fn trials(build: &Build) -> Vec<Trial> {
    match read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")) {
        Ok(cases) => cases.iter().flat_map(|case| of_case(build, case)).collect(),
        Err(error) => vec![Trial::test("cases", move || Err(Failed::from(format!("{error:#}"))))],
    }
}

fn of_case(build: &Build, case: &Case) -> Vec<Trial> {
    let of_protocol = |protocol: &Protocol| {
        let (build, case, protocol) = (build.clone(), case.clone(), *protocol);
        trial(format!("case::{}::{}", case.title(), protocol.name()), move || run(build, case, protocol))
    };
    case.protocols.iter().map(of_protocol).collect()
}

async fn run(build: Build, case: Case, protocol: Protocol) -> Result<()> {
    let mut sidecar = Sidecar::for_case(&build, &case, protocol).await?;
    for cut in case.cuts() {
        let seen = sidecar.run(&case, protocol, cut).await.with_context(|| format!("cut {cut:?}"))?;
        if let Err(differences) = check(&case, &seen) {
            bail!("{}\n  cut {cut:?}{differences}", case.about);
        }
    }
    let leaks = leaks(&sidecar.envoy, &case.cards, &case.secrets).await?;
    if leaks.is_empty() { Ok(()) } else { bail!("{}", leaks.join("\n")) }
}
