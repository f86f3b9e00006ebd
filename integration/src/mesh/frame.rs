//! What is said before and after the claims? Who is in the mesh, and how to try it by hand.

use std::fmt::Write;

use super::{CHECKOUT, Mesh, PAYMENT_API, Style, TICKETS};

/// Who is in the mesh.
#[must_use]
pub fn opening(style: Style) -> String {
    let rows = [
        (&PAYMENT_API, "localstripe, a payment API; overlays/payment-api: checkout may send it cards, nobody else"),
        (&CHECKOUT, "a till that pays with Stripe's own client; overlays/mask"),
        (&TICKETS, "where customers complain; overlays/mask: it gets no cards, whoever sends them"),
    ];
    let mut text = style.bold("Three services, each behind an Envoy with panveil, with mutual TLS between those.");
    text.push('\n');
    for (workload, what) in rows {
        let _ = writeln!(text, "    {:<22} {what}", format!("{}.{}", workload.name, workload.namespace));
    }
    text
}

/// How to try what runs.
#[must_use]
pub fn invitation(mesh: &Mesh, style: Style) -> String {
    let call = |from: &super::Proxy, to: &super::Workload, path: &str, arguments: &str| {
        format!("curl -s -x http://{} http://{}{path} {arguments}", from.outbound, to.host)
    };
    let card = "-u sk_test_me: -d type=card -d 'card[number]=4242424242424242' -d 'card[exp_month]=12' \\\n        \
                -d 'card[exp_year]=2030' -d 'card[cvc]=123'";
    let complaint = "-H 'content-type: application/json' -d '{\"text\":\"card 5555 5555 5555 4444\"}'";
    let mut text = format!("\n{}\n", style.bold("Try it, as checkout and as tickets. Ctrl-C ends."));
    let mut line = |what: &str| {
        let _ = writeln!(text, "    {what}");
    };
    line(&call(&mesh.checkout, &PAYMENT_API, "/v1/payment_methods", card));
    line(&call(&mesh.tickets, &PAYMENT_API, "/v1/payment_methods", card));
    line(&call(&mesh.checkout, &TICKETS, "/tickets", complaint));
    for proxy in [&mesh.payment_api, &mesh.tickets] {
        line(&format!("tail -f {}", proxy.envoy.access_logs().0.display()));
        line(&format!("curl -s {}/stats/prometheus | grep ^panveil", proxy.envoy.admin));
    }
    if let Some(address) = mesh.prometheus() {
        line(&format!("http://{address}/alerts"));
    }
    text
}
