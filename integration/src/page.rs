//! Generated part of a page, between two marker lines.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const END: &str = "<!-- The rest is written by hand. -->";

/// Replaces the part of the page at `path` that `program` generates with `results`.
///
/// # Errors
///
/// When the page cannot be read or written, or has no such part.
pub fn rewrite(path: &Path, program: &str, results: &str) -> Result<()> {
    let page = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let page = update(&page, program, results).with_context(|| path.display().to_string())?;
    fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))
}

/// `page` with `results` in the generated part.
fn update(page: &str, program: &str, results: &str) -> Result<String> {
    let begin = format!("<!-- Written by `{program}`. -->");
    let (before, rest) = page.split_once(&begin).with_context(|| format!("no line {begin}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("no line {END} behind {begin}"))?;
    Ok(format!("{before}{begin}\n\n{results}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_lines_is_replaced() {
        let begin = "<!-- Written by `make x`. -->";
        let page = format!("# A\n\n{begin}\nold\n{END}\n\nB\n");
        assert_eq!(update(&page, "make x", "new\n").unwrap(), format!("# A\n\n{begin}\n\nnew\n\n{END}\n\nB\n"));
        assert!(update("# A\n", "make x", "new").unwrap_err().to_string().contains("no line"));
        assert!(update(&page, "make y", "new").is_err());
    }
}
