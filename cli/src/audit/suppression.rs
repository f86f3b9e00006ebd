//! Suppressions: findings that the operator accepts, each with a reason and an end.

use super::finding::Finding;
use super::rules;
use crate::document::{self, Diagnostic, Node, Origin};
use crate::failure::Failure;
use crate::input;
use crate::manifest::Location;
use panveil::policy::Expiry;
use std::path::Path;
use std::rc::Rc;

/// Largest file of suppressions.
const MAX_BYTES: usize = 1 << 20;

/// Fields of a suppression.
const FIELDS: [&str; 5] = ["rule", "subject", "port", "reason", "expires"];

/// Accepted finding.
pub struct Suppression {
    rule: String,
    /// Subject of the finding. `*` at the end matches any rest.
    subject: String,
    port: Option<u16>,
    pub reason: String,
    pub expires: Expiry,
    location: Location,
}

/// Finding that a suppression accepts.
pub struct SuppressedFinding<'s> {
    pub finding: Finding,
    pub suppression: &'s Suppression,
}

impl Suppression {
    /// Reads a list of suppressions in YAML or JSON.
    pub fn read(path: &Path) -> Result<Vec<Self>, Failure> {
        let name = path.display().to_string();
        let bytes = input::text(path, MAX_BYTES, "larger than 1 MiB; one suppression can accept many subjects with *")?;
        let text = String::from_utf8(bytes).map_err(|_| Failure::Error(format!("{name}: not UTF-8; give YAML")))?;
        let failure = |diagnostic: Diagnostic| Failure::Error(diagnostic.in_file(&name));
        let list = document::read(&text, Origin::FILE).map_err(failure)?;
        let Some(items) = list.list(&[]) else {
            let problem = "expected a list of suppressions with rule, subject, reason and expires";
            return Err(failure(Diagnostic::at(list.position, problem)));
        };
        let file: Rc<str> = Rc::from(name.as_str());
        items.iter().map(|item| Self::of(item, &file)).collect::<Result<_, _>>().map_err(failure)
    }

    fn of(item: &Node, file: &Rc<str>) -> Result<Self, Diagnostic> {
        if let Some(unknown) = item.names().find(|name| !FIELDS.contains(&name.text.as_str())) {
            return Err(Diagnostic::at(
                unknown.position,
                format!("unknown field; expected one of {}", FIELDS.join(", ")),
            ));
        }
        let field = |name: &str| match item.text(&[name]).map(str::trim) {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(Diagnostic::at(item.position, format!("{name} missing; every suppression needs it"))),
        };
        let (rule, expires) = (field("rule")?, field("expires")?);
        if !rules::ALL.iter().any(|known| known.id == rule) {
            return Err(Diagnostic::at(item.position, "unknown rule; panveil audit --rules lists them"));
        }
        let Some(expires) = Expiry::parse(&expires) else {
            return Err(Diagnostic::at(item.position, "expires is no date; write YYYY-MM-DD"));
        };
        let port = item.number(&["port"]).and_then(|port| u16::try_from(port).ok());
        if port.is_none() && item.field("port").is_some() {
            return Err(Diagnostic::at(item.position, "port is no port number; write 1 to 65535"));
        }
        let location = Location { file: Rc::clone(file), position: item.position };
        Ok(Self { rule, subject: field("subject")?, port, reason: field("reason")?, expires, location })
    }

    fn accepts(&self, finding: &Finding) -> bool {
        let is_subject = match self.subject.strip_suffix('*') {
            Some(start) => finding.subject.starts_with(start),
            None => finding.subject == self.subject,
        };
        finding.rule.id == self.rule && is_subject && (self.port.is_none() || self.port == finding.port)
    }
}

/// Separates the accepted findings. Returns the others, the accepted ones, and notes about suppressions that have expired or accept
/// nothing. `now` is the time in seconds since 1970; without it every suppression has expired.
pub fn apply<'s>(
    findings: Vec<Finding>,
    suppressions: &'s [Suppression],
    now: Option<u64>,
) -> (Vec<Finding>, Vec<SuppressedFinding<'s>>, Vec<String>) {
    let (valid, expired): (Vec<&Suppression>, Vec<&Suppression>) =
        suppressions.iter().partition(|suppression| !suppression.expires.has_passed(now));
    let mut notes = Vec::new();
    let mut note = |suppression: &Suppression, text: String| {
        let Location { file, position } = &suppression.location;
        notes.push(format!("{file}:{position}: {text}"));
    };
    for suppression in &expired {
        note(
            suppression,
            format!("suppression expired on {}; correct the finding or set a new date", suppression.expires),
        );
    }
    for suppression in valid.iter().filter(|suppression| !findings.iter().any(|finding| suppression.accepts(finding))) {
        note(suppression, "suppression accepts no finding; remove it".to_owned());
    }
    let (mut open, mut accepted) = (Vec::new(), Vec::new());
    for finding in findings {
        match valid.iter().find(|suppression| suppression.accepts(&finding)) {
            Some(suppression) => accepted.push(SuppressedFinding { finding, suppression }),
            None => open.push(finding),
        }
    }
    (open, accepted, notes)
}
