//! Scan of one file, and of the files in it.

use super::baseline::{BaselineEntry, MAX_ENTRIES};
use super::content::{
    Compression, Content, Expanded, Expansion, FirstBytes, MAX_ZIP_IN_MEMORY, OfficeText, PartName, TarMembers,
};
use super::content::{described, has_zip_extension, problem};
use super::file_list::{Task, TaskKind};
use super::fingerprint::Fingerprints;
use super::git_history::GitObjects;
use super::inspection::{Inspection, InspectionSettings, ReadStatus, ScanBuffer};
use super::ordered_output::FileOutcome;
use super::parallel_scan::ScanSettings;
use super::progress::ScanProgress;
use super::report::FileFindings;
use panveil::stream::TextFormat;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zip::ZipArchive;
use zip::result::ZipError;

/// Most archives and compressions in each other. Build artifacts have about four.
const MAX_DEPTH: usize = 8;

/// Most errors of one file that are reported one by one.
const MAX_ERRORS: usize = 20;

/// State of a thread that it uses for all its files.
pub struct ScanWorker {
    buffer: ScanBuffer,
    /// Process of git, and its repository.
    objects: Option<(PathBuf, GitObjects)>,
}

/// Scan of one file, and of the files in it.
pub struct FileScan<'a> {
    settings: &'a ScanSettings<'a>,
    worker: &'a mut ScanWorker,
    /// Prints a text.
    print: &'a dyn Fn(&str),
    /// True if the output has stopped.
    is_stopped: &'a dyn Fn() -> bool,
    outcome: FileOutcome,
    hidden_errors: usize,
}

/// File, or member of an archive.
struct Part<'e> {
    name: PartName,
    /// Number of archives and compressions around it.
    depth: usize,
    expansion: &'e Expansion,
    /// True if its bytes may arrive slowly, as from a pipe.
    is_live: bool,
}

/// Reader of the bytes of a file. It counts them, and records whether it has failed.
struct FileReader<'r, R> {
    source: R,
    progress: &'r ScanProgress,
    expansion: &'r Expansion,
}

/// Reader that records a failure.
struct Watched<'r> {
    source: &'r mut dyn Read,
    has_failed: &'r Cell<bool>,
}

impl ScanWorker {
    pub fn new() -> Self {
        Self { buffer: ScanBuffer::new(), objects: None }
    }

    /// Process of git in the repository.
    fn take_objects(&mut self, repository: &Path) -> io::Result<GitObjects> {
        match self.objects.take() {
            Some((own, objects)) if own == repository => Ok(objects),
            _ => GitObjects::start(repository),
        }
    }
}

impl<'a> FileScan<'a> {
    pub fn new(
        settings: &'a ScanSettings<'a>,
        worker: &'a mut ScanWorker,
        print: &'a dyn Fn(&str),
        is_stopped: &'a dyn Fn() -> bool,
    ) -> Self {
        Self { settings, worker, print, is_stopped, outcome: FileOutcome::default(), hidden_errors: 0 }
    }

    /// Scans the file.
    pub fn scan(mut self, task: &Task) -> FileOutcome {
        let expansion = Expansion::default();
        let name = PartName::of(&task.path, self.settings.current_dir);
        let name = if let TaskKind::Object { commit, .. } = &task.kind { name.in_commit(commit) } else { name };
        // A device or a pipe has no length.
        let is_live = matches!(task.kind, TaskKind::Input | TaskKind::File(0));
        let part = Part { name, depth: 0, expansion: &expansion, is_live };
        let progress = self.settings.progress;
        match &task.kind {
            TaskKind::Unreadable(problem) => self.fail(&part, problem),
            TaskKind::Input => {
                let mut source = FileReader { source: io::stdin().lock(), progress, expansion: &expansion };
                self.scan_part(&part, &mut source, None);
                if self.settings.needs_input && expansion.is_empty() {
                    self.fail(&part, "empty; give files or directories, or - if it may be empty");
                }
            }
            TaskKind::Object { repository, object, .. } => {
                if let Err(error) = self.scan_object(&part, repository, object) {
                    self.fail(&part, &problem(&error, "cannot be read from git"));
                }
            }
            TaskKind::File(_) => match File::open(&task.path) {
                Ok(file) => {
                    let mut source = FileReader { source: &file, progress, expansion: &expansion };
                    self.scan_part(&part, &mut source, Some(&file));
                }
                Err(error) => self.fail(&part, &format!("cannot be read: {error}")),
            },
        }
        if self.hidden_errors > 0 {
            self.outcome.errors.push(format!("{}: {} more errors", part.subject(), self.hidden_errors));
        }
        self.outcome
    }

    /// Scans an object of a git repository.
    fn scan_object(&mut self, part: &Part<'_>, repository: &Path, object: &str) -> io::Result<()> {
        let mut objects = self.worker.take_objects(repository)?;
        let bytes = objects.open(object)?;
        let mut source = FileReader { source: bytes, progress: self.settings.progress, expansion: part.expansion };
        self.scan_part(part, &mut source, None);
        let rest = source.source.limit();
        objects.finish(rest)?;
        self.worker.objects = Some((repository.to_owned(), objects));
        Ok(())
    }

