//! Access logs in files and on standard input, read as streams.

use super::log_line::LogLine;
use super::period::Period;
use super::table::Cell;
use super::traffic::Traffic;
use crate::scan::content::{Compression, FirstBytes};
use crate::scan::display_name::DisplayName;
use crate::scan::file_list::{FileList, Task, TaskKind};
use crate::scan::progress::ScanProgress;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// Bytes of one read.
const CHUNK: usize = 256 << 10;

/// Most bytes of a line. A longer one is counted and not read: a record has at most 32 findings.
const MOST_BYTES: u64 = 1 << 20;

/// Reader that adds its bytes to a progress bar.
struct CountedReader<'p, R> {
    source: R,
    progress: &'p ScanProgress,
}

/// Traffic in the logs, and counts of their lines.
#[derive(Default)]
pub struct Logs {
    pub traffic: Traffic,
    /// Files that were not read completely, with the reason.
    pub problems: Vec<String>,
    files: u64,
    lines: u64,
    other: u64,
    unreadable: u64,
    outside: u64,
}

impl Logs {
    /// Reads all files.
    pub fn read(files: &FileList, period: Period, progress: &ScanProgress) -> Self {
        let mut logs = Self::default();
        for (index, task) in files.tasks.iter().enumerate() {
            if let Err(problem) = logs.read_file(task, period, progress) {
                logs.problems.push(format!("{}: {problem}", DisplayName::of(&task.path).text()));
            }
            progress.finish(index.saturating_add(1));
        }
        logs
    }

    fn read_file(&mut self, task: &Task, period: Period, progress: &ScanProgress) -> Result<(), String> {
        let source: Box<dyn Read> = match &task.kind {
            TaskKind::Unreadable(problem) => return Err(problem.clone()),
            TaskKind::Object { .. } => return Err("an object of git, not a file".to_owned()),
            TaskKind::Input => Box::new(io::stdin().lock()),
            TaskKind::File(_) => Box::new(File::open(&task.path).map_err(|error| format!("cannot be read: {error}"))?),
        };
        self.files = self.files.saturating_add(1);
        let lines = self.read_lines(CountedReader { source, progress }, period);
        lines.map_err(|error| format!("cannot be read completely: {error}"))
    }

    fn read_lines(&mut self, mut source: impl Read, period: Period) -> io::Result<()> {
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
                self.add(&line, period);
            } else {
                self.unreadable = self.unreadable.saturating_add(1);
                skip_line(&mut source)?;
            }
            line.clear();
        }
        Ok(())
    }

    fn add(&mut self, line: &[u8], period: Period) {
        let line = str::from_utf8(line).map_or(LogLine::Unreadable, |line| LogLine::read(line.trim_end()));
        let count = match line {
            LogLine::Stream(stream) if period.includes(stream.time) => return self.traffic.add(&stream),
            LogLine::Stream(_) => &mut self.outside,
            LogLine::Other => &mut self.other,
            LogLine::Unreadable => &mut self.unreadable,
        };
        *count = count.saturating_add(1);
    }

    /// Number of lines that look like lines of panveil and cannot be read.
    pub fn unreadable(&self) -> u64 {
        self.unreadable
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

/// Skips the rest of a line.
fn skip_line(source: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = source.fill_buf()?;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(bytes.len(), |end| end.saturating_add(1));
        let is_done = end.is_some() || bytes.is_empty();
        source.consume(length);
        if is_done {
            return Ok(());
        }
    }
}

impl<R: Read> Read for CountedReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.progress.read(length);
        Ok(length)
    }
}
