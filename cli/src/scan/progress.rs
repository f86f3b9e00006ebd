//! Progress of a scan, shown on a terminal only.

use super::file_list::FileList;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Read};
use std::time::Duration;

/// Progress bar on standard error, if that is a terminal.
pub struct ScanProgress {
    bar: ProgressBar,
    files: usize,
}

impl ScanProgress {
    /// Progress bar for `files`. With `quiet` it is hidden.
    pub fn of(files: &FileList, quiet: bool) -> Self {
        const KNOWN: &str = "{bar:24} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {msg}, {eta} left";
        const UNKNOWN: &str = "{spinner} {bytes}, {binary_bytes_per_sec}, {msg}";
        const REFRESH: Duration = Duration::from_millis(100);

        let count = files.tasks.len();
        if quiet || !io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden(), files: count };
        }
        let bytes = files.bytes();
        let (bar, template) =
            if bytes > 0 { (ProgressBar::new(bytes), KNOWN) } else { (ProgressBar::no_length(), UNKNOWN) };
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(REFRESH);
        let progress = Self { bar, files: count };
        progress.finish(0);
        progress
    }

    /// Adds `length` read bytes.
    pub fn read(&self, length: usize) {
        self.bar.inc(u64::try_from(length).unwrap_or(u64::MAX));
    }

    /// `source`, whose bytes are added when they are read.
    pub fn counted<R: Read>(&self, source: R) -> impl Read + use<R> {
        self.bar.wrap_read(source)
    }

    /// Sets the number of finished files.
    pub fn finish(&self, done: usize) {
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("{done} of {} files", self.files));
        }
    }

    /// Hides the bar while `write` prints.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Removes the bar.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