    /// Scans a part. `file` is its file, if it is not in another one.
    fn scan_part(&mut self, part: &Part<'_>, source: &mut dyn Read, file: Option<&File>) {
        let first = if part.is_live { FirstBytes::read(source) } else { FirstBytes::read_file(source) };
        let extension = part.name.extension();
        let content = Content::of(first.bytes(), extension);
        if let Some(format) = content.misnamed(extension).filter(|_| !first.bytes().is_empty()) {
            // An archive may follow a script that unpacks or starts it.
            if has_zip_extension(extension)
                && let Some(file) = file
                && let Some(archive) = zip_behind_script(file, part)
            {
                self.scan_text(part, &mut first.before(file).take(script_length(&archive)));
                return self.scan_zip(part, archive);
            }
            self.fail(
                part,
                &format!("not {format}, although its extension is {extension}; scanned as {}", content.name()),
            );
        }
        let mut whole = first.before(source);
        match content {
            Content::Text(None) if part.name.is_office_text => self.scan_text(part, &mut OfficeText::reader(whole)),
            Content::Text(None) => self.scan_text(part, &mut whole),
            Content::Text(Some(encoding)) => self.scan_text(part, &mut encoding.convert(whole)),
            Content::Binary => {
                self.outcome.binary = self.outcome.binary.saturating_add(1);
                if self.settings.verbose {
                    self.outcome.notes.push(format!("{}: binary", part.subject()));
                }
                if self.settings.strict {
                    self.fail(part, "no text; its bytes were scanned, and --strict is set");
                }
                self.scan_text(part, &mut whole);
            }
            Content::Unsupported(reason) => {
                self.fail(part, reason);
                self.scan_text(part, &mut whole);
            }
            _ if part.depth >= MAX_DEPTH => {
                self.fail(part, &format!("not scanned: more than {MAX_DEPTH} archives in each other; unpack it"));
            }
            Content::Compressed(compression) => self.scan_compressed(part, compression, whole),
            Content::Tar => self.scan_tar(part, &mut whole),
            Content::Zip => self.open_and_scan_zip(part, whole, file),
        }
    }

    fn scan_compressed(&mut self, part: &Part<'_>, compression: Compression, source: impl Read) {
        let inner = Part { name: part.name.decompressed(), depth: part.depth.saturating_add(1), ..*part };
        let source = Malformed { source: compression.decompress(source), format: compression.name() };
        self.scan_part(&inner, &mut Expanded::new(source, part.expansion), None);
    }

