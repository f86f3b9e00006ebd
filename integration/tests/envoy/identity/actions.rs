//! Actions by peer: one policy with a rule for each peer, and the same policy in monitor mode.

use anyhow::{Context, Result};
use panveil_integration::sidecar::Build;
use serde_json::json;

use super::exchange::{Fate, Outcome, SPOTS, Sent};
use super::mesh::{Mesh, Side};
use super::trying::exchange_all;
use super::workloads::{ENCRYPTED, FROM_CHARGES, FROM_LEDGER, FROM_STRANGER, FROM_WEB, PLAIN, Way};

use Outcome::{Allowed, Blocked, Masked, Reported, Skipped};

/// Outcome for each peer's card number, and the deciding rule. `None` is the default.
const OUTCOMES: [(&Way, Outcome, Option<&str>); 6] = [
    (&FROM_CHARGES, Allowed, Some("charges")),
    (&FROM_WEB, Masked, Some("web")),
    (&FROM_LEDGER, Reported, Some("ledger-on-trial")),
    (&FROM_STRANGER, Skipped, Some("strangers")),
    (&PLAIN, Blocked, Some("in-the-clear")),
    (&ENCRYPTED, Masked, None),
];

pub async fn run(build: Build) -> Result<()> {
    let mut mesh = Mesh::start(&build, Side::Service).await?;
    let mut policy = json!({"rules": [
        {"name": "charges", "match": {"source": ["spiffe://cluster.local/ns/payments/*"]}, "action": "allow"},
        {"name": "web", "match": {"source": ["spiffe://cluster.local/ns/checkout/sa/web"]}, "action": "mask"},
        {
            "name": "ledger-on-trial",
            "match": {"source": ["spiffe://cluster.local/ns/audit/sa/ledger"]},
            "action": "block",
            "mode": "monitor",
        },
        {"name": "strangers", "match": {"source": ["spiffe://evil.example/*"]}, "action": "skip"},
        {"name": "in-the-clear", "match": {"tls": "none"}, "action": "block"},
        // Never decides for the peers above: the first matching rule does.
        {"name": "mutual", "match": {"tls": "mutual"}, "action": "block"},
    ]});
    let sent = SPOTS.map(Sent::new);
    for mode in ["enforce", "monitor"] {
        policy["mode"] = json!(mode);
        mesh.decide(&policy.to_string()).await?;
        let mut fates = Vec::new();
        for (way, outcome, rule) in OUTCOMES {
            let outcome = match outcome {
                Masked | Blocked if mode == "monitor" => Reported,
                outcome => outcome,
            };
            for sent in &sent {
                fates.push((way, sent.clone(), Fate { outcome, rule: rule.unwrap_or(sent.direction()) }));
            }
        }
        exchange_all(&mut mesh, &fates).await.with_context(|| policy.to_string())?;
    }
    mesh.unharmed().await
}
