//! Workflow commands of GitHub Actions.

use super::{PartName, ScanFinding};

/// Command that annotates the line of a finding. A member of an archive is in the message, because it has no line in the file.
pub fn command(name: &PartName, finding: &ScanFinding) -> String {
    let is_file = !name.relative.is_member() && name.commit().is_none();
    let position = if is_file {
        let end = finding.column.saturating_add(finding.characters);
        format!(",line={},col={},endColumn={end}", finding.line, finding.column)
    } else {
        String::new()
    };
    let location = format!("{}:{}:{}", name.display.text(), finding.line, finding.column);
    format!(
        "::error file={}{position},title=Cardholder data::{}\n",
        property(&name.relative.file_text()),
        escaped(&format!("{location}: {}", finding.summary()))
    )
}

/// Text of a command (actions/toolkit, packages/core/src/command.ts).
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Value of a property of a command.
fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}
