//! Output for people.

use super::{PartName, ScanFinding};
use anstyle::{AnsiColor, Style};

/// Colours of grep.
const PATH: Style = AnsiColor::Magenta.on_default();
const POSITION: Style = AnsiColor::Green.on_default();
const FINDING: Style = AnsiColor::Red.on_default().bold();

/// Line for a finding.
pub fn line(name: &PartName, finding: &ScanFinding, color: bool) -> String {
    let [path, position, found] = if color { [PATH, POSITION, FINDING] } else { [Style::new(); 3] };
    format!(
        "{path}{}{path:#}:{position}{}{position:#}:{position}{}{position:#}: {found}{}{found:#}\n",
        name.display.text(),
        finding.line,
        finding.column,
        finding.summary()
    )
}
