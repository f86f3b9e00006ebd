//! File with policies.

use super::finder::{Clue, Finder, looks_like_policy};
use super::{Configuration, FoundPolicy};
use crate::document::{self, Diagnostic, Node, Origin};
use crate::failure::Failure;
use crate::input;
use crate::manifest::files;
use serde::de::IgnoredAny;
use std::path::Path;
use std::rc::Rc;

/// File with its policies: the file itself, or those in manifests and in Envoy's configuration.
pub struct PolicyFile {
    /// Name in messages.
    pub name: String,
    pub policies: Vec<FoundPolicy>,
    /// Remarks about parts of policies that cannot be checked.
    pub remarks: Vec<Diagnostic>,
    /// Reason for which the file may have no policy.
    clue: Option<Clue>,
}

impl PolicyFile {
    /// Reads the file at `path`, or standard input if the path is `-`. A file that is no manifest is a policy.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let file = Self::new(path, true)?;
        let is_empty = file.clue == Some(Clue::Empty);
        // The filter reads an absent configuration as {}, but an empty file is more often a mistake.
        let empty = || Failure::Error(format!("{}: the policy is empty; write {{}} for the defaults", file.name));
        if is_empty { Err(empty()) } else { Ok(file) }
    }

    /// Reads a file of a directory, in which other files may be.
    pub fn read_in_directory(path: &Path) -> Result<Self, Failure> {
        Self::new(path, false)
    }

    /// Error for a file without a policy.
    pub fn without_policy(&self) -> String {
        let hint = self.clue.unwrap_or(Clue::Manifest).hint();
        format!("{}: no panveil policy; {hint}", self.name)
    }

    fn new(path: &Path, is_named: bool) -> Result<Self, Failure> {
        let name = input::name(path);
        let bytes = files::read(path)?;
        let mut file = Self { name, policies: Vec::new(), remarks: Vec::new(), clue: None };
        if bytes.trim_ascii().is_empty() {
            file.clue = Some(Clue::Empty);
            return Ok(file);
        }
        let text = str::from_utf8(&bytes).ok();
        let is_valid_json = text.is_some_and(is_valid_json);
        let is_json = is_json(path, text.unwrap_or_default(), is_valid_json);
        let read =
            text.filter(|_| is_valid_json || !is_json).map(|text| (text, document::read_all(text, Origin::FILE)));
        let (text, documents) = match read {
            Some((text, Ok(documents))) => (text, documents),
            Some((_, Err(diagnostic))) if !(is_json && is_named) => {
                return Err(Failure::Error(diagnostic.in_file(&file.name)));
            }
            _ => {
                // The filter's parser has the reason.
                file.add(Configuration::text(bytes, Origin::FILE));
                return Ok(file);
            }
        };
        let mut finder = Finder::new((!is_json).then_some(text));
        documents.iter().for_each(|document| finder.take(document));
        file.take(finder);
        match documents.as_slice() {
            [] => file.clue = Some(Clue::Empty),
            [document] if file.policies.is_empty() && file.is_policy(document, is_named) => {
                let tree = Rc::clone(document);
                file.add(if is_json {
                    Configuration::Text { json: bytes, origin: Origin::FILE, tree: Some(tree) }
                } else {
                    Configuration::Tree(tree)
                });
            }
            [_, second, ..] if documents.iter().any(|document| looks_like_policy(document)) => {
                let text = "second document; a policy is one document";
                return Err(Failure::Error(Diagnostic::at(second.position, text).in_file(&file.name)));
            }
            _ => {}
        }
        Ok(file)
    }

    /// True if a document in which no policy was found is one itself. In a directory only its fields show that.
    fn is_policy(&self, document: &Node, is_named: bool) -> bool {
        looks_like_policy(document) || (is_named && self.clue.is_none())
    }

    fn add(&mut self, configuration: Configuration) {
        self.policies.push(FoundPolicy { location: None, configuration: Ok(configuration) });
    }

    fn take(&mut self, finder: Finder<'_>) {
        self.policies = finder.policies;
        self.remarks = finder.remarks;
        self.clue = finder.clue;
    }
}

/// True if the file is JSON by its extension, or else by the beginning of the text. YAML rarely begins like JSON.
fn is_json(path: &Path, text: &str, is_valid_json: bool) -> bool {
    let has_extension = |extension: &str| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(extension));
    let begins = || text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[', '"']);
    if has_extension("json") {
        true
    } else if has_extension("yaml") || has_extension("yml") {
        begins() && is_valid_json
    } else {
        begins()
    }
}

fn is_valid_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text.trim_start_matches('\u{feff}')).is_ok()
}
