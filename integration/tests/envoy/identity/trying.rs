//! Is a rule asked about what it says, and of those only it says? Each condition is tried twice: in a rule that lets cards
//! through what else refuses them, and in one that refuses what else lets them through. Where it cannot be told whether it
//! holds, nobody may gain by that in either.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::exchange::{Fate, Outcome, Seen, Sent};
use super::mesh::Mesh;
use super::workloads::Way;

/// The rule that has the condition.
const RULE: &str = "tried";

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Yes,
    No,
    /// It cannot be told.
    Open,
}

/// A condition, and whether it holds for these exchanges.
pub struct Condition {
    text: Value,
    expected: Vec<Expected>,
}

/// An exchange, and whether a condition holds for it.
pub type Expected = (&'static Way, Sent, Holds);

impl Condition {
    pub fn new(text: Value, expected: Vec<Expected>) -> Self {
        Self { text, expected }
    }

    /// Tries it, both ways, on all of them.
    pub async fn try_in(&self, mesh: &mut Mesh) -> Result<()> {
        for (action, otherwise) in [("allow", "block"), ("block", "allow")] {
            let rule = json!({"name": RULE, "match": self.text, "action": action});
            let policy = json!({"request": otherwise, "response": otherwise, "rules": [rule]});
            mesh.decide(&policy.to_string()).await?;
            let fate = |(way, sent, holds): &'_ Expected| (*way, sent.clone(), fate(sent, *holds, action == "allow"));
            exchange_all(mesh, &self.expected.iter().map(fate).collect::<Vec<_>>())
                .await
                .with_context(|| policy.to_string())?;
        }
        Ok(())
    }
}

/// Has all of these exchanges under the policy that is in force.
pub async fn exchange_all(mesh: &mut Mesh, fates: &[(&Way, Sent, Fate<'_>)]) -> Result<()> {
    let mut all = Vec::new();
    for (way, sent, _) in fates {
        all.push(mesh.ask(way, sent).await.with_context(|| title(way, sent))?);
    }
    let records = mesh.told(&all.iter().collect::<Vec<_>>()).await?;
    let check = |((way, sent, fate), seen): (&(&Way, Sent, Fate), &Seen)| {
        let outcome = seen.check(sent, *fate, records.get(&seen.number));
        outcome.err().map(|error| format!("{}: {error:#}", title(way, sent)))
    };
    let wrong: Vec<String> = fates.iter().zip(&all).filter_map(check).collect();
    ensure!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    Ok(())
}

fn fate(sent: &Sent, holds: Holds, allows: bool) -> Fate<'static> {
    let default = sent.direction();
    let (outcome, rule) = match (holds, allows) {
        (Holds::Yes, true) => (Outcome::Allowed, RULE),
        (_, true) => (Outcome::Blocked, default),
        (Holds::No, false) => (Outcome::Allowed, default),
        (_, false) => (Outcome::Blocked, RULE),
    };
    Fate { outcome, rule }
}

fn title(way: &Way, sent: &Sent) -> String {
    format!("{}: {}", way.name, sent.title())
}
