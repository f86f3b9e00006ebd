//! Suppressions: findings that the operator accepts, each with a reason and an end.

use super::finding::Finding;
use super::resource::Location;
use super::rules;
use crate::document::{self, Diagnostic, Node};
use crate::failure::Failure;
use crate::input;
use std::path::Path;
use std::rc::Rc;
use std::time::SystemTime;

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
    /// Last day, as `YYYY-MM-DD`.
    pub expires: String,
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
        let bytes = input::text(path, MAX_BYTES)?;
        let text = String::from_utf8(bytes).map_err(|_| Failure::Error(format!("{name}: not UTF-8; give YAML")))?;
        let failure = |diagnostic: Diagnostic| Failure::Error(diagnostic.in_file(&name));
        let list = document::read(&text).map_err(failure)?;
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
        if !is_date(&expires) {
            return Err(Diagnostic::at(item.position, "expires is no date; write YYYY-MM-DD"));
        }
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
/// nothing. `today` is a date as `YYYY-MM-DD`.
pub fn apply<'s>(
    findings: Vec<Finding>,
    suppressions: &'s [Suppression],
    today: &str,
) -> (Vec<Finding>, Vec<SuppressedFinding<'s>>, Vec<String>) {
    let (valid, expired): (Vec<&Suppression>, Vec<&Suppression>) =
        suppressions.iter().partition(|suppression| suppression.expires.as_str() >= today);
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

/// Today in UTC, as `YYYY-MM-DD`.
pub fn today() -> String {
    const SECONDS_PER_DAY: u64 = 86_400;

    let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    date(elapsed.as_secs().checked_div(SECONDS_PER_DAY).unwrap_or_default())
}

/// Date of a day, counted from 1970-01-01, in the Gregorian calendar.
fn date(mut days: u64) -> String {
    let mut year: u64 = 1970;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        match days.checked_sub(length) {
            Some(rest) => days = rest,
            None => break,
        }
        year = year.saturating_add(1);
    }
    let mut month: u32 = 1;
    for length in months(year) {
        match days.checked_sub(length) {
            Some(rest) => days = rest,
            None => break,
        }
        month = month.saturating_add(1);
    }
    format!("{year:04}-{month:02}-{:02}", days.saturating_add(1))
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn months(year: u64) -> [u64; 12] {
    [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

/// True for `YYYY-MM-DD` with a month and a day that exist.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number = |text: &str, length: usize| {
        if text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()) {
            text.parse::<u64>().ok()
        } else {
            None
        }
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let month = usize::try_from(month).ok().and_then(|month| month.checked_sub(1));
    month.and_then(|month| months(year).get(month).copied()).is_some_and(|length| (1..=length).contains(&day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_calendar() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (11_016, "2000-02-29"),
            (20_786, "2026-11-29"),
            (20_819, "2027-01-01"),
        ] {
            assert_eq!(date(days), expected);
            assert!(is_date(expected));
        }
        for text in ["2026-02-29", "2026-13-01", "2026-00-10", "2026-1-1", "tomorrow", "2026-01-00", "+026-01-01"] {
            assert!(!is_date(text), "{text}");
        }
    }
}
