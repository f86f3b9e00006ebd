//! Chart of the evaluation.
//!
//! A bar for each class: the share of found card numbers, or of flagged records in classes without card numbers.

use svg::Document;
use svg::node::element::{Group, Rectangle, Style, Text, Title};

use super::{heading, percent};
use crate::evaluation::corpus::{Expect, Tier};
use crate::evaluation::run::{Measured, Outcome};

const WIDTH: usize = 760;
const MARGIN: usize = 16;
const NAMES: usize = 200;
const BARS: usize = 460;
const ROW: usize = 18;
const BAR: usize = 12;
const HEADING: usize = 34;

/// Colours that are readable on light and dark pages.
const STYLE: &str = "
text { font: 12px system-ui, sans-serif; fill: #24292f }
.heading { font-weight: 600; font-size: 13px }
.empty { fill: #d0d7de }
.good { fill: #1a7f37 }
.open { fill: #9a6700 }
.bad { fill: #cf222e }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .empty { fill: #30363d }
  .good { fill: #3fb950 }
  .open { fill: #d29922 }
  .bad { fill: #f85149 }
}
";

/// Chart as SVG.
pub fn chart(outcome: &Outcome<'_>) -> String {
    let mut document =
        Document::new().add(Title::new("Card numbers found and records flagged, by class")).add(Style::new(STYLE));
    let mut y = MARGIN;
    for tier in Tier::ALL {
        let (title, headline) = heading(tier);
        document =
            document.add(label(MARGIN, y + HEADING - 8, &format!("{title}: {headline}")).set("class", "heading"));
        y += HEADING;
        for measured in outcome.classes.iter().filter(|measured| measured.class.tier == tier) {
            document = document.add(bar(measured, y));
            y += ROW;
        }
    }
    let document = document.set("viewBox", (0, 0, WIDTH, y + MARGIN)).set("width", WIDTH).set("height", y + MARGIN);
    format!("{document}\n")
}

/// Name of a class, its bar and its share.
fn bar(measured: &Measured<'_>, y: usize) -> Group {
    let share = measured.headline(&measured.total());
    let left = MARGIN + NAMES;
    let filled = (share * BARS as f64).round();
    let rectangle = || Rectangle::new().set("x", left).set("y", y + 3).set("height", BAR).set("rx", 2);
    let empty = rectangle().set("width", BARS).set("class", "empty");
    let full = rectangle().set("width", filled).set("class", colour(measured));
    let name = label(MARGIN, y + BAR + 1, &measured.class.name);
    Group::new().add(name).add(empty).add(full).add(label(left + BARS + 8, y + BAR + 1, &percent(share)))
}

/// Green for expected findings, red for false findings, amber for known misses and undecidable classes.
fn colour(measured: &Measured<'_>) -> &'static str {
    match measured.class.expect {
        Expect::Found { .. } => "good",
        Expect::Clean { .. } => "bad",
        Expect::Missed { .. } | Expect::Open => "open",
    }
}

fn label(x: usize, y: usize, text: &str) -> Text {
    Text::new(text).set("x", x).set("y", y)
}
