//! Search for policies in documents.

use super::{Configuration, FoundPolicy};
use crate::document::{Diagnostic, Node, Origin, Position, YamlValue};
use crate::manifest;
use panveil::policy;
use std::rc::Rc;

/// Policies in the documents of a file.
pub struct Finder<'f> {
    /// Text of a YAML file. Policies in its literal blocks have lines of their own.
    yaml: Option<&'f str>,
    pub policies: Vec<FoundPolicy>,
    /// Remarks about parts of policies that cannot be checked.
    pub remarks: Vec<Diagnostic>,
    /// Reason for which the file may have no policy.
    pub clue: Option<Clue>,
}

/// Reason for which a file has no policy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clue {
    /// No document.
    Empty,
    /// Manifest or configuration of Envoy without a plugin.
    Manifest,
    /// Plugin that is not panveil's.
    OtherPlugin,
    /// Filter of panveil that gets its configuration by discovery.
    Discovery,
    /// Input of kustomize.
    Kustomization,
}

impl Clue {
    /// Remedy.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Empty | Self::Manifest => {
                "give a policy, a manifest with panveil's plugin, or a configuration of Envoy with its filter"
            }
            Self::OtherPlugin => "a plugin is panveil's if its name, plugin name or module contains panveil",
            Self::Discovery => "discovery delivers the configuration of its filter: check the delivered file",
            Self::Kustomization => {
                "a kustomization is not built here: pipe the output of kubectl kustomize to panveil check -"
            }
        }
    }
}

impl<'f> Finder<'f> {
    /// `yaml` is the text of the file, if that is YAML.
    pub fn new(yaml: Option<&'f str>) -> Self {
        Self { yaml, policies: Vec::new(), remarks: Vec::new(), clue: None }
    }

    /// Takes the policies of a document.
    pub fn take(&mut self, document: &Rc<Node>) {
        if ["kind", "spec"].iter().any(|name| document.field(name).is_some()) {
            self.note(Clue::Manifest);
        }
        manifest::items(document, &mut |declared, node| {
            let kind = declared.map(|(_, kind)| kind).or(node.text(&["kind"]));
            self.take_resource(kind, node);
        });
    }

    /// Origin in the file of the text of a scalar.
    pub(super) fn origin(&self, text: &str, scalar: Position) -> Origin {
        self.yaml.map_or(Origin::At(scalar), |file| Origin::of_scalar(text, scalar, file))
    }

    pub(super) fn add(&mut self, title: &str, position: Position, configuration: Result<Configuration, Diagnostic>) {
        self.policies.push(FoundPolicy { location: Some((title.to_owned(), position)), configuration });
    }

    /// Notes a reason for which the file may have no policy. The most specific one counts.
    pub(super) fn note(&mut self, clue: Clue) {
        self.clue = self.clue.max(Some(clue));
    }
}

/// True for an object with a field of a policy, and not with those of a manifest.
pub fn looks_like_policy(node: &Node) -> bool {
    let is_known = |name: &str| policy::SPEC.fields.iter().any(|field| field.name == name);
    let is_manifest = ["apiVersion", "kind"].iter().any(|name| node.field(name).is_some());
    matches!(node.value, YamlValue::Object(_)) && !is_manifest && node.names().any(|name| is_known(&name.text))
}

impl Node {
    /// Field of that name. A duplicate is an error, because readers differ in the one that counts.
    pub(super) fn only_field(&self, name: &str) -> Result<Option<Rc<Self>>, Diagnostic> {
        match self.names().filter(|other| other.text == name).nth(1) {
            Some(second) => Err(Diagnostic::at(second.position, format!("{name} given more than once"))),
            None => Ok(self.shared(&[name])),
        }
    }
}
