//! Names in a source file: its tokens, without comments and string contents.

use std::collections::BTreeSet;

/// Module of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Module {
    /// `lib.rs`, the map of all stages.
    Map,
    /// The `panveil` command.
    Command,
    /// Another crate that the filter uses, which knows none of its stages.
    Apart,
    /// Module of the library, by its path.
    Stage(Vec<String>),
}

/// Source file as a list of tokens.
pub struct Source<'a> {
    tokens: Vec<Token<'a>>,
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    line: usize,
    in_test: bool,
}

impl Module {
    /// Module in the file at `path`, which is relative to the filter's `src/`, or begins with the folder of another crate.
    pub fn of_file(path: &str) -> Self {
        let stem = path.strip_suffix(".rs").unwrap_or(path);
        match stem {
            "lib" => Self::Map,
            _ if stem.starts_with("cli/") => Self::Command,
            _ if stem.starts_with("codings/") => Self::Apart,
            _ => Self::Stage(stem.strip_suffix("/mod").unwrap_or(stem).split('/').map(str::to_owned).collect()),
        }
    }
}

/// Modules that contain only tests: those that `mod name;` declares under one of the [`FOR_TESTS`].
pub fn test_modules(files: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        let stem = path.strip_suffix(".rs").unwrap_or(path);
        let root = ["/mod", "/lib", "/main"].iter().find_map(|name| stem.strip_suffix(name));
        let folder = root.unwrap_or(stem);
        let source = Source::read(text);
        for three in source.tokens.windows(3) {
            if let [keyword, name, end] = three
                && (keyword.in_test, keyword.text, end.text) == (true, "mod", ";")
            {
                found.push(format!("{folder}/{}", name.text));
            }
        }
    }
    found
}

/// Whether a file belongs to one of the `modules`, or to a module within it.
pub fn is_in(path: &str, modules: &[String]) -> bool {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let is_within = |rest: &str| rest.is_empty() || rest.starts_with('/');
    modules.iter().any(|module| stem.strip_prefix(module.as_str()).is_some_and(is_within))
}

impl<'a> Source<'a> {
    pub fn read(text: &'a str) -> Self {
        let mut tokens = Vec::new();
        let (mut rest, mut line) = (text, 1);
        while let Some(first) = rest.chars().next() {
            let (len, kind) = measure(rest, first);
            let (token, after) = rest.split_at(len);
            if kind == Kind::Token {
                tokens.push(Token { text: token, line, in_test: false });
            }
            line += token.matches('\n').count();
            rest = after;
        }
        mark_tests(&mut tokens);
        Self { tokens }
    }

    /// First segment of every path that begins at the root of the library, with its line.
    pub fn stages_named(&self, module: &Module) -> Vec<(usize, String)> {
        let mut named = Vec::new();
        // Modules that enclose the token, each with the brace depth of its start.
        let mut open: Vec<usize> = Vec::new();
        let mut depth: usize = 0;
        for (index, token) in self.tokens.iter().enumerate() {
            match token.text {
                "{" => {
                    depth += 1;
                    if index >= 2 && self.is(index - 2, "mod") {
                        open.push(depth);
                    }
                }
                "}" => {
                    open.pop_if(|opened| *opened == depth);
                    depth = depth.saturating_sub(1);
                }
                "crate" if !matches!(module, Module::Command | Module::Apart) => {
                    named.extend(self.first_names(index + 1))
                }
                "panveil" if matches!(module, Module::Command | Module::Apart) => {
                    named.extend(self.first_names(index + 1))
                }
                "super" if !self.follows_path(index) => {
                    let ups = (0..).take_while(|up| self.is(index + 3 * up, "super")).count();
                    let levels = match module {
                        Module::Stage(path) => path.len() + open.len(),
                        Module::Map | Module::Command | Module::Apart => usize::MAX,
                    };
                    if ups == levels {
                        named.extend(self.first_names(index + 3 * ups - 2));
                    }
                }
                _ => {}
            }
        }
        named
    }

    /// Words outside of strings. In a file that is no test itself, only those outside test items.
    pub fn words(&self, is_test: bool) -> impl Iterator<Item = (usize, &'a str)> {
        // Code in test items is not part of the filter. `unsafe` counts everywhere.
        let counts = move |token: &&Token| token.text == "unsafe" || !(is_test || token.in_test);
        self.tokens.iter().filter(counts).map(|token| (token.line, token.text))
    }

