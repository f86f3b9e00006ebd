//! Report on checked policies.

use super::rules;
use crate::clock;
use crate::document::{Diagnostic, Node, Position};
use crate::policy::{FoundPolicy, PolicyFile};
use crate::terminal;
use panveil::policy::Policy;
use std::fmt::Write;

/// Lines about the policies so far.
#[derive(Default)]
pub struct CheckReport {
    valid: Vec<ValidPolicy>,
    errors: Vec<String>,
    warnings: Vec<String>,
}

/// Valid policy, as it is printed.
struct ValidPolicy {
    /// File, and the position and title of a policy within.
    location: String,
    /// All settings.
    settings: Vec<(String, String)>,
    /// Rules with their conditions.
    rules: Vec<String>,
}

impl CheckReport {
    /// Adds the policies of a file.
    pub fn add(&mut self, file: &PolicyFile) {
        for found in &file.policies {
            match found.policy() {
                Ok(policy) => self.add_valid(file, found, &policy),
                Err(diagnostic) => self.errors.push(diagnostic.in_file(&file.name)),
            }
        }
        self.warnings.extend(file.remarks.iter().map(|remark| remark.in_file(&file.name)));
    }

    /// Adds the error about a file.
    pub fn error(&mut self, line: String) {
        self.errors.push(line);
    }

    /// Number of policies and errors.
    pub fn count(&self) -> usize {
        self.valid.len().saturating_add(self.errors.len())
    }

    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// A line for each valid policy, with all settings if it is the only one.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for ValidPolicy { location, settings, rules } in &self.valid {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}: valid", terminal::safe_line(location));
            if let [_] = self.valid.as_slice() {
                let width = settings.iter().map(|(path, _)| path.len()).max().unwrap_or_default();
                text.push('\n');
                for (path, value) in settings {
                    let _ = writeln!(text, "{path:<width$} {value}");
                }
                text.push_str(if rules.is_empty() { "" } else { "\nrules, of which the first that matches decides\n" });
            }
            for rule in rules {
                let _ = write!(text, "  {rule}");
            }
        }
        text
    }

    /// Errors and warnings.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().chain(&self.warnings).map(String::as_str)
    }

    fn add_valid(&mut self, file: &PolicyFile, found: &FoundPolicy, policy: &Policy) {
        let location = match &found.location {
            Some((title, position)) => format!("{}:{position}: {title}", file.name),
            None => file.name.clone(),
        };
        let rules = found.tree().map(rules::lines).unwrap_or_default();
        self.valid.push(ValidPolicy { location, settings: policy.effective(), rules });
        self.warnings.extend(warnings(found, policy).iter().map(|warning| warning.in_file(&file.name)));
    }
}

/// Warnings about rules that do not do what an operator may expect.
fn warnings(found: &FoundPolicy, policy: &Policy) -> Vec<Diagnostic> {
    let warning = |rule: &str, text: String| Diagnostic { position: position(found.tree(), rule), text };
    let unreachable = policy.unreachable_rules().into_iter().map(|(rule, earlier)| {
        let text = format!(
            "rule {rule} never matches: the earlier rule {earlier} matches all of its messages; move {rule} before it"
        );
        warning(rule, text)
    });
    let expired = policy.expired_rules(clock::now()).into_iter().map(|rule| {
        warning(rule, format!("rule {rule} has expired and no longer matches; remove it, or set a later day"))
    });
    let client_controlled = policy.client_controlled_rules().into_iter().map(|rule| {
        let text = format!(
            "rule {rule}: any client can make it match, since it tests client-controlled attributes alone (host, path, \
             method, field, header, content_type, route, remote_ip); add source, destination or tls: mutual"
        );
        warning(rule, text)
    });
    unreachable.chain(expired).chain(client_controlled).collect()
}

/// Position of the rule of that name.
fn position(tree: Option<&Node>, name: &str) -> Option<Position> {
    let rule = tree?.items(&["rules"]).find(|rule| rule.text(&["name"]) == Some(name))?;
    Some(rule.position)
}
