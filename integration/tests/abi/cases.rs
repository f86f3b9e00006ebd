//! Every case through the ABI, in every delivery of its bodies, with one stream after the other in one VM.

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Case, Protocol};
use panveil_integration::observation::{check, tells};
use panveil_integration::proxy::{Traffic, carry, deliveries};

use crate::host::with;
use crate::trial::{trial, without_complaints};
use crate::vm::Vm;

pub fn trials(runs: &[(Case, Protocol)]) -> Vec<Trial> {
    let of = |(case, protocol): &(Case, Protocol)| {
        let (case, protocol) = (case.clone(), *protocol);
        trial(format!("case::{}::{}", case.title(), protocol.name()), move || run(&case, protocol))
    };
    runs.iter().map(of).collect()
}

fn run(case: &Case, protocol: Protocol) -> Result<()> {
    let mut vm = Vm::under(&case.policy).context("policy: refused")?;
    for (delivery, case) in deliveries(case) {
        let traffic = Traffic { request: &case.request, response: &case.response, protocol, eager_service: false };
        let seen = carry(&mut vm.stream(), traffic).with_context(|| delivery.clone())?;
        if let Err(differences) = check(&case, &seen) {
            bail!("{}\n  {delivery}{differences}", case.about);
        }
        without_complaints().with_context(|| delivery.clone())?;
        silent(&case.cards).with_context(|| delivery)?;
        let failed = with(|host| host.lines.iter().find(|(_, line)| line.contains("host call")).cloned());
        ensure!(failed.is_none(), "{failed:?}, although the host refused nothing");
    }
    Ok(())
}

/// Fails when a log line, a metric name, a property or a local reply contains card digits.
pub fn silent(cards: &[String]) -> Result<()> {
    with(|host| {
        let lines = host.lines.iter().map(|(_, line)| ("log line", line.as_bytes()));
        let metrics = host.metrics.iter().map(|metric| ("metric", metric.name.as_bytes()));
        let properties = host.properties.iter().flat_map(|(path, value)| [path, value]);
        let properties = properties.map(|text| ("property", text.as_bytes()));
        let replies = host.replies.iter().flat_map(|reply| {
            let fields = reply.fields.iter().flat_map(|(name, value)| [name.as_slice(), value]);
            fields.chain([reply.details.as_bytes(), &reply.body])
        });
        let replies = replies.map(|text| ("local reply", text));
        for (place, text) in lines.chain(metrics).chain(properties).chain(replies) {
            let told = cards.iter().any(|card| tells(text, card));
            ensure!(!told, "a {place} holds card digits: {}", text.escape_ascii());
        }
        Ok(())
    })
}
