//! Output of many threads in the order of the files.

use super::baseline::{BaselineEntry, MAX_ENTRIES};
use super::progress::ScanProgress;
use super::report::{FileFindings, ScanReport};
use crate::failure::Failure;
use crate::output::{self, OutputTarget};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
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
    is_stopped: AtomicBool,
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
        Self {
            report,
            progress,
            target,
            state: Mutex::default(),
            advanced: Condvar::new(),
            is_stopped: AtomicBool::new(false),
        }
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
        // Otherwise, no thread waits.
        let was_full = state.buffered_bytes > MAX_BUFFERED;
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
        if was_full {
            self.advanced.notify_all();
        }
    }

    /// True if the output has stopped early.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
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
        self.is_stopped.store(state.total.failure.is_some(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, OutputState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::file_list::FileList;
    use super::super::report::{Detail, ScanFormat};
    use super::*;
    use std::{fs, thread};

    #[test]
    fn files_beyond_the_limit_are_printed_in_order() {
        const PIECE: usize = 6 << 20;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let target = OutputTarget::create(Some(&path)).ok().unwrap();
        let progress = ScanProgress::of(&FileList::default(), true);
        let report = ScanReport { format: ScanFormat::Text, detail: Detail::Findings, color: false };
        let output = OrderedOutput::new(report, &progress, &target);
        thread::scope(|scope| {
            for file in 1..4 {
                let output = &output;
                scope.spawn(move || {
                    for _ in 0..2 {
                        output.write(file, &file.to_string().repeat(PIECE));
                    }
                    output.end(file, FileOutcome::default());
                });
            }
            while output.lock().buffered_bytes <= MAX_BUFFERED {
                thread::yield_now();
            }
            output.write(0, "0");
            output.end(0, FileOutcome::default());
        });
        assert!(!output.is_stopped() && output.into_total().failure.is_none());
        let mut text = fs::read(&path).unwrap();
        assert_eq!(text.len(), 6 * PIECE + 1);
        text.dedup();
        assert_eq!(text, b"0123");
    }
}
