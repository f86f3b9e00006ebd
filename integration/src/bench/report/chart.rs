//! What do the charts of the measurement look like?
//!
//! A group of bars for each scenario, a bar for each contestant. A bar's length is the logarithm of the ratio to Envoy
//! without a filter: one that costs nothing has none.

use svg::Document;
use svg::node::element::{Group, Line, Rectangle, Style, Text, Title};

use super::ratio;
use crate::bench::contestant::Contestant;
use crate::bench::lane::Figures;
use crate::bench::rounds::Outcome;

const WIDTH: usize = 760;
const MARGIN: usize = 16;
const NAMES: usize = 170;
const BARS: usize = 500;
const ROW: usize = 16;
const BAR: usize = 11;
const HEADING: usize = 26;
const AXIS: usize = 24;

/// Readable on a light and on a dark page.
const STYLE: &str = "
text { font: 12px system-ui, sans-serif; fill: #24292f }
.heading { font-weight: 600; font-size: 13px }
.axis { text-anchor: middle; font-size: 11px }
line { stroke: #d0d7de }
.no-op { fill: #8c959f }
.panveil { fill: #1a7f37 }
.naive { fill: #0969da }
.lua { fill: #9a6700 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  line { stroke: #30363d }
  .no-op { fill: #6e7681 }
  .panveil { fill: #3fb950 }
  .naive { fill: #4493f8 }
  .lua { fill: #d29922 }
}
";

/// Processor time of an exchange.
#[must_use]
pub fn cpu_chart(outcomes: &[Outcome]) -> String {
    chart("CPU of an exchange, times that of Envoy without a filter", outcomes, |figures| figures.cpu.median())
}

/// The most memory that Envoy had.
#[must_use]
pub fn memory_chart(outcomes: &[Outcome]) -> String {
    chart("Peak memory, times that of Envoy without a filter", outcomes, |figures| figures.peak as f64)
}

fn chart(title: &str, outcomes: &[Outcome], value: fn(&Figures) -> f64) -> String {
    let base = |outcome: &Outcome| outcome.figures(Contestant::None).map_or(0.0, value);
    let largest = outcomes.iter().flat_map(|outcome| {
        let base = base(outcome);
        outcome.by_contestant.iter().filter_map(move |(_, figures)| Some(value(figures.as_ref().ok()?) / base))
    });
    let doublings = largest.filter(|ratio| ratio.is_finite()).fold(2.0, f64::max).log2().ceil() as usize;
    let left = MARGIN + NAMES;
    let mut y = MARGIN + HEADING + AXIS;
    let mut rows = Group::new();
    for outcome in outcomes {
        let heading = format!("{}: {}", outcome.scenario.name, outcome.scenario.about);
        rows = rows.add(label(MARGIN, y + HEADING - 9, &heading).set("class", "heading"));
        y += HEADING;
        for (contestant, figures) in outcome.by_contestant.iter().filter(|(one, _)| *one != Contestant::None) {
            let value = figures.as_ref().map(value).map_err(|_| ());
            rows = rows.add(bar(*contestant, value, base(outcome), doublings, y));
            y += ROW;
        }
    }
    let mut document = Document::new().add(Title::new(title)).add(Style::new(STYLE));
    document = document.add(label(MARGIN, MARGIN + 12, title).set("class", "heading"));
    for doubling in 0..=doublings {
        let x = left + BARS * doubling / doublings;
        let line = Line::new().set("x1", x).set("x2", x).set("y1", MARGIN + HEADING + AXIS).set("y2", y);
        let mark = label(x, MARGIN + HEADING + AXIS - 6, &format!("{}×", 1_u64 << doubling)).set("class", "axis");
        document = document.add(line).add(mark);
    }
    let height = y + MARGIN;
    let document = document.add(rows).set("viewBox", (0, 0, WIDTH, height)).set("width", WIDTH).set("height", height);
    format!("{document}\n")
}

/// A contestant's name, its bar and its ratio.
fn bar(contestant: Contestant, value: Result<f64, ()>, base: f64, doublings: usize, y: usize) -> Group {
    let left = MARGIN + NAMES;
    let group = Group::new().add(label(MARGIN + 12, y + BAR, contestant.name()));
    let Ok(value) = value else { return group.add(label(left + 6, y + BAR, "fails")) };
    let length = ((value / base).log2().max(0.0) / doublings as f64 * BARS as f64).round() as usize;
    let rectangle = Rectangle::new().set("x", left).set("y", y + 2).set("height", BAR).set("width", length);
    let ratio = label(left + length + 6, y + BAR, &format!("{}×", ratio(value, base)));
    group.add(rectangle.set("rx", 2).set("class", class(contestant))).add(ratio)
}

fn class(contestant: Contestant) -> &'static str {
    match contestant {
        Contestant::None => "none",
        Contestant::NoOp => "no-op",
        Contestant::Panveil => "panveil",
        Contestant::Naive => "naive",
        Contestant::Lua => "lua",
    }
}

fn label(x: usize, y: usize, text: &str) -> Text {
    Text::new(text).set("x", x).set("y", y)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bench::scenario::Scenario;

    #[test]
    fn a_bar_is_as_long_as_its_ratio_has_doublings() {
        let figures = |micros: f64| {
            let mut figures = Figures::default();
            figures.cpu.add(micros);
            Ok(figures)
        };
        let by_contestant = vec![
            (Contestant::None, figures(10.0)),
            (Contestant::NoOp, figures(9.0)),
            (Contestant::Panveil, figures(20.0)),
            (Contestant::Naive, figures(160.0)),
            (Contestant::Lua, Err("answered with 500".to_owned())),
        ];
        let scenario = Arc::new(Scenario::all().remove(0));
        let chart = cpu_chart(&[Outcome { scenario, by_contestant }]);
        let width = |class: &str| {
            let bar = chart.lines().find(|line| line.contains(&format!("class=\"{class}\""))).unwrap();
            let (_, width) = bar.split_once("width=\"").unwrap();
            width.split('"').next().unwrap().parse::<usize>().unwrap()
        };
        assert_eq!((width("no-op"), width("panveil"), width("naive")), (0, BARS / 4, BARS));
        assert!(chart.contains("fails") && !chart.contains("\"lua\"") && !chart.contains("NaN"), "{chart}");
    }
}
