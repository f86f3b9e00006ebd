//! Claims about evidence: audits of the running proxies, before and after seeded faults, and a report over their access
//! logs.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::evidence::{Audit, Evidence};
use super::super::truth::{Exchange, Rows, TABLES, reported_rows};
use super::super::{CHECKOUT, Claim, Mesh, PAYMENT_API, Proxy, TICKETS};
use super::straying::answer;
use super::{CARD, FORM, JSON, REPORTED, SPOKEN, action, ask, brief, request, text};
use crate::silence::holds_digits;

/// Time in which the workers of an Envoy switch to a configuration that its main thread has loaded.
const SWITCH: Duration = Duration::from_millis(200);
/// Versions of the delivered plugins. The first is "1".
const FAULTY: &str = "2";
const CORRECTED: &str = "3";
/// Audits, by the names of their files.
const AUDITS: [&str; 3] = ["clean", "faulty", "corrected"];

/// Change that lets card numbers pass.
struct Fault {
    proxy: fn(&Mesh) -> &Proxy,
    /// Change in words.
    cause: &'static str,
    /// Change of the manifest.
    change: fn(&mut Value),
    is_fetched: bool,
    /// Expected finding.
    rule: &'static str,
}

const FAULTS: [Fault; 3] = [
    Fault {
        proxy: |mesh| &mesh.checkout,
        cause: "failStrategy: FAIL_OPEN in its plugin",
        change: fails_open,
        is_fetched: true,
        rule: "fail-open",
    },
    Fault {
        proxy: |mesh| &mesh.payment_api,
        cause: "failStrategy: FAIL_OPEN in its plugin, and a module that cannot be fetched",
        change: fails_open,
        is_fetched: false,
        rule: "proxy-without-panveil",
    },
    Fault {
        proxy: |mesh| &mesh.tickets,
        cause: "mode: monitor in its policy",
        change: |manifest| manifest["spec"]["pluginConfig"]["mode"] = json!("monitor"),
        is_fetched: true,
        rule: "monitor-mode",
    },
];

fn fails_open(manifest: &mut Value) {
    manifest["spec"]["failStrategy"] = json!("FAIL_OPEN");
}

/// Audit before the faults.
pub async fn clean(mesh: &Mesh, evidence: &Evidence) -> Result<Claim> {
    let audit = evidence.audit(AUDITS[0], &proxies(mesh)).await?;
    let claim = Claim::new("An audit of the running proxies finds no way around panveil")
        .line("audited", format!("/config_dump of {} Envoys", proxies(mesh).len()));
    Ok(none(claim, &audit))
}

/// Audit with the faults.
pub async fn faulty(mesh: &Mesh, evidence: &Evidence) -> Result<Claim> {
    let mut claim = Claim::new("The audit finds each of three faults, which running Envoys received");
    for fault in FAULTS {
        let proxy = (fault.proxy)(mesh);
        let plugins = mesh.parts.plugins(proxy.workload, fault.change)?;
        let plugins = plugins.into_iter().map(|plugin| if fault.is_fetched { plugin } else { plugin.not_fetched() });
        proxy.deliver(FAULTY, &plugins.collect::<Vec<_>>()).await?;
        claim = claim.line("seeded", format!("{}: {}", proxy.workload.name, fault.cause));
    }
    let audit = evidence.audit(AUDITS[1], &proxies(mesh)).await?;
    let mut wanted = FAULTS.map(|fault| format!("{} proxy {}", fault.rule, (fault.proxy)(mesh).pod()));
    wanted.sort();
    let mut found = audit.found();
    found.sort();
    for finding in &audit.findings {
        let [rule, subject, problem] = ["rule", "subject", "problem"].map(|name| word(finding, name));
        claim = claim.line("found", format!("{rule}: {subject}: {problem}"));
    }
    Ok(claim.must(
        found == wanted && audit.status == 1,
        format!("exit status {}; {wanted:?} were to be found", audit.status),
    ))
}