    fn scan_tar(&mut self, part: &Part<'_>, source: &mut dyn Read) {
        let has_failed = Cell::new(false);
        let mut members = TarMembers::new(BufReader::new(Watched { source, has_failed: &has_failed }));
        while !(self.is_stopped)() {
            match members.next_member() {
                Ok(Some(mut member)) => {
                    let inner = part.member(&member.name);
                    self.scan_part(&inner, &mut member, None);
                    if has_failed.get() {
                        return;
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    return self.fail(part, &format!("{}; scanned up to the error", problem(&error, "malformed tar")));
                }
            }
        }
    }

    fn open_and_scan_zip(&mut self, part: &Part<'_>, source: impl Read, file: Option<&File>) {
        if let Some(file) = file {
            match open_zip(file, part) {
                Ok(archive) => return self.scan_zip(part, archive),
                // A device or a pipe.
                Err(ZipError::Io(error)) if error.kind() == io::ErrorKind::NotSeekable => {}
                Err(error) => return self.fail(part, &zip_problem(&error)),
            }
        }
        let mut bytes = Vec::new();
        match source.take(MAX_ZIP_IN_MEMORY.saturating_add(1)).read_to_end(&mut bytes) {
            Err(error) => return self.fail(part, &problem(&error, "cannot be read")),
            Ok(length) if u64::try_from(length).is_ok_and(|length| length > MAX_ZIP_IN_MEMORY) => {
                return self
                    .fail(part, "not scanned: a zip archive of more than 64 MiB in an archive or a pipe; unpack it");
            }
            Ok(_) => {}
        }
        match ZipArchive::new(Cursor::new(bytes)) {
            Ok(archive) => self.scan_zip(part, archive),
            Err(error) => self.fail(part, &zip_problem(&error)),
        }
    }

    fn scan_zip(&mut self, part: &Part<'_>, mut archive: ZipArchive<impl Read + Seek>) {
        if archive.has_duplicate_names() {
            self.fail(part, "several members have the same name, of which one was scanned; unpack it");
        }
        for index in 0..archive.len() {
            if (self.is_stopped)() {
                return;
            }
            let name = archive.name_for_index(index).and_then(Result::ok).unwrap_or_default().into_owned();
            let inner = part.member(name.as_bytes());
            match archive.by_index(index) {
                Ok(member) if member.is_dir() => {}
                Ok(member) => {
                    let source = Malformed { source: member, format: "zip" };
                    self.scan_part(&inner, &mut Expanded::new(source, part.expansion), None);
                }
                Err(error) => self.fail(&inner, &zip_problem(&error)),
            }
        }
    }

    /// Scans bytes of a text.
    fn scan_text(&mut self, part: &Part<'_>, source: &mut dyn Read) {
        let scan = self.settings;
        let needs_context = scan.needs_fingerprints();
        let settings = InspectionSettings {
            criteria: Arc::clone(scan.criteria),
            digits: scan.digits,
            format: if matches!(part.name.extension(), "csv" | "tsv") { TextFormat::Csv } else { TextFormat::Unknown },
            needs_context,
            is_live: part.is_live,
        };
        let path = if needs_context { part.name.relative.text() } else { String::new() };
        let mut fingerprints = Fingerprints::new(&path);
        let mut inspection = Inspection::new(source, &mut self.worker.buffer, settings);
        let mut file = FileFindings::default();
        let outcome = &mut self.outcome;
        let before = outcome.findings;
        let error = loop {
            let mut text = String::new();
            let status = inspection.advance(|mut finding, context| {
                if context.allows() {
                    outcome.allowed = outcome.allowed.saturating_add(1);
                    return;
                }
                if needs_context {
                    finding.fingerprint = fingerprints.next(&finding, &context);
                    if scan.writes_baseline && outcome.entries.len() <= MAX_ENTRIES {
                        outcome.entries.push(BaselineEntry::of(&path, &finding));
                    }
                    if scan.baseline.accepts(&finding.fingerprint) {
                        outcome.accepted = outcome.accepted.saturating_add(1);
                        return;
                    }
                }
                outcome.findings = outcome.findings.saturating_add(1);
                text.push_str(scan.report.separator());
                text.push_str(&scan.report.finding(&part.name, &finding));
                if scan.report.collects_files() {
                    file.add(&part.name, &finding);
                }
            });
            if !text.is_empty() {
                (self.print)(&text);
            }
            match status {
                ReadStatus::More if (self.is_stopped)() => break None,
                ReadStatus::More => {}
                ReadStatus::End => break None,
                ReadStatus::Failed(error) => break Some(error),
            }
        };
        outcome.parts = outcome.parts.saturating_add(1);
        if file.count > 0 {
            outcome.files.push(file);
        }
        let text = scan.report.file(&part.name, outcome.findings.saturating_sub(before));
        if !text.is_empty() {
            (self.print)(&text);
        }
        if let Some(error) = error {
            self.fail(part, &format!("{}; scanned up to the error", problem(&error, "cannot be read to its end")));
        }
    }

    fn fail(&mut self, part: &Part<'_>, problem: &str) {
        if self.outcome.errors.len() < MAX_ERRORS {
            self.outcome.errors.push(format!("{}: {problem}", part.subject()));
        } else {
            self.hidden_errors = self.hidden_errors.saturating_add(1);
        }
    }
}

impl<'e> Part<'e> {
    /// Member of this archive.
    fn member(&self, path: &[u8]) -> Self {
        Self { name: self.name.member(path), depth: self.depth.saturating_add(1), ..*self }
    }

    /// Name in errors.
    fn subject(&self) -> String {
        let name = self.name.display.text();
        if name == "-" { "standard input".to_owned() } else { name }
    }
}

/// Zip archive in a file, which is read in any order.
fn open_zip<'f>(file: &'f File, part: &Part<'_>) -> Result<ZipArchive<BufReader<&'f File>>, ZipError> {
    let mut source = file;
    source.rewind()?;
    part.expansion.set_input(file.metadata()?.len());
    ZipArchive::new(BufReader::new(source))
}

/// Zip archive in a file that does not begin like one; `None` if it is none. The position in the file stays.
fn zip_behind_script<'f>(mut file: &'f File, part: &Part<'_>) -> Option<ZipArchive<BufReader<&'f File>>> {
    let position = file.stream_position().ok()?;
    let archive = open_zip(file, part);
    file.seek(SeekFrom::Start(position)).ok()?;
    archive.ok()
}

/// Number of bytes before the first member.
fn script_length<R: Read + Seek>(archive: &ZipArchive<R>) -> u64 {
    let starts = (0..archive.len()).filter_map(|index| archive.by_index_data(index).ok());
    starts.map(|member| member.header_start()).min().unwrap_or_else(|| archive.offset())
}

fn zip_problem(error: &ZipError) -> String {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => "encrypted; unpack it".to_owned(),
        ZipError::UnsupportedArchive(reason) => format!("not scanned: {reason}; unpack it"),
        error => format!("malformed zip: {error}"),
    }
}

/// Reader of a format, which names the format in errors.
struct Malformed<R> {
    source: R,
    format: &'static str,
}

impl<R: Read> Read for Malformed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer).map_err(|error| described(error, &format!("malformed {}", self.format)))
    }
}

impl<R: Read> Read for FileReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer).map_err(|error| described(error, "cannot be read to its end"))?;
        self.progress.read(length);
        self.expansion.add_input(u64::try_from(length).unwrap_or(u64::MAX));
        Ok(length)
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let outcome = self.source.read(buffer);
        self.has_failed.set(outcome.is_err());
        outcome
    }
}
