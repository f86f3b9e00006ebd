//! Policies in files of JSON or YAML.
//!
//! The filter's own parser reads both, so that command and filter accept the same policies. YAML is converted to JSON first. A tree
//! of the document maps the errors of the parser to lines and columns.

mod manifest;

use super::document::{self, Diagnostic, Node, Position};
use super::failure::Failure;
use super::input;
use panveil::policy::{ErrorLocation, Policy, PolicyError};
use serde::de::IgnoredAny;
use std::path::Path;

/// Largest file that is read. The filter's parser checks the size of the policy itself.
const MAX_BYTES: usize = 1 << 20;

/// Reads the policy in the file at `path`, or from standard input if the path is `-`.
pub fn read(path: &Path) -> Result<Policy, Failure> {
    let name = input::name(path);
    let bytes = input::text(path, MAX_BYTES)?;
    if bytes.trim_ascii().is_empty() {
        // The filter reads an absent configuration as {}, but an empty file is more often a mistake.
        return Err(Failure::Error(format!("{name}: the policy is empty; write {{}} for the defaults")));
    }
    parse(path, &bytes).map_err(|diagnostic| Failure::Error(diagnostic.in_file(&name)))
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Policy, Diagnostic> {
    let Ok(text) = str::from_utf8(bytes) else { return from_json(bytes, None) };
    if bytes.len() > MAX_BYTES {
        return from_json(bytes, None);
    }
    let is_json = is_json(path, text);
    let tree = document::read(text);
    // A document that only begins like JSON may be YAML.
    let tree = if is_json { tree.ok().filter(|_| is_valid_json(text)) } else { Some(tree?) };
    let part = tree.as_deref().map(manifest::configuration).transpose()?.flatten();
    match (part, &tree) {
        (None, tree) if is_json => from_json(bytes, tree.as_deref()),
        (Some(node), _) => from_tree(node),
        (None, Some(tree)) => from_tree(tree),
        (None, None) => from_json(bytes, None),
    }
}

/// Reads JSON. `tree` has the positions of its values.
fn from_json(bytes: &[u8], tree: Option<&Node>) -> Result<Policy, Diagnostic> {
    Policy::parse(bytes).map_err(|error| diagnostic(&error, tree))
}

/// Reads the JSON form of a tree.
pub fn from_tree(tree: &Node) -> Result<Policy, Diagnostic> {
    if let Some(position) = tree.ambiguous() {
        let text = "ambiguous YAML 1.1 scalar; quote it, or write a number in plain decimals";
        return Err(Diagnostic::at(position, text));
    }
    let json = serde_json::to_vec(tree)
        .map_err(|_| Diagnostic { position: None, text: "cannot be written as JSON".to_owned() })?;
    Policy::parse(&json).map_err(|error| diagnostic(&error, Some(tree)))
}

fn diagnostic(error: &PolicyError, tree: Option<&Node>) -> Diagnostic {
    let position = match error.location() {
        ErrorLocation::Character(line, column) => Some(Position { line, column }),
        ErrorLocation::Line(line) => Some(Position { line, column: 1 }),
        location => tree.and_then(|tree| tree.find(location)),
    };
    Diagnostic { position, text: error.reason() }
}

/// True if the file is JSON by its extension, or else by the beginning of the text. YAML rarely begins like JSON.
fn is_json(path: &Path, text: &str) -> bool {
    let has_extension = |extension: &str| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(extension));
    let begins = text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[', '"']);
    if has_extension("json") {
        true
    } else if has_extension("yaml") || has_extension("yml") {
        begins && is_valid_json(text)
    } else {
        begins
    }
}

fn is_valid_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text.trim_start_matches('\u{feff}')).is_ok()
}
