//! Rules that match the source principal, by its certificate only.

use serde_json::json;

use super::exchange::{Place, Sent, Spot};
use super::trying::{Condition, Holds};
use super::workloads::{
    ENCRYPTED, FROM_CHARGES, FROM_LEDGER, FROM_MALFORMED, FROM_NAMELESS, FROM_NEIGHBOUR, FROM_SECOND, FROM_STRANGER,
    FROM_WEB, PLAIN, SILENT, UNASKED, WEB, Way,
};

/// Clients with an identity.
const SOMEBODY: [&Way; 6] = [&FROM_WEB, &UNASKED, &FROM_CHARGES, &FROM_LEDGER, &FROM_STRANGER, &FROM_NEIGHBOUR];
/// Clients without an identity: certificates with other names, or no mutual TLS.
const NOBODY: [&Way; 5] = [&FROM_NAMELESS, &FROM_SECOND, &SILENT, &ENCRYPTED, &PLAIN];

pub fn conditions() -> Vec<Condition> {
    [
        (&[WEB][..], &[&FROM_WEB, &UNASKED][..]),
        (&["spiffe://cluster.local/ns/checkout/*"], &[&FROM_WEB, &UNASKED]),
        (&["spiffe://cluster.local/ns/*/sa/web"], &[&FROM_WEB, &UNASKED]),
        (&["spiffe://cluster.local/ns/*/sa/*"], &[&FROM_WEB, &UNASKED, &FROM_CHARGES, &FROM_LEDGER]),
        (&["spiffe://*/ns/checkout/sa/web"], &[&FROM_WEB, &UNASKED, &FROM_STRANGER, &FROM_NEIGHBOUR]),
        (&["spiffe://*.example/ns/checkout/*"], &[&FROM_STRANGER, &FROM_NEIGHBOUR]),
        (&["spiffe://cluster.local/ns/audit/sa/ledger", "spiffe://evil.example/*"], &[&FROM_LEDGER, &FROM_STRANGER]),
        (&["spiffe://*/*"], &SOMEBODY),
        // None of these is a complete identity: a part of a name does not match.
        (&["spiffe://cluster.local/ns/checkout"], &[]),
        (&["spiffe://cluster.local/ns/checkout/sa/web/*"], &[]),
        (&["spiffe://cluster.local/ns/check/*"], &[]),
    ]
    .into_iter()
    .map(|(sources, who)| condition(sources, who))
    .collect()
}

/// All conditions of a rule must match, and the source principal is one of many.
pub fn among_others() -> Vec<Condition> {
    let condition = json!({
        "direction": "request",
        "where": ["body"],
        "method": ["POST"],
        "host": ["api.example.com"],
        "path": {"prefix": "/v1/charges"},
        "content_type": ["application/json"],
        "source": [WEB],
        "tls": "mutual",
    });
    const JSON: &[&str] = &["application/json"];
    let charge = || Sent::body().content_types(JSON);
    let expected = vec![
        (&FROM_WEB, charge(), Holds::Yes),
        (&FROM_CHARGES, charge(), Holds::No),
        (&FROM_STRANGER, charge(), Holds::No),
        (&ENCRYPTED, charge(), Holds::No),
        (&PLAIN, charge(), Holds::No),
        (&FROM_WEB, charge().method("PUT"), Holds::No),
        (&FROM_WEB, charge().host("pay.example.com"), Holds::No),
        (&FROM_WEB, charge().path("/v1/exports"), Holds::No),
        (&FROM_WEB, Sent::body(), Holds::No),
        (&FROM_WEB, Sent::new(Spot::Request(Place::Headers)).content_types(JSON), Holds::No),
        (&FROM_WEB, Sent::answer().content_types(JSON), Holds::No),
        (&FROM_WEB, charge().path("//v1/charges"), Holds::Open),
        (&FROM_MALFORMED, charge(), Holds::Open),
        // A condition that does not match outweighs an unknown one.
        (&FROM_MALFORMED, charge().method("PUT"), Holds::No),
    ];
    vec![Condition::new(condition, expected)]
}

/// In the client's own sidecar the source is local, and shows no certificate.
pub fn outbound() -> Vec<Condition> {
    let expected = [&FROM_WEB, &ENCRYPTED, &PLAIN].map(|way| (way, Sent::body(), Holds::No));
    vec![Condition::new(json!({"source": ["spiffe://*/*"]}), expected.into())]
}

fn condition(sources: &[&str], who: &[&'static Way]) -> Condition {
    let is_one = |way: &&'static Way| who.iter().any(|one| one.name == way.name);
    let mut expected = Vec::new();
    for way in SOMEBODY.iter().chain(&NOBODY) {
        expected.push((*way, Sent::body(), if is_one(way) { Holds::Yes } else { Holds::No }));
    }
    expected.push((&FROM_MALFORMED, Sent::body(), Holds::Open));
    // Rules for the response use the client's identity too.
    expected.push((&FROM_WEB, Sent::answer(), if is_one(&&FROM_WEB) { Holds::Yes } else { Holds::No }));
    expected.push((&ENCRYPTED, Sent::answer(), Holds::No));
    Condition::new(json!({"source": sources}), expected)
}
