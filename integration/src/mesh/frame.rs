//! Text before and after the claims: the workloads, and commands for manual requests.

use std::fmt::Write;

use super::{CHECKOUT, Mesh, PAYMENT_API, Proxy, TICKETS, Workload};
use crate::terminal::Style;

/// Arguments of curl for a request like that of Stripe's client.
const PAYMENT: &str = "-u sk_test_me: -d \
    'type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2030&card[cvc]=123'";
const COMPLAINT: &str = "-H 'content-type: application/json' -d '{\"text\":\"my card is 5555 5555 5555 4444\"}'";

/// Table of the workloads.
#[must_use]
pub fn opening(style: Style) -> String {
    let rows = [
        (&PAYMENT_API, "localstripe, a payment API; overlays/payment-api: only checkout may send it card numbers"),
        (&CHECKOUT, "a till that pays with Stripe's own client; overlays/mask"),
        (&TICKETS, "a service for complaints; overlays/mask: card numbers to it are masked"),
    ];
    let mut text = style.bold("Three services, each behind an Envoy with panveil, with mutual TLS between those.");
    text.push('\n');
    for (workload, what) in rows {
        let _ = writeln!(text, "    {:<22} {what}", format!("{}.{}", workload.name, workload.namespace));
    }
    text
}

/// Commands for manual requests.
#[must_use]
pub fn invitation(mesh: &Mesh, style: Style) -> String {
    let call = |from: &Proxy, to: &Workload, path: &str| {
        format!("curl -s -x {} http://{}{path} \\\n        ", from.outbound, to.host)
    };
    let pay = |from: &Proxy| call(from, &PAYMENT_API, "/v1/payment_methods") + PAYMENT;
    let mut lines = vec![
        ("The checkout may send the payment API a card number:".to_owned(), pay(&mesh.checkout)),
        ("The ticket service may not:".to_owned(), pay(&mesh.tickets)),
        ("The ticket service echoes its requests:".to_owned(), call(&mesh.checkout, &TICKETS, "/tickets") + COMPLAINT),
    ];
    for proxy in [&mesh.payment_api, &mesh.checkout, &mesh.tickets] {
        let name = proxy.workload.name;
        let commands = format!(
            "tail {}\n    curl -s {}/stats/prometheus | grep ^panveil",
            proxy.envoy.access_logs().0.display(),
            proxy.envoy.admin,
        );
        lines.push((format!("Log and counters of {name}:"), commands));
    }
    if let Some(address) = mesh.prometheus() {
        lines.push(("Alerts:".to_owned(), format!("http://{address}/alerts")));
    }
    let mut text = format!("\n{}\n", style.bold("Manual requests; everything is on 127.0.0.1. Ctrl-C stops."));
    for (what, command) in lines {
        let _ = writeln!(text, "{what}\n    {command}");
    }
    text
}