/// Card numbers that pass the faults.
pub async fn passed(mesh: &mut Mesh) -> Result<Claim> {
    sleep(SWITCH).await;
    mesh.ticket_service.script(answer(201, "{}"));
    let complaint = format!(r#"{{"text":"charged twice: {SPOKEN}"}}"#);
    ask(&mesh.checkout, &TICKETS, request("POST", "/tickets", JSON, &complaint)).await?;
    mesh.truth.exchanges.push(Exchange::new(&CHECKOUT, &TICKETS, "/tickets").with(1, REPORTED));
    let line = mesh.tickets.told().await?;
    let received = mesh.ticket_service.take().await?.0.pop().unwrap_or_default();
    let before = mesh.api.served().await?;
    let body = format!("type=card&card[number]={CARD}&card[exp_month]=12&card[exp_year]=2030&card[cvc]=123");
    let response = ask(&mesh.tickets, &PAYMENT_API, request("POST", "/v1/payment_methods", FORM, &body)).await?;
    mesh.truth.exchanges.push(Exchange::new(&TICKETS, &PAYMENT_API, "/v1/payment_methods").uninspected());
    let served = mesh.api.served().await? - before;
    Ok(Claim::new("Card numbers pass two of the faults; the third opens when panveil fails")
        .line("checkout sent", format!("POST /tickets  {complaint}"))
        .line("tickets got", format!("{} {}  {}", received.method, received.path, text(&received.body)))
        .line("log", brief(&line, &["action", "found", "brands", "where"]))
        .line("tickets sent", format!("POST /v1/payment_methods  type=card&card[number]={CARD}&card[cvc]=123..."))
        .line("tickets got", response.status.to_string())
        .line("API got", if served == 1 { "the whole request" } else { "nothing" })
        .must(text(&received.body) == complaint && action(&line) == "reported", "monitor mode changes a message")
        .must(response.status == 200 && served == 1, "the card number does not reach the API"))
}

/// Audit after the correction of the faults.
pub async fn corrected(mesh: &Mesh, evidence: &Evidence) -> Result<Claim> {
    for fault in FAULTS {
        let proxy = (fault.proxy)(mesh);
        proxy.deliver(CORRECTED, &mesh.parts.plugins(proxy.workload, |_| {})?).await?;
    }
    let audit = evidence.audit(AUDITS[2], &proxies(mesh)).await?;
    let claim =
        Claim::new("After their correction the audit is clean again").line("delivered", "the overlays, as before");
    Ok(none(claim, &audit))
}

/// Report over all access logs and audits.
pub async fn reported(mesh: &Mesh, evidence: &Evidence) -> Result<Claim> {
    for proxy in proxies(mesh) {
        proxy.envoy.access_log(mesh.truth.lines(proxy.workload)).await?;
    }
    let report = evidence.report(&proxies(mesh), &AUDITS).await?;
    let truth = &mesh.truth;
    let mut claim = Claim::new("A report over the access logs and audits has the numbers of this demo")
        .line(
            "streams",
            format!(
                "{}: {} at their receivers, {} at their senders",
                truth.streams(),
                truth.inbound(),
                truth.outbound()
            ),
        )
        .line(
            "unhandled",
            format!(
                "{} at their senders, which do not inspect outbound requests, and {} past a fault",
                truth.outbound(),
                truth.uninspected()
            ),
        );
    for (name, wanted) in truth.totals() {
        let shown = report["summary"][name].as_u64();
        claim = claim.must(shown == Some(wanted), format!("{name}: {shown:?} instead of {wanted}"));
    }
    let mut rows = 0;
    for table in TABLES {
        let (shown, wanted) = (reported_rows(&report, table), truth.rows(table));
        rows += wanted.len();
        claim = claim.must(shown == wanted, format!("{}: {shown:?} instead of {wanted:?}", table.0));
    }
    for (key, counts) in truth.rows(TABLES[0]) {
        claim = claim.line(short(&key[0]), flow(&key, &counts));
    }
    let open = reported_rows(&report, ("audit_findings", &["rule", "open"], &[]));
    let wanted: Rows = FAULTS.iter().map(|fault| (vec![fault.rule.to_owned(), "no".to_owned()], vec![])).collect();
    let leaks: Vec<String> =
        evidence.written()?.iter().filter(|(_, text)| holds_digits(text, CARD)).map(|(name, _)| name.clone()).collect();
    Ok(claim
        .line("audits", format!("{}; {} findings, all corrected", AUDITS.len(), wanted.len()))
        .line("compared", format!("{} totals and {rows} rows of {} tables", truth.totals().len(), TABLES.len()))
        .must(open == wanted, format!("audit_findings: {open:?} instead of {wanted:?}"))
        .must(leaks.is_empty(), format!("digits of a card number in {}", leaks.join(", "))))
}

fn proxies(mesh: &Mesh) -> [&Proxy; 3] {
    [&mesh.payment_api, &mesh.checkout, &mesh.tickets]
}

/// Adds that the audit found nothing.
fn none(claim: Claim, audit: &Audit) -> Claim {
    let found = audit.found();
    let shown = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
    claim.line("found", shown).must(found.is_empty() && audit.status == 0, format!("exit status {}", audit.status))
}

/// Row of the data flows in words.
fn flow(key: &[String], counts: &[u64]) -> String {
    let names = ["card number", "code", "masked", "blocked", "allowed", "reported"];
    let word = |name: &str, count: u64| match name {
        "card number" | "code" if count != 1 => format!("{count} {name}s"),
        _ => format!("{count} {name}"),
    };
    let shown = names.iter().zip(counts.iter().skip(1)).filter(|(_, count)| **count > 0);
    let counts: Vec<String> = shown.map(|(name, count)| word(name, *count)).collect();
    let preposition = if key[2] == "request" { "to" } else { "from" };
    let direction = format!("{} {preposition}", key[2]);
    format!("{direction:<13} {:<11} {}", key[1].split('.').next().unwrap_or_default(), counts.join(", "))
}

/// Last part of an identity.
fn short(identity: &str) -> String {
    identity.rsplit('/').next().unwrap_or_default().to_owned()
}

fn word(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_default().to_owned()
}
