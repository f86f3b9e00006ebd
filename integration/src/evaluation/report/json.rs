//! Report of the evaluation as JSON.

use serde_json::{Value, json};

use super::level_name;
use crate::evaluation::corpus::{Expect, Tier};
use crate::evaluation::run::Outcome;
use crate::evaluation::tally::Tally;

/// All results, as one JSON document.
pub fn json(outcome: &Outcome<'_>) -> Value {
    let plan = &outcome.plan;
    let classes = outcome.classes.iter().map(|measured| {
        let class = measured.class;
        json!({
            "name": class.name,
            "tier": class.tier.as_str(),
            "expect": expect(&class.expect),
            "total": tally(&measured.total()),
            "by_seed": measured.by_seed.iter().map(tally).collect::<Vec<_>>(),
            "breach": measured.breach(),
        })
    });
    let tiers = Tier::ALL.map(|tier| (tier.as_str().to_owned(), tally(&outcome.tier(tier))));
    json!({
        "level": level_name(plan.level),
        "seeds": plan.seeds,
        "records": plan.records,
        "classes": classes.collect::<Vec<_>>(),
        "tiers": Value::Object(tiers.into_iter().collect()),
        "overall": tally(&outcome.overall()),
    })
}

fn expect(expect: &Expect) -> Value {
    match expect {
        Expect::Found { at_least } => json!({"found": at_least}),
        Expect::Missed { why } => json!({"missed": why}),
        Expect::Clean { at_most } => json!({"clean": at_most}),
        Expect::Open => Value::Null,
    }
}

fn tally(tally: &Tally) -> Value {
    json!({
        "records": tally.records,
        "flagged": tally.flagged,
        "wrong": tally.wrong,
        "cards": tally.cards,
        "found": tally.found,
        "false_findings": tally.false_findings,
        "recall": tally.recall(),
        "precision": tally.precision(),
        "f1": tally.f1(),
    })
}
