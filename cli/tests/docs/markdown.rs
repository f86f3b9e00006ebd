//! Parts of a Markdown page: code blocks, headings, and the commands and output of consoles.

/// Block between two fences, without its indentation.
pub struct Block {
    /// Language behind the first fence: `console`, `json`, `yaml` or another.
    pub language: String,
    /// Text between the fences.
    pub text: String,
    /// First line of the block, from 1.
    pub line: usize,
}

/// Command of a console, and the output that the page shows below it.
pub struct Step {
    /// Command as entered, with the lines of a here-document.
    pub command: String,
    /// Shown output. Empty when the page shows none.
    pub shown: String,
    /// First line of the command, from 1.
    pub line: usize,
}

/// Every fenced block, in order.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut all = Vec::new();
    let mut open: Option<(Block, usize)> = None;
    for (number, line) in (1_usize..).zip(text.lines()) {
        let fence = line.trim_start().strip_prefix("```");
        open = match (open.take(), fence) {
            (None, None) => None,
            (None, Some(language)) => {
                let indentation = line.len().saturating_sub(line.trim_start().len());
                let block =
                    Block { language: language.trim().into(), text: String::new(), line: number.saturating_add(1) };
                Some((block, indentation))
            }
            (Some((block, _)), Some(_)) => {
                all.push(block);
                None
            }
            (Some((mut block, indentation)), None) => {
                block.text.push_str(line.get(indentation..).unwrap_or_default());
                block.text.push('\n');
                Some((block, indentation))
            }
        };
    }
    all
}

/// Text with its blocks replaced by empty lines.
pub fn prose(text: &str) -> String {
    let mut within = false;
    let lines = text.lines().map(|line| {
        let fence = line.trim_start().starts_with("```");
        let code = within || fence;
        within ^= fence;
        if code { "" } else { line }
    });
    lines.collect::<Vec<&str>>().join("\n")
}

/// Text between single backticks.
pub fn spans(text: &str) -> Vec<String> {
    let prose = prose(text);
    prose.split('`').skip(1).step_by(2).map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Every command of every console, in order.
pub fn steps(text: &str) -> Vec<Step> {
    blocks(text).iter().filter(|block| block.language == "console").flat_map(console).collect()
}

fn console(block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut until: Option<String> = None;
    for (line, text) in (block.line..).zip(block.text.lines()) {
        match (until.take(), text.strip_prefix("$ "), steps.last_mut()) {
            (Some(end), _, Some(step)) => {
                step.command.push('\n');
                step.command.push_str(text);
                until = (text != end).then_some(end);
            }
            (_, Some(command), _) => {
                until = here_document(command);
                steps.push(Step { command: command.into(), shown: String::new(), line });
            }
            (_, None, Some(step)) => {
                step.shown.push_str(text);
                step.shown.push('\n');
            }
            (_, None, None) => {}
        }
    }
    steps
}

/// End marker of a here-document, when the command has one.
fn here_document(command: &str) -> Option<String> {
    let (_, rest) = command.split_once("<<")?;
    let word = rest.split_whitespace().next()?;
    Some(word.trim_matches('\'').to_owned())
}

/// Anchor of each heading, as GitHub makes it: lowercase, with dashes for spaces, and otherwise only letters and
/// digits.
pub fn anchors(text: &str) -> Vec<String> {
    let prose = prose(text);
    let headings = prose
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')));
    let (mut all, mut known): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for heading in headings {
        let kept = heading.trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let same = known.iter().filter(|known| **known == anchor).count();
        all.push(if same == 0 { anchor.clone() } else { format!("{anchor}-{same}") });
        known.push(anchor);
    }
    all
}

/// Whether a command printed the output of the page. Without shown output, whether it succeeded.
pub fn is_right(shown: &str, printed: &str, status: i32) -> bool {
    if shown.is_empty() { status == 0 } else { is_shown(shown, printed) }
}

/// Whether a program printed the output of the page. `…` or `...` stands for any text within a line; as a whole line,
/// for any lines.
pub fn is_shown(shown: &str, printed: &str) -> bool {
    let shown: Vec<&str> = shown.lines().map(str::trim_end).collect();
    let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
    lines_fit(&shown, &printed)
}

fn lines_fit(shown: &[&str], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((&"…", rest)) => {
            (0..=printed.len()).any(|from| lines_fit(rest, printed.get(from..).unwrap_or_default()))
        }
        Some((line, rest)) => match printed.split_first() {
            Some((first, others)) => line_fits(line, first) && lines_fit(rest, others),
            None => false,
        },
    }
}

fn line_fits(shown: &str, printed: &str) -> bool {
    let shown = shown.replace("...", "…");
    let Some((start, rest)) = shown.split_once('…') else { return shown == printed };
    let Some(mut left) = printed.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('…').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, behind)) = left.split_once(part) else { return false };
        left = behind;
    }
    left.ends_with(end)
}

#[test]
fn the_parts_of_a_page_are_found() {
    let page = "# A `b`: c\n\n`x`\n```console\n$ cat > f <<'END'\n$ no command\nEND\n$ ls\nf\n```\n## A b c\n## A b c\n\n  ```yaml\n  a: 1\n  ```\n";
    let steps: Vec<_> = steps(page).into_iter().map(|step| (step.line, step.command, step.shown)).collect();
    let first = (5, "cat > f <<'END'\n$ no command\nEND".to_owned(), String::new());
    assert_eq!(steps, [first, (8, "ls".to_owned(), "f\n".to_owned())]);
    assert_eq!(blocks(page).last().map(|block| (block.line, block.text.as_str())), Some((15, "a: 1\n")));
    assert_eq!(anchors(page), ["a-b-c", "a-b-c-1", "a-b-c-2"]);
    assert_eq!(spans(page), ["b", "x"]);
}

#[test]
fn shown_output_is_compared_with_printed_output() {
    assert!(is_shown("a … c … e\n", "a b c d e\n") && is_shown("a\n…\nz\n", "a\nb\nc\nz\n") && is_shown("…\n", ""));
    assert!(!is_shown("a … c\n", "a b\n") && !is_shown("a\n", "a\nb\n") && !is_shown("a\nb\n", "a\n"));
    assert!(!is_shown("1…1\n", "1\n") && is_shown("4111...1111\n", "411111******1111\n"));
}
