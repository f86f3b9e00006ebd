//! Failing host calls: no card number passes, unless the policy permits it.
//!
//! A panic ends the test program. In a VM it would abort every stream.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Case, Protocol};
use panveil_integration::observation::Observation;
use panveil_integration::proxy::{Traffic, carry};

use crate::cases::silent;
use crate::host::{CALLS, Fault, with};
use crate::trial::{trial, without_complaints};
use crate::vm::Vm;

/// Limit for the number of host calls in the stream of a case.
const MOST_CALLS: usize = 500;

pub fn trials(runs: &[(Case, Protocol)]) -> Vec<Trial> {
    let over_all = |name: String, faults: fn(usize) -> Vec<Fault>| {
        let runs = runs.to_vec();
        trial(format!("faults::{name}"), move || runs.iter().try_for_each(|run| withstands(run, faults)))
    };
    vec![
        over_all("every_call".to_owned(), |_| vec![Fault::EveryCall]),
        over_all("every_call_of_a_name".to_owned(), |_| CALLS.map(Fault::Call).to_vec()),
        over_all("each_call_alone".to_owned(), |calls| (0..calls).map(Fault::Single).collect()),
    ]
}

/// Runs a case under each fault. With a fault no more may pass than without one.
fn withstands((case, protocol): &(Case, Protocol), faults: fn(usize) -> Vec<Fault>) -> Result<()> {
    let (healthy, calls) = run(case, *protocol, Fault::None)?;
    ensure!(calls < MOST_CALLS, "{}: {calls} calls", case.title());
    for fault in faults(calls) {
        let about = || format!("{} over {}, {fault:?}", case.title(), protocol.name());
        let (seen, _) = run(case, *protocol, fault).with_context(about)?;
        for card in &case.cards {
            for (place, leaks) in [("service", at_service as Leaks), ("client", at_client)] {
                let let_through = leaks(&healthy, card);
                ensure!(let_through || !leaks(&seen, card), "{}: a card reached the {place}", about());
            }
        }
        without_complaints().with_context(about)?;
        silent(&case.cards).with_context(about)?;
    }
    Ok(())
}

/// Runs one stream, with an upstream that responds before the end of the request. Returns the observation and the
/// number of host calls.
fn run(case: &Case, protocol: Protocol, fault: Fault) -> Result<(Observation, usize)> {
    let mut vm = Vm::under(&case.policy).context("policy: refused")?;
    let mut stream = vm.stream();
    with(|host| (host.fault, host.calls) = (fault, 0));
    let traffic = Traffic { request: &case.request, response: &case.response, protocol, eager_service: true };
    let seen = carry(&mut stream, traffic)?;
    Ok((seen, with(|host| host.calls)))
}

type Leaks = fn(&Observation, &str) -> bool;

fn at_service(seen: &Observation, card: &str) -> bool {
    let requests = seen.received.iter().chain(&seen.cut_off);
    requests.into_iter().any(|request| {
        let fields = request.headers.iter().chain(&request.trailers);
        holds(&request.body, card) || holds(request.path.as_bytes(), card) || fields_hold(fields, card)
    })
}

fn at_client(seen: &Observation, card: &str) -> bool {
    seen.response.as_ref().is_some_and(|response| {
        holds(&response.body, card) || fields_hold(response.headers.iter().chain(&response.trailers), card)
    })
}

fn fields_hold<'a>(mut fields: impl Iterator<Item = &'a (String, String)>, card: &str) -> bool {
    fields.any(|(name, value)| holds(name.as_bytes(), card) || holds(value.as_bytes(), card))
}

/// Whether `bytes` contain the complete card number, with any separators.
fn holds(bytes: &[u8], card: &str) -> bool {
    let dense: Vec<u8> = bytes.iter().copied().filter(|byte| !matches!(byte, b' ' | b'-' | b'.')).collect();
    dense.windows(card.len()).any(|window| window == card.as_bytes())
}
