//! How does what many threads find come out in the order of the files?

use super::progress::ScanProgress;
use super::report::ScanReport;
use crate::failure::Failure;
use crate::output;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many bytes may wait for their turn, until those who write more wait themselves.
const MOST_WAITING: usize = 16 << 20;

/// Prints what is said of each file, one file after the other. Who works on the first file that is not done never waits,
/// so that there always is one who does not.
pub struct OrderedOutput<'a> {
    report: ScanReport,
    progress: &'a ScanProgress,
    state: Mutex<OutputState>,
    turned: Condvar,
}

/// How a file ended.
#[derive(Default)]
pub struct FileOutcome {
    /// What is said of it at the end.
    pub text: String,
    /// How many cards it has.
    pub cards: u64,
    /// What went wrong with it.
    pub errors: Vec<String>,
}

/// What all files came to.
#[derive(Default)]
pub struct ScanTotal {
    /// How many cards there are.
    pub cards: u64,
    /// With how many files something went wrong.
    pub failed: usize,
    /// What went wrong, if the report has it.
    pub errors: Vec<String>,
    /// Why the report ends before its end.
    pub failure: Option<Failure>,
}

#[derive(Default)]
struct OutputState {
    turn: usize,
    waiting: BTreeMap<usize, PendingFile>,
    waiting_bytes: usize,
    is_begun: bool,
    total: ScanTotal,
}

/// What is known of a file whose turn has not come.
#[derive(Default)]
struct PendingFile {
    text: String,
    ending: Option<FileOutcome>,
}

impl<'a> OrderedOutput<'a> {
    pub fn new(report: ScanReport, progress: &'a ScanProgress) -> Self {
        Self { report, progress, state: Mutex::default(), turned: Condvar::new() }
    }

    /// Prints `text` when it is the turn of file number `file`.
    pub fn say(&self, file: usize, text: &str) {
        let mut state = self.lock();
        while file != state.turn && state.waiting_bytes > MOST_WAITING && state.total.failure.is_none() {
            state = self.turned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if file == state.turn {
            self.print(&mut state, text);
        } else {
            state.waiting_bytes = state.waiting_bytes.saturating_add(text.len());
            state.waiting.entry(file).or_default().text.push_str(text);
        }
    }

    /// Says that file number `file` is done.
    pub fn end(&self, file: usize, ending: FileOutcome) {
        let mut state = self.lock();
        if file != state.turn {
            state.waiting.entry(file).or_default().ending = Some(ending);
            return;
        }
        self.close(&mut state, ending);
        while let Some(next) = {
            let turn = state.turn;
            state.waiting.remove(&turn)
        } {
            state.waiting_bytes = state.waiting_bytes.saturating_sub(next.text.len());
            self.print(&mut state, &next.text);
            match next.ending {
                Some(ending) => self.close(&mut state, ending),
                None => break,
            }
        }
        self.turned.notify_all();
    }

    /// True when nothing more will be printed.
    pub fn is_cut(&self) -> bool {
        self.lock().total.failure.is_some()
    }

    /// What it all came to.
    pub fn into_total(self) -> ScanTotal {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).total
    }

    fn close(&self, state: &mut OutputState, ending: FileOutcome) {
        self.print(state, &ending.text);
        let total = &mut state.total;
        total.cards = total.cards.saturating_add(ending.cards);
        total.failed = total.failed.saturating_add(usize::from(!ending.errors.is_empty()));
        for error in &ending.errors {
            self.progress.aside(|| output::note(error));
        }
        if self.report.keeps_errors() {
            total.errors.extend(ending.errors);
        }
        state.turn = state.turn.saturating_add(1);
        self.progress.finish(state.turn);
    }

    fn print(&self, state: &mut OutputState, text: &str) {
        if text.is_empty() || state.total.failure.is_some() {
            return;
        }
        // The first has nothing before it.
        let text = if state.is_begun { text } else { text.strip_prefix(self.report.separator()).unwrap_or(text) };
        state.is_begun = true;
        state.total.failure = self.progress.aside(|| output::write(text.as_bytes())).err();
    }

    fn lock(&self) -> MutexGuard<'_, OutputState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
