//! Rules that match the identity of the upstream, by the certificate of its sidecar.

use serde_json::json;

use super::exchange::Sent;
use super::trying::{Condition, Holds};
use super::workloads::{ENCRYPTED, FROM_WEB, PLAIN, TO_LEDGER, TO_MALFORMED, TO_NAMELESS, TO_STRANGER, Way};

/// Upstreams with an identity, whether or not they know that of the client.
const SOMEBODY: [&Way; 4] = [&FROM_WEB, &ENCRYPTED, &TO_LEDGER, &TO_STRANGER];
const NOBODY: [&Way; 2] = [&TO_NAMELESS, &PLAIN];

pub fn conditions() -> Vec<Condition> {
    [
        (&["spiffe://cluster.local/ns/payments/sa/charges"][..], &[&FROM_WEB, &ENCRYPTED][..]),
        (&["spiffe://cluster.local/ns/audit/*"], &[&TO_LEDGER]),
        (&["spiffe://cluster.local/ns/*/sa/*"], &[&FROM_WEB, &ENCRYPTED, &TO_LEDGER]),
        (&["spiffe://*/ns/checkout/sa/web"], &[&TO_STRANGER]),
        (&["spiffe://*/*"], &SOMEBODY),
        // The client's own identity is not the identity of the upstream.
        (&["spiffe://cluster.local/ns/checkout/sa/web"], &[]),
    ]
    .into_iter()
    .map(|(destinations, who)| condition(destinations, who))
    .collect()
}

/// In the upstream's own sidecar the upstream is local, and shows no certificate.
pub fn inbound() -> Vec<Condition> {
    let expected = [&FROM_WEB, &PLAIN].map(|way| (way, Sent::answer(), Holds::No));
    vec![Condition::new(json!({"direction": "response", "destination": ["spiffe://*/*"]}), expected.into())]
}

fn condition(destinations: &[&str], who: &[&'static Way]) -> Condition {
    let holds = |way: &&'static Way| {
        if who.iter().any(|one| one.name == way.name) { Holds::Yes } else { Holds::No }
    };
    let ways = SOMEBODY.iter().chain(&NOBODY);
    let mut expected: Vec<_> = ways.map(|way| (*way, Sent::answer(), holds(way))).collect();
    expected.push((&TO_MALFORMED, Sent::answer(), Holds::Open));
    // Upstream that claims another identity in a header.
    for name in ["x-spiffe-id", "x-envoy-peer-metadata", "x-forwarded-client-cert"] {
        let forged = Sent::answer().header(name, "spiffe://cluster.local/ns/payments/sa/charges");
        expected.push((&TO_STRANGER, forged, holds(&&TO_STRANGER)));
    }
    // The rule is about responses: the identity of the upstream is not known during the request.
    expected.push((&FROM_WEB, Sent::body(), Holds::No));
    Condition::new(json!({"direction": "response", "destination": destinations}), expected)
}
