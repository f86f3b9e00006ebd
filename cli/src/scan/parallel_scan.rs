//! Scan of all files on all cores.

use super::baseline::Baseline;
use super::file_list::{FileList, Task};
use super::file_scan::{FileScan, ScanWorker};
use super::ordered_output::{FileOutcome, OrderedOutput, ScanTotal};
use super::progress::ScanProgress;
use super::report::ScanReport;
use crate::output::OutputTarget;
use crate::visible_digits::VisibleDigits;
use panveil::verdict::Criteria;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Settings that are equal for all files.
#[derive(Clone, Copy)]
pub struct ScanSettings<'a> {
    /// Output.
    pub report: ScanReport,
    /// Digits that the output shows.
    pub digits: VisibleDigits,
    /// Criteria of the detector.
    pub criteria: &'a Arc<Criteria>,
    /// Accepted findings.
    pub baseline: &'a Baseline,
    /// True if the findings become a new baseline.
    pub writes_baseline: bool,
    /// Current directory.
    pub current_dir: &'a Path,
    /// Progress bar.
    pub progress: &'a ScanProgress,
    /// Largest number of threads.
    pub jobs: usize,
    /// True if binary files are named.
    pub verbose: bool,
    /// True if binary files are errors.
    pub strict: bool,
    /// True if an empty standard input is an error.
    pub needs_input: bool,
}

impl ScanSettings<'_> {
    /// True if the output or a baseline needs the identities of findings.
    pub fn needs_fingerprints(&self) -> bool {
        self.writes_baseline || !self.baseline.is_empty() || self.report.shows_fingerprints()
    }
}

/// Scan of all files, with one thread per core.
pub struct ParallelScan<'a> {
    tasks: &'a [Task],
    next: AtomicUsize,
    settings: ScanSettings<'a>,
    output: OrderedOutput<'a>,
}

impl<'a> ParallelScan<'a> {
    pub fn new(files: &'a FileList, settings: ScanSettings<'a>, target: &'a OutputTarget) -> Self {
        let output = OrderedOutput::new(settings.report, settings.progress, target);
        Self { tasks: &files.tasks, next: AtomicUsize::new(0), settings, output }
    }

    /// Scans everything.
    pub fn scan(self) -> ScanTotal {
        let threads = self.settings.jobs.min(self.tasks.len());
        thread::scope(|scope| {
            for _ in 1..threads {
                // If a thread cannot be started, the others do its work.
                let _ = thread::Builder::new().spawn_scoped(scope, || self.work());
            }
            self.work();
        });
        self.output.into_total()
    }

    /// Scans the next file until none is left.
    fn work(&self) {
        let mut worker = ScanWorker::new();
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = self.tasks.get(index) else { return };
            if self.output.is_stopped() {
                return;
            }
            let outcome = self.scan_one(index, task, &mut worker);
            self.output.end(index, outcome);
        }
    }

    fn scan_one(&self, index: usize, task: &Task, worker: &mut ScanWorker) -> FileOutcome {
        let print = |text: &str| self.output.write(index, text);
        let is_stopped = || self.output.is_stopped();
        FileScan::new(&self.settings, worker, &print, &is_stopped).scan(task)
    }
}
