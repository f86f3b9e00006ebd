//! `panveil scan`: card numbers in files.

mod baseline;
pub mod content;
pub mod display_name;
pub mod file_list;
mod file_scan;
mod finding;
mod fingerprint;
mod git_history;
pub mod ignore_rules;
mod inspection;
mod line_context;
mod ordered_output;
mod parallel_scan;
pub mod progress;
mod records;
mod report;
mod summary;

use super::failure::Failure;
use super::output::{self, FileId, OutputTarget};
use super::policy;
use super::visible_digits::VisibleDigits;
use baseline::Baseline;
use clap::{Args, ValueEnum, ValueHint};
use file_list::FileList;
use ignore_rules::IgnoreRules;
use ordered_output::ScanTotal;
use panveil::verdict::{Criteria, Sensitivity, Traces};
use parallel_scan::{ParallelScan, ScanSettings};
use progress::ScanProgress;
use report::{Detail, ScanFormat, ScanReport};
use std::env;
use std::io;
#[cfg(not(unix))]
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

/// Finds card numbers in files, directories or standard input.
///
/// Track data, verification codes and PINs near a card number are found too, and the patterns of a policy. Their digits are not
/// printed.
///
/// Every file is read, whatever its size. Compressed files and archives are read too, also in each other: gzip, bzip2, xz, zstd,
/// brotli, tar and zip, which includes office documents and Java archives. Text in UTF-16, UTF-32, Latin-1 and other encodings is
/// converted to UTF-8. A finding is printed as path:line:column, or archive.zip!path:line:column, with the digits that PCI DSS
/// permits to display. Lines, columns (in characters) and offsets (in bytes) refer to the decompressed and converted content.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil scan /var/log
  kubectl logs deploy/checkout | panveil scan
  panveil scan --format sarif --output cards.sarif src
  panveil scan --count --format jsonl backups/*.sql.gz
  panveil scan --git
  panveil scan --quiet export.csv || echo 'do not send this'
  panveil scan --exclude '*.min.js' --write-baseline panveil.baseline .
  panveil scan --exclude '*.min.js' --baseline panveil.baseline .

Not scanned, unless --no-ignore is given: files that .panveilignore or, in a git repository, .gitignore names
(both have the syntax of gitignore), and directories .git. A finding is accepted if its line contains
panveil:allow, for example in a comment, or if the baseline contains its fingerprint.

Exit status: 0 without a finding that is not accepted, 1 with one, and 2 if some input cannot be read, with or
without a finding in the rest. Input that cannot be read is named, with the reason: a malformed or
encrypted archive, PDF, an unknown encoding, no permission.")]
pub struct Scan {
    /// Files and directories, or - for standard input. Without a path, standard input is read if it is a pipe or a file.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,

    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ScanFormat,

    /// Print all digits. The output is cardholder data then: protect it accordingly.
    #[arg(long)]
    show: bool,

    /// Print only the number of findings, for each file with at least one.
    #[arg(long, short)]
    count: bool,

    /// Write the result to this file instead of standard output.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,

    /// Colours in the text output.
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    color: Color,

    /// Print no result and no progress. The exit status is the result.
    #[arg(long, short, conflicts_with_all = ["count", "output", "verbose"])]
    quiet: bool,

    /// Name binary and excluded files.
    #[arg(long, short)]
    verbose: bool,

    /// Scan the history of the git repository at PATH or, without a path, in the current directory: each version of a file in
    /// the commits of all branches and tags, and the commit messages. A finding is printed as commit:path:line:column. Needs git.
    #[arg(long, conflicts_with_all = ["follow", "no_ignore"])]
    git: bool,

    /// Number of threads. Without it, one per core.
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Treat binary files as unread input: images, audio, video, fonts, programs and unknown data. Their bytes are scanned in any
    /// case, but text in them can be compressed or encoded.
    #[arg(long)]
    strict: bool,

    /// Exclude files and directories, in the syntax of gitignore; can be repeated. `!` at the beginning includes them again.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,

    /// Scan files that .panveilignore or .gitignore names, and directories .git, too.
    #[arg(long)]
    no_ignore: bool,

    /// Accept the findings in this file.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    baseline: Option<PathBuf>,

    /// Write all findings to this file, as a baseline. The exit status is 0 if everything was read.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    write_baseline: Option<PathBuf>,

    /// Detect with the settings in detect of this policy, in YAML or JSON. Base64 is decoded in any case.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    policy: Option<PathBuf>,

    /// Amount of evidence that makes a number a card number, instead of detect.sensitivity in the policy.
    #[arg(long, value_enum)]
    level: Option<Level>,

    /// Follow symbolic links in directories, except into cycles. Links on the command line are always followed.
    #[arg(long)]
    follow: bool,

    /// Scan records instead: lines of {"id", "ch", "ct", "b"}.
    ///
    /// The bytes "b", in base64, are a part "ch" (body, header, path or cookie) of a message, with the content type "ct"
    /// or null. The result for each is a line {"id", "spans"} with the offsets of the first byte of each card number and of
    /// the byte after its last. The exit status is 0, with or without card numbers.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["paths", "format", "show", "count", "quiet", "strict", "follow", "exclude", "no_ignore", "baseline"])]
    #[arg(conflicts_with_all = ["write_baseline", "policy", "output", "color", "verbose", "git", "jobs"])]
    #[arg(hide = true)]
    records: Option<PathBuf>,
}

impl Scan {
    /// Scans all files.
    pub fn run(self) -> Result<ExitCode, Failure> {
        if let Some(path) = &self.records {
            let sensitivity = self.level.map_or(Sensitivity::default(), Sensitivity::from);
            return records::scan(path, sensitivity).map(|()| ExitCode::SUCCESS);
        }
        match (self.scan(), &self.write_baseline) {
            (Err(Failure::OutputClosed), Some(path)) => {
                let problem = format!("{}: not written: the output was closed", path.display());
                Err(Failure::Error(problem))
            }
            (outcome, _) => outcome,
        }
    }

    /// Rejects an output file that is also an input: its contents would be lost before they are scanned.
    fn check_output(&self) -> Result<(), Failure> {
        let file_id = |path: &PathBuf| FileId::of(&path.metadata().ok()?);
        let Some(output) = self.output.as_ref().and_then(file_id) else { return Ok(()) };
        match self.paths.iter().find(|path| file_id(path) == Some(output)) {
            Some(path) => {
                let path = path.display();
                Err(Failure::Error(format!("{path}: input and output are the same file; use another --output")))
            }
            None => Ok(()),
        }
    }

    fn scan(&self) -> Result<ExitCode, Failure> {
        let criteria = Arc::new(self.criteria()?);
        let baseline = self.baseline.as_deref().map_or_else(|| Ok(Baseline::default()), Baseline::read)?;
        let rules = IgnoreRules::new(&self.exclude, !self.no_ignore)?;
        let mut files = if self.git {
            let here = [PathBuf::from(".")];
            FileList::history(if self.paths.is_empty() { &here } else { &self.paths }, &rules)?
        } else {
            FileList::list(&self.paths()?, self.follow, &rules)
        };
        // An error before this leaves the file of an earlier run as it is.
        self.check_output()?;
        let target = OutputTarget::create(self.output.as_deref())?;
        let report = self.report(&target)?;
        if !self.quiet {
            files.skip_output(&target);
        }
        target.write(report.begin().as_bytes())?;
        let progress = ScanProgress::of(&files, self.quiet);
        let settings = ScanSettings {
            report,
            digits: VisibleDigits::by_flag(self.show),
            criteria: &criteria,
            baseline: &baseline,
            writes_baseline: self.write_baseline.is_some(),
            current_dir: &env::current_dir().unwrap_or_default(),
            progress: &progress,
            strict: self.strict,
            needs_input: self.paths.is_empty(),
            jobs: self.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get),
            verbose: self.verbose,
        };
        let mut total = ParallelScan::new(&files, settings, &target).scan();
        progress.end();
        if !self.quiet {
            summary::skipped(&files, self.follow, self.verbose).iter().for_each(|line| output::note(line));
        }
        let end = report.end(&total, files.excluded.len())?;
        if total.failure.is_none() {
            total.failure = target.write(end.as_bytes()).err();
        }
        self.finish(total, &files)
    }

    fn finish(&self, total: ScanTotal, files: &FileList) -> Result<ExitCode, Failure> {
        const FOUND: u8 = 1;
        const ERROR: u8 = 2;

        let summary = summary::line(&total, files.excluded.len());
        match total.failure {
            // The scan has not reached all findings, and a baseline would lack some.
            Some(Failure::OutputClosed) if self.write_baseline.is_none() => {}
            Some(failure) => return Err(failure),
            None => {
                if let Some(line) = summary::incomplete(total.failed, files.tasks.len()) {
                    output::note(&line);
                }
                if !self.quiet {
                    output::note(&summary);
                }
            }
        }
        if let Some(path) = &self.write_baseline {
            baseline::write(path, total.entries)?;
        }
        Ok(if total.failed > 0 {
            ExitCode::from(ERROR)
        } else if total.findings > 0 && self.write_baseline.is_none() {
            ExitCode::from(FOUND)
        } else {
            ExitCode::SUCCESS
        })
    }

    /// Criteria of the detector: those of the policy, or the default. Base64 is decoded in any case.
    fn criteria(&self) -> Result<Criteria, Failure> {
        let criteria = match &self.policy {
            Some(path) => Arc::unwrap_or_clone(policy::read(path)?.criteria()),
            None => Criteria::default(),
        };
        let sensitivity = self.level.map_or(criteria.sensitivity, Sensitivity::from);
        Ok(Criteria { base64: true, sensitivity, traces: Traces::None, ..criteria })
    }

    fn report(&self, target: &OutputTarget) -> Result<ScanReport, Failure> {
        let detail = match (self.count, self.quiet) {
            (true, _) if !matches!(self.format, ScanFormat::Text | ScanFormat::Jsonl) => {
                return Err(Failure::Error("--count: needs --format text or jsonl".to_owned()));
            }
            (true, _) => Detail::Counts,
            (false, true) => Detail::Nothing,
            (false, false) => Detail::Findings,
        };
        let color = match self.color {
            Color::Always => true,
            Color::Never => false,
            // It respects NO_COLOR and TERM too.
            Color::Auto => {
                !target.is_file() && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
            }
        };
        Ok(ScanReport { format: self.format, detail, color })
    }

    fn paths(&self) -> Result<Vec<PathBuf>, Failure> {
        if !self.paths.is_empty() {
            return Ok(self.paths.clone());
        }
        if !has_input() {
            return Err(Failure::Error(
                "no input; give files or directories, or pipe data in, see panveil scan --help".to_owned(),
            ));
        }
        Ok(vec![PathBuf::from("-")])
    }
}

/// [`Sensitivity`] as an argument.
#[derive(Clone, Copy, ValueEnum)]
enum Level {
    /// Little evidence: more findings, also under the names of identifiers.
    Strict,
    /// More evidence for than against a card number.
    Balanced,
    /// Strong evidence: fewer false positives.
    Precise,
}

impl From<Level> for Sensitivity {
    fn from(level: Level) -> Self {
        match level {
            Level::Strict => Self::Strict,
            Level::Balanced => Self::Balanced,
            Level::Precise => Self::Precise,
        }
    }
}

/// Use of colours.
#[derive(Clone, Copy, ValueEnum)]
enum Color {
    /// On a terminal.
    Auto,
    Always,
    Never,
}

/// True if standard input is a pipe, a socket or a file. A job of a CI system often has `/dev/null`.
#[cfg(unix)]
fn has_input() -> bool {
    use std::os::unix::fs::FileTypeExt;

    let kind = output::metadata(io::stdin()).map(|metadata| metadata.file_type());
    kind.is_some_and(|kind| kind.is_fifo() || kind.is_socket() || kind.is_file())
}

#[cfg(not(unix))]
fn has_input() -> bool {
    !io::stdin().is_terminal()
}
