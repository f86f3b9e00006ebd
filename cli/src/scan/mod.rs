//! `panveil scan`: card numbers in files.

mod card;
mod content;
pub mod display_name;
mod file_list;
mod file_scan;
mod inspection;
mod ordered_output;
mod parallel_scan;
mod progress;
mod records;
mod report;
mod summary;

use super::failure::Failure;
use super::output;
use super::visible_digits::VisibleDigits;
use clap::{Args, ValueHint};
use display_name::DisplayName;
use file_list::FileList;
use ordered_output::ScanTotal;
use panveil::verdict::Criteria;
use parallel_scan::{ParallelScan, ScanSettings};
use progress::ScanProgress;
use report::{Detail, ScanFormat, ScanReport};
#[cfg(unix)]
use std::fs::File;
use std::io;
#[cfg(not(unix))]
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

/// Finds card numbers in files, directories or standard input.
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

Exit status: 0 if no card number is found, 1 if one is found, and 2 if some input cannot be read, with or
without a card number in the rest. Input that cannot be read is named, with the reason: a malformed or
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

    /// Print only the number of card numbers, for each file with at least one.
    #[arg(long, short)]
    count: bool,

    /// Print no result and no progress. The exit status is the result.
    #[arg(long, short, conflicts_with = "count")]
    quiet: bool,

    /// Treat binary files as unread input: images, audio, video, fonts, programs and unknown data. Their bytes are scanned in any
    /// case, but text in them can be compressed or encoded.
    #[arg(long)]
    strict: bool,

    /// Follow symbolic links in directories, except into cycles. Links on the command line are always followed.
    #[arg(long)]
    follow: bool,

    /// Scan records instead: lines of {"id", "ch", "ct", "b"}.
    ///
    /// The bytes "b", in base64, are a part "ch" (body, header, path or cookie) of a message, with the content type "ct"
    /// or null. The result for each is a line {"id", "spans"} with the offsets of the first byte of each card number and of
    /// the byte after its last. The exit status is 0, with or without card numbers.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["paths", "format", "show", "count", "quiet", "strict", "follow"])]
    records: Option<PathBuf>,
}

impl Scan {
    /// Scans all files.
    pub fn run(self) -> Result<ExitCode, Failure> {
        if let Some(path) = &self.records {
            return records::scan(path).map(|()| ExitCode::SUCCESS);
        }
        let report = self.report()?;
        let files = FileList::list(&self.paths()?, self.follow);
        output::write(report.begin().as_bytes())?;
        let progress = ScanProgress::of(&files, self.quiet);
        let settings = ScanSettings {
            report,
            digits: VisibleDigits::by_flag(self.show),
            progress: &progress,
            strict: self.strict,
            needs_input: self.paths.is_empty(),
        };
        let total = ParallelScan::new(&files, settings).scan();
        progress.end();
        if files.links > 0 && !self.quiet {
            output::note(&skipped_links(files.links, self.follow));
        }
        if !files.kernel.is_empty() && !self.quiet {
            output::note(&skipped_kernel(&files.kernel));
        }
        self.finish(total, report, files.tasks.len())
    }

    fn finish(&self, total: ScanTotal, report: ScanReport, files: usize) -> Result<ExitCode, Failure> {
        const FOUND: u8 = 1;
        const ERROR: u8 = 2;

        let summary = summary::line(&total);
        match total.failure {
            Some(Failure::OutputClosed) => {}
            Some(failure) => return Err(failure),
            None => {
                output::write(report.end(&total.errors).as_bytes())?;
                if let Some(line) = summary::incomplete(total.failed, files) {
                    output::note(&line);
                }
                if !self.quiet {
                    output::note(&summary);
                }
            }
        }
        Ok(if total.failed > 0 {
            ExitCode::from(ERROR)
        } else if total.cards > 0 {
            ExitCode::from(FOUND)
        } else {
            ExitCode::SUCCESS
        })
    }

    fn report(&self) -> Result<ScanReport, Failure> {
        let detail = match (self.count, self.quiet) {
            (true, _) if self.format == ScanFormat::Sarif => {
                return Err(Failure::Error("--count: not available in SARIF; use --format text or json".to_owned()));
            }
            (true, _) => Detail::Counts,
            (false, true) => Detail::Nothing,
            (false, false) => Detail::Cards,
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

/// Criteria of a scan: card numbers alone, also within base64 tokens.
fn scan_criteria() -> Criteria {
    Criteria { base64: true, authentication_data: None, ..Criteria::default() }
}

fn skipped_kernel(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders.iter().map(|folder| DisplayName::of(folder).text()).collect();
    format!("not scanned, as its contents are generated by the kernel: {}; give its path to scan it", names.join(", "))
}

fn skipped_links(links: u64, follow: bool) -> String {
    match (links, follow) {
        (1, false) => "1 symbolic link not followed; use --follow".to_owned(),
        (_, false) => format!("{links} symbolic links not followed; use --follow"),
        (1, true) => "1 symbolic link not followed: it is part of a cycle".to_owned(),
        (_, true) => format!("{links} symbolic links not followed: they are part of cycles"),
    }
}
