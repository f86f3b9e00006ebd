//! Access logs in files and on standard input, read as streams.

use super::log_line::{LogLine, Stream};
use super::period::Period;
use super::table::Cell;
use crate::failure::Failure;
use crate::scan::content::{Compression, FirstBytes};
use crate::scan::display_name::DisplayName;
use crate::scan::file_list::{FileList, Task, TaskKind};
use crate::scan::ignore_rules::IgnoreRules;
use crate::scan::progress::ScanProgress;
use crate::terminal::counted;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Bytes of one read.
const CHUNK: usize = 256 << 10;

/// Most bytes of a line. A longer one is counted and not read: a record has at most 32 findings.
const MOST_BYTES: u64 = 1 << 20;

/// Handling of a stream. After a break, no more lines are read.
type OnStream<'a> = dyn FnMut(Stream) -> ControlFlow<()> + 'a;

/// Counts of the lines of logs.
#[derive(Default)]
pub struct Logs {
    /// Input that was not read completely, with the reason.
    pub problems: Vec<String>,
    files: u64,
    lines: u64,
    other: u64,
    /// Lines that look like lines of panveil and cannot be read.
    unreadable: u64,
    outside: u64,
}

impl Logs {
    /// Reads the logs at these paths, and passes the streams of the period on with the progress, which `quiet` hides.
    pub fn read(
        paths: &[PathBuf],
        quiet: bool,
        period: Period,
        mut on_stream: impl FnMut(Stream, &ScanProgress) -> ControlFlow<()>,
    ) -> Result<Self, Failure> {
        let files = FileList::list(paths, false, &IgnoreRules::new(&[], false)?);
        let progress = ScanProgress::of(&files, quiet);
        let mut logs = Self { problems: unlisted(&files).collect(), ..Self::default() };
        for (index, task) in files.tasks.iter().enumerate() {
            match logs.read_file(task, period, &progress, &mut |stream| on_stream(stream, &progress)) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(problem) => logs.problems.push(format!("{}: {problem}", DisplayName::of(&task.path).text())),
            }
            progress.finish(index.saturating_add(1));
        }
        progress.end();
        Ok(logs)
    }

    fn read_file(
        &mut self,
        task: &Task,
        period: Period,
        progress: &ScanProgress,
        on_stream: &mut OnStream<'_>,
    ) -> Result<ControlFlow<()>, String> {
        let source: Box<dyn Read> = match &task.kind {
            TaskKind::Unreadable(problem) => return Err(problem.clone()),
            TaskKind::Object { .. } => return Err("an object of git, not a file".to_owned()),
            TaskKind::Input => Box::new(io::stdin().lock()),
            TaskKind::File(_) => Box::new(File::open(&task.path).map_err(|error| format!("cannot be read: {error}"))?),
        };
        self.files = self.files.saturating_add(1);
        let lines = self.read_lines(progress.counted(source), period, on_stream);
        lines.map_err(|error| format!("cannot be read completely: {error}"))
    }

    fn read_lines(
        &mut self,
        mut source: impl Read,
        period: Period,
        on_stream: &mut OnStream<'_>,
    ) -> io::Result<ControlFlow<()>> {
        let first = FirstBytes::read(&mut source);
        let compression = Compression::of_magic(first.bytes());
        let whole = first.before(source);
        let bytes: Box<dyn Read + '_> = match compression {
            Some(compression) => compression.decompress(whole),
            None => Box::new(whole),
        };
        let mut source = BufReader::with_capacity(CHUNK, bytes);
        let mut line = Vec::new();
        while source.by_ref().take(MOST_BYTES).read_until(b'\n', &mut line)? > 0 {
            self.lines = self.lines.saturating_add(1);
            if line.ends_with(b"\n") || u64::try_from(line.len()).is_ok_and(|length| length < MOST_BYTES) {
                if self.add(&line, period, on_stream).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            } else {
                self.unreadable = self.unreadable.saturating_add(1);
                source.skip_until(b'\n')?;
            }
            line.clear();
        }
        Ok(ControlFlow::Continue(()))
    }

    fn add(&mut self, line: &[u8], period: Period, on_stream: &mut OnStream<'_>) -> ControlFlow<()> {
        // Other programs print lines that are not UTF-8.
        let count = match LogLine::read(String::from_utf8_lossy(line).trim_end()) {
            LogLine::Stream(stream) if period.includes(stream.time()) => return on_stream(stream),
            LogLine::Stream(_) => &mut self.outside,
            LogLine::Other => &mut self.other,
            LogLine::Unreadable => &mut self.unreadable,
        };
        *count = count.saturating_add(1);
        ControlFlow::Continue(())
    }

    /// Problem with the unreadable lines, if there are any.
    pub fn unreadable(&self) -> Option<String> {
        let lines = (self.unreadable > 0).then(|| counted(self.unreadable, "line", "lines"))?;
        Some(format!("{lines} with columns of panveil cannot be read"))
    }

    /// Counts of lines, by their names.
    pub fn counts(&self) -> Vec<(&'static str, Cell)> {
        let counts = [
            ("files", self.files),
            ("lines", self.lines),
            ("other_lines", self.other),
            ("unreadable_lines", self.unreadable),
            ("outside_period", self.outside),
        ];
        counts.map(|(name, count)| (name, Cell::Count(count))).to_vec()
    }
}

/// The given paths of logs, or standard input if there are none. An error names the help of `command`.
pub fn paths(given: &[PathBuf], command: &str) -> Result<Vec<PathBuf>, Failure> {
    if !given.is_empty() {
        return Ok(given.to_vec());
    }
    if io::stdin().is_terminal() {
        let line = format!("no input; give access logs, or pipe them in, see panveil {command} --help");
        return Err(Failure::Error(line));
    }
    Ok(vec![PathBuf::from("-")])
}

/// Lines about files in the directories that are not read.
fn unlisted(files: &FileList) -> impl Iterator<Item = String> {
    let links = match files.links {
        0 => None,
        1 => Some("1 symbolic link not followed; give its target".to_owned()),
        links => Some(format!("{links} symbolic links not followed; give their targets")),
    };
    let kernel = files.kernel.iter().map(|path| {
        format!(
            "{}: not read, as its contents are generated by the kernel; give its path",
            DisplayName::of(path).text()
        )
    });
    links.into_iter().chain(kernel)
}
