//! Location of a text within a file, such as a policy in a field of a manifest.

use super::diagnostic::Position;

/// Mapping from positions in a text to positions in its file.
#[derive(Clone, Copy)]
pub enum Origin {
    /// The text begins after so many lines of the file, and each of its lines after so many columns.
    Shifted { lines: usize, columns: usize },
    /// The file spells the text with escapes or folded lines, at this position.
    At(Position),
}

impl Origin {
    /// The text is the file.
    pub const FILE: Self = Self::Shifted { lines: 0, columns: 0 };

    /// Origin of the `text` of a scalar at `scalar` in `file`. A literal block has the lines of the text, indented.
    pub fn of_scalar(text: &str, scalar: Position, file: &str) -> Self {
        let starts = [scalar.line.saturating_sub(1), scalar.line];
        let columns = |lines: &usize| indentation(text, file.lines().skip(*lines)).map(|columns| (*lines, columns));
        match starts.iter().find_map(columns) {
            Some((lines, columns)) => Self::Shifted { lines, columns },
            None => Self::At(scalar),
        }
    }

    /// Position in the file.
    pub fn map(self, position: Position) -> Position {
        match self {
            Self::At(scalar) => scalar,
            Self::Shifted { lines, columns } => {
                Position { line: position.line.saturating_add(lines), column: position.column.saturating_add(columns) }
            }
        }
    }
}

/// Number of spaces before each line of `text` in these `lines` of a file; `None` if they are other lines.
fn indentation<'f>(text: &str, mut lines: impl Iterator<Item = &'f str>) -> Option<usize> {
    let mut indentation = None;
    for line in text.lines() {
        let before = lines.next()?.strip_suffix(line)?;
        let is_indented = before.bytes().all(|byte| byte == b' ');
        if !is_indented || !line.is_empty() && *indentation.get_or_insert(before.len()) != before.len() {
            return None;
        }
    }
    indentation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_literal_block_are_lines_of_the_file() {
        let file = "a:\n  b: |\n    {\n\n      \"c\": 1\n    }\n  d: \"{\"\n";
        let scalar = |line| Position { line, column: 6 };
        for line in [2, 3] {
            let origin = Origin::of_scalar("{\n\n  \"c\": 1\n}\n", scalar(line), file);
            assert_eq!(origin.map(Position { line: 3, column: 3 }), Position { line: 5, column: 7 });
        }
        for (text, line) in [("{", 7), ("{\n  \"c\": 1\n}\n", 2), ("", 2)] {
            let origin = Origin::of_scalar(text, scalar(line), file);
            assert_eq!(origin.map(Position { line: 3, column: 3 }), scalar(line), "{text}");
        }
    }
}
