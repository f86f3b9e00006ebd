//! Accepted findings, by their fingerprints.

use super::finding::ScanFinding;
use super::fingerprint::is_fingerprint;
use crate::failure::Failure;
use crate::input;
use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// Largest baseline.
const MAX_BYTES: usize = 16 << 20;

/// Most findings that a baseline accepts. More of them need no list, but `--exclude`.
pub const MAX_ENTRIES: usize = 100_000;

const HEADER: &str = "# Findings that panveil scan --baseline accepts: fingerprint, path, kind.\n";

/// Fingerprints of accepted findings.
#[derive(Default)]
pub struct Baseline(HashSet<String>);

/// Finding for a baseline.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BaselineEntry {
    pub path: String,
    pub kind: String,
    pub fingerprint: String,
}

impl Baseline {
    /// Reads the baseline at `path`.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let name = input::name(path);
        let bytes = input::text(path, MAX_BYTES, "more than 16 MiB; exclude files instead")?;
        let text = String::from_utf8_lossy(&bytes);
        let mut fingerprints = HashSet::new();
        for (index, line) in text.lines().enumerate() {
            let Some(first) = line.split_whitespace().next().filter(|first| !first.starts_with('#')) else { continue };
            if !is_fingerprint(first) {
                let line = index.saturating_add(1);
                let problem = "no fingerprint; write the file with panveil scan --write-baseline";
                return Err(Failure::Error(format!("{name}:{line}: {problem}")));
            }
            fingerprints.insert(first.to_owned());
        }
        Ok(Self(fingerprints))
    }

    /// True if the baseline accepts the finding.
    pub fn accepts(&self, fingerprint: &str) -> bool {
        self.0.contains(fingerprint)
    }

    /// True without an accepted finding.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl BaselineEntry {
    /// Entry for a finding in the file `path`.
    pub fn of(path: &str, finding: &ScanFinding) -> Self {
        let kind = if finding.kind == finding.label {
            finding.kind.to_owned()
        } else {
            format!("{} {}", finding.kind, finding.label)
        };
        Self { path: path.to_owned(), kind, fingerprint: finding.fingerprint.clone() }
    }
}

/// Writes a baseline that accepts the findings.
pub fn write(path: &Path, mut entries: Vec<BaselineEntry>) -> Result<(), Failure> {
    if entries.len() > MAX_ENTRIES {
        let problem = format!("not written: more than {MAX_ENTRIES} findings; exclude files with --exclude");
        return Err(Failure::Error(format!("{}: {problem}", path.display())));
    }
    entries.sort();
    let line = |entry: &BaselineEntry| format!("{}  {}  {}\n", entry.fingerprint, entry.path, entry.kind);
    let text = entries.iter().map(line).fold(HEADER.to_owned(), |text, line| text + &line);
    fs::write(path, text).map_err(Failure::of("written", &path.display().to_string()))
}
