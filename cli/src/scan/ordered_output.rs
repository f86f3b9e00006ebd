//! Output of many threads in the order of the files.

use super::baseline::{BaselineEntry, MAX_ENTRIES};
use super::progress::ScanProgress;
use super::report::{FileFindings, ScanReport};
use crate::failure::Failure;
use crate::output::{self, OutputTarget};
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Limit on buffered output. Beyond it, threads that write more block until their file is printed.
const MAX_BUFFERED: usize = 16 << 20;

/// Prints the output of each file, one file after the other. The thread with the first unfinished file does not block, so there is
/// no deadlock.
pub struct OrderedOutput<'a> {
    report: ScanReport,
    progress: &'a ScanProgress,
    target: &'a OutputTarget,
    state: Mutex<OutputState>,
    advanced: Condvar,
}

/// Outcome of one file.
#[derive(Default)]
pub struct FileOutcome {
    /// Number of findings.
    pub findings: u64,
    /// Number of findings that their line accepts.
    pub allowed: u64,
    /// Number of findings that the baseline accepts.
    pub accepted: u64,
    /// Findings for a new baseline.
    pub entries: Vec<BaselineEntry>,
    /// Number of scanned files: one, or those in an archive.
    pub parts: u64,
    /// Number of binary files among them.
    pub binary: u64,
    /// Findings by file, if the report needs them.
    pub files: Vec<FileFindings>,
    /// Notes on the files.
    pub notes: Vec<String>,
    /// Errors.
    pub errors: Vec<String>,
}

/// Outcome of all files.
#[derive(Default)]
pub struct ScanTotal {
    /// Number of findings.
    pub findings: u64,
    /// Number of files with findings.
    pub with_findings: u64,
    /// Number of findings that their line accepts.
    pub allowed: u64,
    /// Number of findings that the baseline accepts.
    pub accepted: u64,
    /// Findings for a new baseline, up to one more than it can have.
    pub entries: Vec<BaselineEntry>,
    /// Number of scanned files, with those in archives.
    pub parts: u64,
    /// Number of binary files among them.
    pub binary: u64,
    /// Number of files with errors.
    pub failed: usize,
    /// Findings by file, if the report needs them.
    pub files: Vec<FileFindings>,
    /// Errors, if the report includes them.
    pub errors: Vec<String>,
    /// Reason for which the output stopped early.
    pub failure: Option<Failure>,
}

#[derive(Default)]
struct OutputState {
    current: usize,
    pending: BTreeMap<usize, PendingFile>,
    buffered_bytes: usize,
    has_output: bool,
    total: ScanTotal,
}

/// Buffered output of a file that is not printed yet.
#[derive(Default)]
struct PendingFile {
    text: String,
    outcome: Option<FileOutcome>,
}

impl<'a> OrderedOutput<'a> {
    pub fn new(report: ScanReport, progress: &'a ScanProgress, target: &'a OutputTarget) -> Self {
        Self { report, progress, target, state: Mutex::default(), advanced: Condvar::new() }
    }

    /// Prints or buffers a text of file number `file`.
    pub fn write(&self, file: usize, text: &str) {
        let mut state = self.lock();
        while file != state.current && state.buffered_bytes > MAX_BUFFERED && state.total.failure.is_none() {
            state = self.advanced.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if file == state.current {
            self.print(&mut state, text);
        } else {
            state.buffered_bytes = state.buffered_bytes.saturating_add(text.len());
            state.pending.entry(file).or_default().text.push_str(text);
        }
    }

    /// Finishes file number `file`.
    pub fn end(&self, file: usize, outcome: FileOutcome) {
        let mut state = self.lock();
        if file != state.current {
            state.pending.entry(file).or_default().outcome = Some(outcome);
            return;
        }
        self.close(&mut state, outcome);
        while let Some(next) = {
            let current = state.current;
            state.pending.remove(&current)
        } {
            state.buffered_bytes = state.buffered_bytes.saturating_sub(next.text.len());
            self.print(&mut state, &next.text);
            match next.outcome {
                Some(outcome) => self.close(&mut state, outcome),
                None => break,
            }
        }
        self.advanced.notify_all();
    }

    /// True if the output has stopped early.
    pub fn is_stopped(&self) -> bool {
        self.lock().total.failure.is_some()
    }

    /// Outcome of all files.
    pub fn into_total(self) -> ScanTotal {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).total
    }

    fn close(&self, state: &mut OutputState, outcome: FileOutcome) {
        let total = &mut state.total;
        total.findings = total.findings.saturating_add(outcome.findings);
        total.with_findings = total.with_findings.saturating_add(u64::from(outcome.findings > 0));
        total.allowed = total.allowed.saturating_add(outcome.allowed);
        total.accepted = total.accepted.saturating_add(outcome.accepted);
        let room = MAX_ENTRIES.saturating_add(1).saturating_sub(total.entries.len());
        total.entries.extend(outcome.entries.into_iter().take(room));
        total.parts = total.parts.saturating_add(outcome.parts);
        total.binary = total.binary.saturating_add(outcome.binary);
        total.failed = total.failed.saturating_add(usize::from(!outcome.errors.is_empty()));
        total.files.extend(outcome.files);
        for error in outcome.notes.iter().chain(&outcome.errors) {
            self.progress.suspend(|| output::note(error));
        }
        if self.report.keeps_errors() {
            total.errors.extend(outcome.errors);
        }
        state.current = state.current.saturating_add(1);
        self.progress.finish(state.current);
    }

    fn print(&self, state: &mut OutputState, text: &str) {
        if text.is_empty() || state.total.failure.is_some() {
            return;
        }
        // No separator precedes the first text.
        let text = if state.has_output { text } else { text.strip_prefix(self.report.separator()).unwrap_or(text) };
        state.has_output = true;
        state.total.failure = self.progress.suspend(|| self.target.write(text.as_bytes())).err();
    }

    fn lock(&self) -> MutexGuard<'_, OutputState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
