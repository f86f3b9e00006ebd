//! Report of the evaluation for a terminal.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::{heading, level_name, percent, spread};
use crate::evaluation::corpus::{Expect, Tier};
use crate::evaluation::run::Outcome;

/// All results, as tables.
pub fn text(outcome: &Outcome<'_>) -> String {
    let plan = &outcome.plan;
    let seeds = plan.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let level = level_name(plan.level);
    let mut text = format!("level {level}, seeds {seeds}, {} records per class and seed\n", plan.records);
    for tier in Tier::ALL {
        let (title, headline) = heading(tier);
        text.push_str(&format!("\n{title}\n"));
        text.push_str(&tier_table(outcome, tier, headline).trim_fmt());
        text.push('\n');
    }
    text.push_str("\nTotal\n");
    text.push_str(&summary(outcome).trim_fmt());
    text.push('\n');
    text
}

fn tier_table(outcome: &Outcome<'_>, tier: Tier, headline: &str) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let mut header = vec!["  class", headline, "by seed"];
    header.extend(tier.has_cards().then_some("false positives"));
    header.push("expected");
    table.set_header(header);
    for measured in outcome.classes.iter().filter(|measured| measured.class.tier == tier) {
        let total = measured.total();
        let mut row = vec![format!("  {}", measured.class.name), percent(measured.headline(&total)), spread(measured)];
        row.extend(tier.has_cards().then(|| percent(total.wrong_share())));
        row.push(match &measured.class.expect {
            Expect::Found { at_least } => format!("at least {}", percent(*at_least)),
            Expect::Clean { at_most } => format!("at most {}", percent(*at_most)),
            Expect::Missed { .. } => "missed".to_owned(),
            Expect::Open => String::new(),
        });
        if measured.breach().is_some() {
            row.push("not as expected".to_owned());
        }
        table.add_row(row);
    }
    align(&mut table, 1..=3);
    table
}

fn summary(outcome: &Outcome<'_>) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    for (name, share) in figures(outcome) {
        table.add_row([format!("  {name}"), percent(share)]);
    }
    align(&mut table, 1..=1);
    table
}

/// Main figures.
pub(super) fn figures(outcome: &Outcome<'_>) -> [(&'static str, f64); 7] {
    let overall = outcome.overall();
    [
        ("everyday, card numbers found", outcome.tier(Tier::Everyday).recall()),
        ("hard, card numbers found", outcome.tier(Tier::Hard).recall()),
        ("evasion, card numbers found", outcome.tier(Tier::Evasion).recall()),
        ("negative, records flagged", outcome.tier(Tier::Negative).flagged_share()),
        ("adversarial, records flagged", outcome.tier(Tier::Adversarial).flagged_share()),
        ("precision (everyday, hard, negative)", overall.precision()),
        ("F1 (everyday, hard, negative)", overall.f1()),
    ]
}

fn align(table: &mut Table, columns: std::ops::RangeInclusive<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
