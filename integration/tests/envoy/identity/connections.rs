//! Rules that match the TLS state of the client connection.

use serde_json::json;

use super::exchange::Sent;
use super::trying::{Condition, Holds};
use super::workloads::{ENCRYPTED, FROM_NAMELESS, FROM_STRANGER, FROM_WEB, PLAIN, SILENT, UNASKED, Way};

/// Clients with a certificate of the mesh's authority, whatever name it has.
const MUTUAL: [&Way; 4] = [&FROM_WEB, &UNASKED, &FROM_STRANGER, &FROM_NAMELESS];
const ONE_SIDED: [&Way; 2] = [&SILENT, &ENCRYPTED];

pub fn conditions() -> Vec<Condition> {
    [("mutual", true, false, false), ("any", true, true, false), ("none", false, false, true)]
        .into_iter()
        .map(|(word, mutual, one_sided, plain)| {
            let groups = [(&MUTUAL[..], mutual), (&ONE_SIDED[..], one_sided), (&[&PLAIN][..], plain)];
            let mut expected = Vec::new();
            for (ways, holds) in groups {
                let holds = if holds { Holds::Yes } else { Holds::No };
                expected.extend(ways.iter().map(|way| (*way, Sent::body(), holds)));
                expected.extend(ways.iter().take(1).map(|way| (*way, Sent::answer(), holds)));
            }
            Condition::new(json!({"tls": word}), expected)
        })
        .collect()
}

/// In the client's own sidecar the rule sees the connection of the client to the sidecar, not that to the upstream.
pub fn outbound() -> Vec<Condition> {
    let all = |holds| [&FROM_WEB, &ENCRYPTED, &PLAIN].map(|way| (way, Sent::body(), holds)).into();
    vec![Condition::new(json!({"tls": "any"}), all(Holds::No)), Condition::new(json!({"tls": "none"}), all(Holds::Yes))]
}