    /// Lines with `extern "…"`.
    pub fn foreign_functions(&self) -> impl Iterator<Item = usize> {
        let pairs = self.tokens.windows(2).filter_map(|pair| if let [a, b] = pair { Some((a, b)) } else { None });
        pairs
            .filter(|(keyword, abi)| keyword.text == "extern" && abi.text.starts_with('"'))
            .map(|(keyword, _)| keyword.line)
    }

    /// Lines of code outside tests.
    pub fn lines_of_code(&self) -> usize {
        let lines: BTreeSet<usize> =
            self.tokens.iter().filter(|token| !token.in_test).map(|token| token.line).collect();
        lines.len()
    }

    /// Segments that follow a path: one after `::`, or the first segment of each branch of `::{…}`.
    fn first_names(&self, index: usize) -> Vec<(usize, String)> {
        if !(self.is(index, ":") && self.is(index + 1, ":")) {
            return Vec::new();
        }
        let name = |token: &Token<'_>| (token.line, token.text.to_owned());
        if !self.is(index + 2, "{") {
            return self.tokens.get(index + 2).map(name).into_iter().collect();
        }
        let mut names = Vec::new();
        let mut depth = 0_usize;
        for token in self.tokens.iter().skip(index + 2) {
            match token.text {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                break;
            }
            let before = names.len();
            let opens = names.last().is_none_or(|last: &Option<_>| last.is_none());
            if depth == 1 && token.text == "," {
                names.push(None);
            } else if depth == 1 && opens && token.text != "{" {
                names.truncate(before.saturating_sub(1));
                names.push(Some(name(token)));
            }
        }
        names.into_iter().flatten().collect()
    }

    fn is(&self, index: usize, text: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.text == text)
    }

    fn follows_path(&self, index: usize) -> bool {
        index.checked_sub(1).is_some_and(|before| self.is(before, ":"))
    }
}

/// Attributes of items that are never part of the Wasm module. The fuzz targets use tests of the library.
const FOR_TESTS: [&[&str]; 2] = [
    &["#", "[", "cfg", "(", "test", ")", "]"],
    &["#", "[", "cfg", "(", "any", "(", "test", ",", "feature", "=", "\"fuzzing\"", ")", ")", "]"],
];

/// Marks the tokens of items under one of the [`FOR_TESTS`].
fn mark_tests(tokens: &mut [Token<'_>]) {
    let mut start = 0;
    while let Some(rest) = tokens.get_mut(start..).filter(|rest| !rest.is_empty()) {
        let opens = |attribute: &&[&str]| {
            rest.len() > attribute.len() && rest.iter().zip(*attribute).all(|(token, expected)| token.text == *expected)
        };
        if !FOR_TESTS.iter().any(opens) {
            start += 1;
            continue;
        }
        let mut depth = 0_usize;
        let mut len = 0;
        for token in rest.iter_mut() {
            token.in_test = true;
            len += 1;
            match token.text {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && matches!(token.text, ";" | "}") {
                break;
            }
        }
        start += len;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Token,
    Blank,
}

/// Length of the token or blank at the front of `rest`.
fn measure(rest: &str, first: char) -> (usize, Kind) {
    let until = |end: &str, from: usize| {
        rest.get(from..).and_then(|rest| rest.find(end)).map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), Kind::Blank);
    }
    if rest.starts_with("/*") {
        return (until("*/", 2), Kind::Blank);
    }
    if first.is_whitespace() {
        return (first.len_utf8(), Kind::Blank);
    }
    if let Some(len) = raw_string(rest) {
        return (len, Kind::Token);
    }
    if first == '"' || rest.starts_with("b\"") || rest.starts_with("c\"") {
        return (string(rest), Kind::Token);
    }
    if first == '\'' {
        return (quote(rest), Kind::Token);
    }
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    (word.max(first.len_utf8()), Kind::Token)
}

/// Raw string: `r"…"`, `r#"…"#`, `br"…"` and so on.
fn raw_string(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix(['b', 'c']).unwrap_or(rest).strip_prefix('r')?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    body.get(hashes..)?.strip_prefix('"')?;
    let start = rest.len() - body.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(rest.get(start..)?.find(&end).map_or(rest.len(), |at| start + at + end.len()))
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    let start = rest.find('"').unwrap_or_default() + 1;
    for (at, c) in rest.char_indices().skip_while(|(at, _)| *at < start) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Character in quotes, or the quote of a lifetime.
fn quote(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), _) => rest.get(3..).and_then(|rest| rest.find('\'')).map_or(rest.len(), |at| at + 4),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}
