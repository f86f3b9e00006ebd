//! Results on `docs/evaluation.md`.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{Cell, CellAlignment, Table};

use super::table::figures;
use super::{heading, level_name, percent, spread};
use crate::evaluation::builtin;
use crate::evaluation::corpus::{Expect, Tier};
use crate::evaluation::run::Outcome;

/// Results as Markdown: the figures at every level, the classes at the level of `classes`, and the built-in patterns.
pub fn markdown(levels: &[Outcome<'_>], classes: &Outcome<'_>, patterns: &[builtin::Measured]) -> String {
    let plan = &classes.plan;
    let seeds = plan.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let level = level_name(plan.level);
    let mut text = format!(
        "Seeds {seeds} with {} records per class and seed. The tables of classes are for level `{level}`.\n",
        plan.records
    );
    text.push_str(&format!("\n{}\n", summary(levels)));
    for tier in Tier::ALL {
        let (title, headline) = heading(tier);
        text.push_str(&format!("\n### {title}\n\n{}\n", tier_table(classes, tier, headline)));
    }
    text.push_str(&format!("\n### Built-in patterns\n\n{}\n", builtin_patterns(patterns)));
    text.push_str(&format!("\n### Known false negatives\n\n{}\n", missed(classes)));
    text
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(header.iter().copied().map(Cell::new));
    table
}

fn summary(levels: &[Outcome<'_>]) -> Table {
    let names = levels.iter().map(|outcome| level_name(outcome.plan.level));
    let mut table = table(&[""].into_iter().chain(names).collect::<Vec<_>>());
    let columns: Vec<_> = levels.iter().map(figures).collect();
    for (row, (name, _)) in columns.first().into_iter().flatten().enumerate() {
        let shares = columns.iter().map(|figures| percent(figures[row].1));
        table.add_row(std::iter::once((*name).to_owned()).chain(shares));
    }
    align(&mut table, 1..=levels.len());
    table
}

fn tier_table(outcome: &Outcome<'_>, tier: Tier, headline: &str) -> Table {
    let wrong = tier.has_cards().then_some("false positives");
    let mut table = table(&["class", "content", headline, "by seed"].into_iter().chain(wrong).collect::<Vec<_>>());
    for measured in outcome.classes.iter().filter(|measured| measured.class.tier == tier) {
        let total = measured.total();
        let class = measured.class;
        let about = class.about.replace('|', "\\|");
        let mut row = vec![class.name.clone(), about, percent(measured.headline(&total)), spread(measured)];
        row.extend(tier.has_cards().then(|| percent(total.wrong_share())));
        table.add_row(row);
    }
    align(&mut table, 2..=4);
    table
}

fn builtin_patterns(patterns: &[builtin::Measured]) -> Table {
    let mut table = table(&["pattern", "records", "flagged", "most of them in class", "class left out"]);
    for measured in patterns {
        let share = measured.flagged as f64 / measured.records as f64;
        let worst = measured.worst.as_ref().map(|(class, count)| format!("{class}: {count}"));
        table.add_row([
            format!("`{}`", measured.pattern.as_str()),
            measured.records.to_string(),
            if measured.flagged == 0 { "0".to_owned() } else { format!("{} ({})", measured.flagged, percent(share)) },
            worst.unwrap_or_default(),
            measured.own.unwrap_or_default().to_owned(),
        ]);
    }
    align(&mut table, 1..=2);
    table
}

fn missed(outcome: &Outcome<'_>) -> Table {
    let mut table = table(&["class", "found", "reason"]);
    for measured in &outcome.classes {
        if let Expect::Missed { why } = &measured.class.expect {
            table.add_row([&measured.class.name, &percent(measured.total().recall()), why]);
        }
    }
    align(&mut table, 1..=1);
    table
}

fn align(table: &mut Table, columns: std::ops::RangeInclusive<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
