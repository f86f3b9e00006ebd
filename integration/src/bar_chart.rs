//! Bar charts as SVG: groups of bars, one below the other, with vertical reference lines.

use svg::Document;
use svg::node::element::{Group as Drawing, Line, Rectangle, Style, Text, Title};

const WIDTH: usize = 760;
const MARGIN: usize = 16;
const NAMES: usize = 170;
const BARS: usize = 500;
const ROW: usize = 16;
const BAR: usize = 11;
const HEADING: usize = 26;
const AXIS: usize = 24;

/// Colours that are readable on light and dark pages.
const STYLE: &str = "
text { font: 12px system-ui, sans-serif; fill: #24292f }
.heading { font-weight: 600; font-size: 13px }
.axis { text-anchor: middle; font-size: 11px }
line { stroke: #d0d7de }
.bare { fill: #afb8c1 }
.no-op { fill: #8c959f }
.calls { fill: #57606a }
.panveil { fill: #1a7f37 }
.naive, .regex { fill: #0969da }
.lua, .dfa { fill: #9a6700 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  line { stroke: #30363d }
  .bare { fill: #484f58 }
  .no-op { fill: #6e7681 }
  .calls { fill: #afb8c1 }
  .panveil { fill: #3fb950 }
  .naive, .regex { fill: #4493f8 }
  .lua, .dfa { fill: #d29922 }
}
";

/// Chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Title.
    pub title: String,
    /// Reference lines: position as a share of the longest bar, and label.
    pub marks: Vec<(f64, String)>,
    /// Groups, from top to bottom.
    pub groups: Vec<Group>,
}

/// Group of bars under one heading.
#[derive(Clone, Debug)]
pub struct Group {
    /// Heading of the group.
    pub heading: String,
    /// Bars, from top to bottom.
    pub bars: Vec<Bar>,
}

/// Bar, or an empty row with a label.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Name in front of the bar.
    pub name: &'static str,
    /// CSS class, which sets the colour.
    pub class: &'static str,
    /// Length as a share of the longest possible bar. `None` shows only the label.
    pub length: Option<f64>,
    /// Label behind the bar.
    pub label: String,
}

impl Chart {
    /// Chart as SVG.
    #[must_use]
    pub fn draw(&self) -> String {
        let left = MARGIN + NAMES;
        let mut y = MARGIN + HEADING + AXIS;
        let mut rows = Drawing::new();
        for group in &self.groups {
            rows = rows.add(label(MARGIN, y + HEADING - 9, &group.heading).set("class", "heading"));
            y += HEADING;
            for bar in &group.bars {
                rows = rows.add(bar.draw(y));
                y += ROW;
            }
        }
        let mut document = Document::new().add(Title::new(&self.title)).add(Style::new(STYLE));
        document = document.add(label(MARGIN, MARGIN + 12, &self.title).set("class", "heading"));
        for (share, text) in &self.marks {
            let x = left + pixels(*share);
            let line = Line::new().set("x1", x).set("x2", x).set("y1", MARGIN + HEADING + AXIS).set("y2", y);
            let mark = label(x, MARGIN + HEADING + AXIS - 6, text).set("class", "axis");
            document = document.add(line).add(mark);
        }
        let height = y + MARGIN;
        let document =
            document.add(rows).set("viewBox", (0, 0, WIDTH, height)).set("width", WIDTH).set("height", height);
        format!("{document}\n")
    }
}

impl Bar {
    fn draw(&self, y: usize) -> Drawing {
        let left = MARGIN + NAMES;
        let group = Drawing::new().add(label(MARGIN + 12, y + BAR, self.name));
        let Some(length) = self.length.map(pixels) else { return group.add(label(left + 6, y + BAR, &self.label)) };
        let rectangle = Rectangle::new().set("x", left).set("y", y + 2).set("height", BAR).set("width", length);
        group.add(rectangle.set("rx", 2).set("class", self.class)).add(label(left + length + 6, y + BAR, &self.label))
    }
}

fn pixels(share: f64) -> usize {
    (share.clamp(0.0, 1.0) * BARS as f64).round() as usize
}

fn label(x: usize, y: usize, text: &str) -> Text {
    Text::new(text).set("x", x).set("y", y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        let bar = |name, length| Bar { name, class: name, length, label: "says".into() };
        let bars =
            vec![bar("none", Some(-1.0)), bar("half", Some(0.5)), bar("too-much", Some(7.0)), bar("fails", None)];
        let groups = vec![Group { heading: "all".into(), bars }];
        let chart = Chart { title: "Bars & more".into(), marks: vec![(1.0, "much".into())], groups }.draw();
        let width = |class: &str| {
            let bar = chart.lines().find(|line| line.contains(&format!("class=\"{class}\""))).unwrap();
            let (_, width) = bar.split_once("width=\"").unwrap();
            width.split('"').next().unwrap().parse::<usize>().unwrap()
        };
        assert_eq!((width("none"), width("half"), width("too-much")), (0, BARS / 2, BARS));
        assert!(!chart.contains("class=\"fails\"") && chart.contains("fails") && chart.contains("Bars &amp; more"));
    }
}
