//! Input of the audit: manifests, cluster dumps and Envoy's configuration dumps.

use super::proxy::ProxyDump;
use crate::document::{self, Node, Origin};
use crate::failure::Failure;
use crate::input;
use crate::manifest::{self, Location, Resource, files};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Everything that was read.
#[derive(Default)]
pub struct AuditInput {
    pub resources: Vec<Resource>,
    /// Values of Istio's chart, which have a field `meshConfig` and no kind.
    pub charts: Vec<(Rc<Node>, Location)>,
    pub proxies: Vec<ProxyDump>,
    /// Files that could not be read.
    pub problems: Vec<String>,
    /// Remarks about the input.
    pub notes: Vec<String>,
}

impl AuditInput {
    /// Reads files and directories, or standard input for `-`. In directories, only files of YAML and JSON are read.
    pub fn read(paths: &[PathBuf]) -> Self {
        let mut input = Self::default();
        for path in paths {
            for file in files::list(path) {
                match file {
                    Ok(file) => input.read_file(&file),
                    Err(problem) => input.problems.push(problem),
                }
            }
        }
        input.remove_duplicates();
        input
    }

    /// Keeps the first resource of each kind and name. A running resource and its manifest may both be in the input.
    fn remove_duplicates(&mut self) {
        let mut seen = HashSet::new();
        let mut repeated: Vec<Resource> = Vec::new();
        for resource in std::mem::take(&mut self.resources) {
            let is_first = seen.insert((resource.group.clone(), resource.title()));
            let list = if is_first { &mut self.resources } else { &mut repeated };
            list.push(resource);
        }
        if let Some(first) = repeated.first() {
            let (Location { file, position }, title, count) = (&first.location, first.title(), repeated.len());
            let note = format!("{file}:{position}: second {title}; the first one counts ({count} such resources)");
            self.notes.push(note);
        }
    }

    fn read_file(&mut self, path: &Path) {
        let name = input::name(path);
        let text = match files::read(path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| format!("{name}: not UTF-8; give YAML or JSON")),
            Err(Failure::Error(line)) => Err(line),
            Err(_) => Err(format!("{name}: cannot be read")),
        };
        match text {
            Ok(text) => self.take(&Rc::from(name), &text),
            Err(problem) => self.problems.push(problem),
        }
    }

    fn take(&mut self, file: &Rc<str>, text: &str) {
        if let Some(proxy) = ProxyDump::read(file, text) {
            self.proxies.push(proxy);
            return;
        }
        match document::read_all(text, Origin::FILE) {
            Ok(documents) => documents.iter().for_each(|node| self.take_document(file, node)),
            Err(diagnostic) => {
                self.problems.push(format!("{}; a template must be rendered first", diagnostic.in_file(file)));
            }
        }
    }

    fn take_document(&mut self, file: &Rc<str>, node: &Rc<Node>) {
        if node.field("kind").is_none() && node.field("meshConfig").is_some() {
            self.charts.push((Rc::clone(node), Location { file: Rc::clone(file), position: node.position }));
        } else if manifest::is_kustomization(node) {
            self.problems.push(format!(
                "{file}: a kustomization is not built here; pipe the output of kubectl kustomize to panveil audit -"
            ));
        } else {
            Resource::collect(node, file, &mut self.resources);
        }
    }
}
