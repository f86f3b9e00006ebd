//! `panveil scan`: card numbers in files.

mod baseline;
pub mod content;
pub mod display_name;
pub mod file_list;
mod file_scan;
mod finding;
mod fingerprint;
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
use super::visible_digits::VisibleDigits;
use super::{output, policy};
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
#[cfg(unix)]
use std::fs::File;
use std::io;
#[cfg(not(unix))]
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

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
  panveil scan --format sarif src > cards.sarif
  panveil scan --count --format json backups/*.sql.gz
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

    /// Print no result and no progress. The exit status is the result.
    #[arg(long, short, conflicts_with = "count")]
    quiet: bool,

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
    #[arg(conflicts_with_all = ["write_baseline", "policy", "level"])]
    records: Option<PathBuf>,
}

impl Scan {
    /// Scans all files.
    pub fn run(self) -> Result<ExitCode, Failure> {
        if let Some(path) = &self.records {
            return records::scan(path).map(|()| ExitCode::SUCCESS);
        }
        let report = self.report()?;
        let criteria = Arc::new(self.criteria()?);
        let baseline = self.baseline.as_deref().map_or_else(|| Ok(Baseline::default()), Baseline::read)?;
        let rules = IgnoreRules::new(&self.exclude, !self.no_ignore)?;
        let files = FileList::list(&self.paths()?, self.follow, &rules);
        output::write(report.begin().as_bytes())?;
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
        };
        let total = ParallelScan::new(&files, settings).scan();
        progress.end();
        if !self.quiet {
            summary::skipped(&files, self.follow).iter().for_each(|line| output::note(line));
        }
        self.finish(total, report, &files)
    }

    fn finish(&self, total: ScanTotal, report: ScanReport, files: &FileList) -> Result<ExitCode, Failure> {
        const FOUND: u8 = 1;
        const ERROR: u8 = 2;

        let summary = summary::line(&total, files.excluded.len());
        match total.failure {
            Some(Failure::OutputClosed) => {}
            Some(failure) => return Err(failure),
            None => {
                output::write(report.end(&total.errors).as_bytes())?;
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

    fn report(&self) -> Result<ScanReport, Failure> {
        let detail = match (self.count, self.quiet) {
            (true, _) if self.format == ScanFormat::Sarif => {
                return Err(Failure::Error("--count: not available in SARIF; use --format text or json".to_owned()));
            }
            (true, _) => Detail::Counts,
            (false, true) => Detail::Nothing,
            (false, false) => Detail::Findings,
        };
        Ok(ScanReport { format: self.format, detail })
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

/// True if standard input is a pipe, a socket or a file. A job of a CI system often has `/dev/null`.
#[cfg(unix)]
fn has_input() -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;

    let file = io::stdin().as_fd().try_clone_to_owned().map(File::from);
    let kind = file.and_then(|file| file.metadata()).map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket() || kind.is_file())
}

#[cfg(not(unix))]
fn has_input() -> bool {
    !io::stdin().is_terminal()
}
