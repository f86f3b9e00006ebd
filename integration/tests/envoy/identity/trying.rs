//! Test of a condition in two rules: one that allows card numbers that are blocked otherwise, and one that blocks card
//! numbers that are allowed otherwise. An unknown result must not weaken protection in either.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::exchange::{Fate, Outcome, Seen, Sent};
use super::mesh::Mesh;
use super::workloads::Way;

/// Name of the rule with the condition.
const RULE: &str = "tried";

/// Result of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Yes,
    No,
    /// Unknown.
    Open,
}

/// Condition, and its result for these streams.
pub struct Condition {
    text: Value,
    expected: Vec<Expected>,
}

/// Stream, and the result of a condition for it.
pub type Expected = (&'static Way, Sent, Holds);

impl Condition {
    pub fn new(text: Value, expected: Vec<Expected>) -> Self {
        Self { text, expected }
    }

    /// Tests both rules on all streams.
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

/// Runs all of these streams under the active policy.
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
