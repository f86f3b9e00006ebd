//! Policies in files of JSON or YAML: the file itself, or those in manifests and in Envoy's configuration.
//!
//! The filter's own parser reads all of them, so that command and filter accept the same policies. YAML is converted to JSON first. A
//! tree of the document maps the errors of the parser to lines and columns.

mod envoy;
mod file;
mod finder;
mod kubernetes;

pub use file::PolicyFile;

use super::document::{self, Diagnostic, Node, Origin, Position};
use super::failure::Failure;
use panveil::policy::{ErrorLocation, Policy, PolicyError};
use std::path::Path;
use std::rc::Rc;

/// Largest policy with its aliases expanded. The filter has the same limit.
const MAX_BYTES: usize = 1 << 20;

/// Policy in a file.
pub struct FoundPolicy {
    /// Resource or filter with the policy, such as `WasmPlugin shop/panveil`, and the position of the policy in the file. `None` if the
    /// file itself is the policy.
    pub location: Option<(String, Position)>,
    /// Configuration of the filter, or the reason for which it has none.
    configuration: Result<Configuration, Diagnostic>,
}

/// Configuration of the filter in a file.
enum Configuration {
    /// Values that reach the filter as JSON.
    Tree(Rc<Node>),
    /// Text that reaches the filter unchanged, and its tree if it has one.
    Text { json: Vec<u8>, origin: Origin, tree: Option<Rc<Node>> },
}

/// Reads the policy in the file at `path`, or from standard input if the path is `-`.
pub fn read(path: &Path) -> Result<Policy, Failure> {
    let file = PolicyFile::read(path)?;
    match file.policies.as_slice() {
        [] => Err(Failure::Error(file.without_policy())),
        [one] => one.policy().map_err(|diagnostic| Failure::Error(diagnostic.in_file(&file.name))),
        many => {
            let positions = many.iter().filter_map(|one| one.location.as_ref());
            let lines: Vec<String> = positions.map(|(_, position)| position.line.to_string()).collect();
            let (name, count, lines) = (&file.name, many.len(), lines.join(", "));
            Err(Failure::Error(format!("{name}: {count} policies, in lines {lines}; give a file with one of them")))
        }
    }
}

impl FoundPolicy {
    /// Reads the policy.
    pub fn policy(&self) -> Result<Policy, Diagnostic> {
        match &self.configuration {
            Err(diagnostic) => Err(diagnostic.clone()),
            Ok(Configuration::Tree(tree)) => from_tree(tree),
            Ok(Configuration::Text { json, origin, tree }) => {
                Policy::parse(json).map_err(|error| diagnostic(&error, *origin, tree.as_deref()))
            }
        }
    }

    /// Tree of the policy. `None` if the file spells it in a form without a tree.
    pub fn tree(&self) -> Option<&Node> {
        match self.configuration.as_ref().ok()? {
            Configuration::Tree(tree) => Some(tree),
            Configuration::Text { tree, .. } => tree.as_deref(),
        }
    }
}

impl Configuration {
    /// Text in a file.
    fn text(json: Vec<u8>, origin: Origin) -> Self {
        let tree = str::from_utf8(&json).ok().and_then(|text| document::read(text, origin).ok());
        Self::Text { json, origin, tree }
    }
}

/// Reads the JSON form of a tree.
pub fn from_tree(tree: &Node) -> Result<Policy, Diagnostic> {
    if tree.size > MAX_BYTES {
        return Err(Diagnostic { position: None, text: format!("larger than {MAX_BYTES} bytes") });
    }
    if let Some(position) = tree.ambiguous() {
        let text = "ambiguous YAML 1.1 scalar; quote it, or write a number in plain decimals";
        return Err(Diagnostic::at(position, text));
    }
    let json = serde_json::to_vec(tree)
        .map_err(|_| Diagnostic { position: None, text: "cannot be written as JSON".to_owned() })?;
    Policy::parse(&json).map_err(|error| diagnostic(&error, Origin::FILE, Some(tree)))
}

fn diagnostic(error: &PolicyError, origin: Origin, tree: Option<&Node>) -> Diagnostic {
    let position = match error.location() {
        ErrorLocation::Character(line, column) => Some(origin.map(Position { line, column })),
        ErrorLocation::Line(line) => Some(origin.map(Position { line, column: 1 })),
        location => tree.and_then(|tree| tree.find(location)),
    };
    Diagnostic { position, text: error.reason() }
}
