//! Who scans which file?

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

/// Files on their way through as many threads as there are cores.
pub struct ParallelScan<'a> {
    tasks: &'a [Task],
    next: AtomicUsize,
    report: ScanReport,
    shown: VisibleDigits,
    progress: &'a ScanProgress,
    sequence: OrderedOutput<'a>,
}

impl<'a> ParallelScan<'a> {
    pub fn new(files: &'a FileList, report: ScanReport, shown: VisibleDigits, progress: &'a ScanProgress) -> Self {
        let sequence = OrderedOutput::new(report, progress);
        Self { tasks: &files.tasks, next: AtomicUsize::new(0), report, shown, progress, sequence }
    }

    /// Scans everything.
    pub fn scan(self) -> ScanTotal {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(self.tasks.len());
        thread::scope(|scope| {
            for _ in 1..threads {
                // Where no thread can be had, the others do its work.
                let _ = thread::Builder::new().spawn_scoped(scope, || self.work());
            }
            self.work();
        });
        self.sequence.into_total()
    }

    /// Takes one file after the other, in order, until there is none.
    fn work(&self) {
        let mut room = ScanBuffer::new();
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = self.tasks.get(index) else { return };
            if self.sequence.is_cut() {
                return;
            }
            let ending = self.scan_one(index, task, &mut room);
            self.sequence.end(index, ending);
        }
    }

    fn scan_one(&self, index: usize, task: &Task, room: &mut ScanBuffer) -> FileOutcome {
        let name = DisplayName::of(&task.path);
        let mut ending = FileOutcome::default();
        let mut fail = |text: String| ending.errors.push(format!("{}: {text}", subject(task, &name)));
        let source = match &task.kind {
            TaskKind::Unreadable(why) => Err(why.clone()),
            TaskKind::Input | TaskKind::File(_) => {
                InputStream::open(task, self.progress).map_err(|error| format!("cannot be read: {error}"))
            }
        };
        let source = match source {
            Ok(source) => source,
            Err(why) => {
                fail(why);
                return ending;
            }
        };
        if source.is_misnamed {
            fail("is no gzip, though its name says so; scanned as it is".to_owned());
        }
        let mut inspection = Inspection::new(source.bytes, room, self.shown);
        let mut cards: u64 = 0;
        loop {
            let mut text = String::new();
            let piece = inspection.advance(|card| {
                cards = cards.saturating_add(1);
                text.push_str(self.report.separator());
                text.push_str(&self.report.card(&name, &card));
            });
            if !text.is_empty() {
                self.sequence.say(index, &text);
            }
            match piece {
                ReadStatus::More if self.sequence.is_cut() => break,
                ReadStatus::More => {}
                ReadStatus::End => break,
                ReadStatus::Broken(error) => {
                    let what = if source.is_packed { "broken gzip" } else { "cannot be read to its end" };
                    fail(format!("{what}: {error}; only what came before was scanned"));
                    break;
                }
            }
        }
        ending.cards = cards;
        ending.text = self.report.file(&name, cards);
        ending
    }
}

/// What a sentence about a file begins with.
fn subject(task: &Task, name: &DisplayName) -> String {
    if let TaskKind::Input = task.kind { "standard input".to_owned() } else { name.text() }
}
