//! Scan of all files on all cores.

use super::display_name::DisplayName;
use super::file_list::{FileList, Task, TaskKind};
use super::input_stream::InputStream;
use super::inspection::{Inspection, ReadStatus, ScanBuffer};
use super::ordered_output::{FileOutcome, OrderedOutput, ScanTotal};
use super::progress::ScanProgress;
use super::report::ScanReport;
use crate::visible_digits::VisibleDigits;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Scan of all files, with one thread per core.
pub struct ParallelScan<'a> {
    tasks: &'a [Task],
    next: AtomicUsize,
    report: ScanReport,
    digits: VisibleDigits,
    progress: &'a ScanProgress,
    output: OrderedOutput<'a>,
}

impl<'a> ParallelScan<'a> {
    pub fn new(files: &'a FileList, report: ScanReport, digits: VisibleDigits, progress: &'a ScanProgress) -> Self {
        let output = OrderedOutput::new(report, progress);
        Self { tasks: &files.tasks, next: AtomicUsize::new(0), report, digits, progress, output }
    }

    /// Scans everything.
    pub fn scan(self) -> ScanTotal {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(self.tasks.len());
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
        let mut buffer = ScanBuffer::new();
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = self.tasks.get(index) else { return };
            if self.output.is_stopped() {
                return;
            }
            let outcome = self.scan_one(index, task, &mut buffer);
            self.output.end(index, outcome);
        }
    }

    fn scan_one(&self, index: usize, task: &Task, buffer: &mut ScanBuffer) -> FileOutcome {
        let name = DisplayName::of(&task.path);
        let mut outcome = FileOutcome::default();
        let mut fail = |text: String| outcome.errors.push(format!("{}: {text}", subject(task, &name)));
        let source = match &task.kind {
            TaskKind::Unreadable(problem) => Err(problem.clone()),
            TaskKind::Input | TaskKind::File(_) => {
                InputStream::open(task, self.progress).map_err(|error| format!("cannot be read: {error}"))
            }
        };
        let source = match source {
            Ok(source) => source,
            Err(problem) => {
                fail(problem);
                return outcome;
            }
        };
        if source.is_misnamed {
            fail("not gzip, although its extension is gz; scanned without decompression".to_owned());
        }
        let mut inspection = Inspection::new(source.bytes, buffer, self.digits);
        let mut cards: u64 = 0;
        loop {
            let mut text = String::new();
            let status = inspection.advance(|card| {
                cards = cards.saturating_add(1);
                text.push_str(self.report.separator());
                text.push_str(&self.report.card(&name, &card));
            });
            if !text.is_empty() {
                self.output.write(index, &text);
            }
            match status {
                ReadStatus::More if self.output.is_stopped() => break,
                ReadStatus::More => {}
                ReadStatus::End => break,
                ReadStatus::Failed(error) => {
                    let problem = if source.is_gzip { "malformed gzip" } else { "cannot be read to its end" };
                    fail(format!("{problem}: {error}; scanned up to the error"));
                    break;
                }
            }
        }
        outcome.cards = cards;
        outcome.text = self.report.file(&name, cards);
        outcome
    }
}

/// Name of a file in errors.
fn subject(task: &Task, name: &DisplayName) -> String {
    if let TaskKind::Input = task.kind { "standard input".to_owned() } else { name.text() }
}
