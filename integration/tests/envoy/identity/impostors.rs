//! Is a name worth anything without an authority that the mesh trusts? The sidecars do not talk to each other then: no card
//! gets anywhere, and panveil is not asked.

use anyhow::{Result, ensure};
use panveil_integration::sidecar::Build;
use serde_json::json;

use super::exchange::Sent;
use super::mesh::{Mesh, Side};
use super::workloads::{FROM_IMPOSTOR, FROM_WEB, TO_IMPOSTOR, WEB};

pub async fn run(build: Build) -> Result<()> {
    let mut mesh = Mesh::start(&build, Side::Service).await?;
    let rule = json!({"name": "tried", "match": {"source": [WEB]}, "action": "allow"});
    mesh.decide(&json!({"request": "block", "rules": [rule]}).to_string()).await?;
    for way in [&FROM_IMPOSTOR, &TO_IMPOSTOR] {
        let seen = mesh.ask(way, &Sent::body()).await?;
        ensure!(seen.response.status == 503, "{}: {}", way.name, seen.response.summary());
        ensure!(seen.received.is_none(), "{}: the service was asked", way.name);
    }
    let seen = mesh.ask(&FROM_WEB, &Sent::body()).await?;
    ensure!(seen.response.status == 200 && seen.received.is_some(), "{}", seen.response.summary());
    mesh.unharmed().await
}
