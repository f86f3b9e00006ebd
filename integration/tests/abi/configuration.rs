//! Configuration of the filter: valid policies are accepted, and invalid ones cause one error line.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::proxy::{Callback, Filter, Phase};

use crate::host::{ERROR, Fault, with};
use crate::trial::trial;
use crate::vm::Vm;

/// Policies with an error, and the text that the error must contain.
const MISTAKES: [(&str, &str, &str); 7] = [
    ("a_wrong_word", r#"{"request":"msak"}"#, "request"),
    ("a_wrong_nested_word", r#"{"mask":{"keep":"first9"}}"#, "mask.keep"),
    ("an_unknown_field", r#"{"requst":"mask"}"#, "requst"),
    ("a_number_out_of_range", r#"{"limits":{"paused_bytes":1}}"#, "limits.paused_bytes"),
    ("a_status_that_is_no_refusal", r#"{"block":{"request_status":200}}"#, "block.request_status"),
    ("another_kind_of_value", r#"{"audit":{"clean":"yes"}}"#, "audit.clean"),
    ("no_json", r#"{"request":"#, "line 1"),
];

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = MISTAKES
        .into_iter()
        .map(|(name, policy, place)| trial(format!("configuration::{name}"), move || refused(policy, place)))
        .collect();
    trials.push(trial("configuration::nothing_is_a_policy", || accepted("")));
    trials.push(trial("configuration::an_empty_object_is_a_policy", || accepted("{}")));
    trials.push(trial("configuration::the_host_cannot_read_it", unreadable));
    trials.push(trial("configuration::the_host_has_no_metrics_and_no_ticks", without_extras));
    trials.push(trial("configuration::a_namespace_is_left_alone", namespaces));
    trials.push(trial("configuration::it_is_told_until_it_ends", told));
    trials.push(trial("configuration::a_bad_one_leaves_the_good_one_in_force", second));
    trials
}

fn refused(policy: &str, place: &str) -> Result<()> {
    ensure!(Vm::under(policy).is_none(), "accepted");
    one_error(place)
}

/// Fails unless there is exactly one line, an error that contains `part`.
fn one_error(part: &str) -> Result<()> {
    let lines = with(|host| std::mem::take(&mut host.lines));
    let [(level, line)] = lines.as_slice() else { anyhow::bail!("{} lines: {lines:?}", lines.len()) };
    ensure!(*level == ERROR && !line.contains('\n'), "level {level}: {line}");
    ensure!(line.contains(part), "{part:?} is not named: {line}");
    Ok(())
}

fn accepted(policy: &str) -> Result<()> {
    let _vm = Vm::under(policy).context("refused")?;
    with(|host| {
        ensure!(!host.lines.iter().any(|(level, _)| *level == ERROR), "{:?}", host.lines);
        ensure!(host.tick_period == Some(1000), "tick period {:?}", host.tick_period);
        let gauges: Vec<_> = host.metrics.iter().map(|metric| (metric.name.as_str(), metric.value)).collect();
        let [(name, 1)] = gauges.as_slice() else { anyhow::bail!("{gauges:?}") };
        ensure!(name.starts_with("panveil_config_") && name.contains("mode=.=enforce;.;"), "{name}");
        Ok(())
    })
}

fn unreadable() -> Result<()> {
    let mut vm = Vm::start();
    with(|host| host.fault = Fault::Call("get_buffer_bytes"));
    ensure!(!vm.configure("{}"), "accepted");
    one_error("get_buffer_bytes")
}

/// Masking works without metrics.
fn without_extras() -> Result<()> {
    for call in ["define_metric", "record_metric", "set_tick_period_milliseconds"] {
        let mut vm = Vm::start();
        with(|host| host.fault = Fault::Call(call));
        ensure!(vm.configure("{}"), "{call}: refused");
        let told = with(|host| host.lines.iter().any(|(_, line)| line.contains(call)));
        ensure!(told, "{call}: not told");
    }
    Ok(())
}

/// Another plugin with the same mode may end, or start in an excluded namespace. The remaining ones report their mode
/// again.
fn told() -> Result<()> {
    let gauge = |set: Option<u64>| {
        with(|host| {
            let metric = host.metrics.iter_mut().find(|metric| metric.name.contains("config")).context("no gauge")?;
            metric.value = set.unwrap_or(metric.value);
            anyhow::Ok(metric.value)
        })
    };
    let mut vm = Vm::under("{}").context("refused")?;
    gauge(Some(0))?;
    vm.tick();
    ensure!(gauge(None)? == 1, "not told again");
    drop(vm);
    ensure!(gauge(None)? == 0, "still told when it has ended");

    let mut vm = Vm::start();
    with(|host| host.node = [("xds.node.metadata.NAMESPACE".to_owned(), "shop".into())].into());
    ensure!(vm.configure(r#"{"namespaces":{"include":["payments"]}}"#), "refused");
    gauge(Some(1))?;
    vm.tick();
    drop(vm);
    ensure!(gauge(None)? == 1, "what does nothing spoke for another");

    let mut vm = Vm::start();
    ensure!(!vm.configure(r#"{"request":"msak"}"#), "accepted");
    vm.tick();
    drop(vm);
    ensure!(with(|host| host.metrics.is_empty()), "a refused one is told of");
    Ok(())
}

fn second() -> Result<()> {
    let mut vm = Vm::under(r#"{"request":"block"}"#).context("refused")?;
    with(|host| host.lines.clear());
    ensure!(!vm.configure(r#"{"request":"msak"}"#), "accepted");
    one_error("request")?;
    let answer = crate::lifecycle::request_with_a_card(&mut vm.stream());
    ensure!(answer.reply.is_some(), "the first policy is no longer in force");
    Ok(())
}

/// In an excluded namespace the filter makes no host calls.
fn namespaces() -> Result<()> {
    const POLICY: &str = r#"{"request":"block","namespaces":{"include":["payments"],"exclude":["test"]}}"#;
    for (namespace, acts, said) in [
        (Some("payments"), true, None),
        (Some("shop"), false, Some("excludes this namespace")),
        (Some("test"), false, Some("excludes this namespace")),
        (None, true, Some("has no NAMESPACE")),
    ] {
        let mut vm = Vm::start();
        let property = |namespace: &str| ("xds.node.metadata.NAMESPACE".to_owned(), namespace.into());
        with(|host| host.node = namespace.map(property).into_iter().collect());
        ensure!(vm.configure(POLICY), "{namespace:?}: refused");
        let (lines, gauges) = with(|host| (std::mem::take(&mut host.lines), host.metrics.clone()));
        let told = lines.iter().filter(|(_, line)| line.contains("namespace")).count();
        ensure!(told == said.iter().len(), "{namespace:?}: {lines:?}");
        ensure!(said.is_none_or(|said| lines.iter().any(|(_, line)| line.contains(said))), "{namespace:?}: {lines:?}");
        ensure!(gauges.iter().all(|gauge| gauge.value == u64::from(acts)), "{namespace:?}: {gauges:?}");
        let before = with(|host| host.calls);
        let mut stream = vm.stream();
        let answer = crate::lifecycle::request_with_a_card(&mut stream);
        let log = Callback {
            phase: Phase::Log,
            end: false,
            fields: vec![],
            body: None,
            properties: std::collections::BTreeMap::new(),
        };
        stream.call(&mut log.clone());
        ensure!(answer.reply.is_some() == acts && answer.goes_on != acts, "{namespace:?}: {answer:?}");
        ensure!(acts || with(|host| host.calls) == before, "{namespace:?}: the host was asked");
        stream.end();
    }
    Ok(())
}
