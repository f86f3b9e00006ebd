//! `panveil scan`: which card numbers are in these files?

mod card;
mod display_name;
mod file_list;
mod input_stream;
mod inspection;
mod ordered_output;
mod parallel_scan;
mod progress;
mod records;
mod report;

use super::failure::Failure;
use super::output;
use super::visible_digits::VisibleDigits;
use clap::{Args, ValueHint};
use display_name::DisplayName;
use file_list::FileList;
use ordered_output::ScanTotal;
use panveil::verdict::Criteria;
use parallel_scan::ParallelScan;
use progress::ScanProgress;
use report::{Detail, ScanFormat, ScanReport};
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

/// Finds card numbers in files, directories or standard input.
///
/// Every file is read as a stream of bytes, whatever it is and however large; gzip is unpacked on the way. What is found
/// is printed as path:line:column, the number cut down to the digits that PCI DSS lets everybody see. Lines, columns
/// (in characters) and offsets (in bytes) of a gzip file are those of what it holds.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil scan /var/log
  kubectl logs deploy/checkout | panveil scan
  panveil scan --format sarif src > cards.sarif
  panveil scan --count --format json backups/*.sql.gz
  panveil scan --quiet export.csv || echo 'do not send this'

Exit status: 0 when there is no card number, 1 when there is one, and 2 when something could not
be read, whatever is in the rest.")]
pub struct Scan {
    /// Files and directories, or - for standard input, which is also read when there is none.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,

    /// The form of the output.
    #[arg(long, value_enum, default_value = "text")]
    format: ScanFormat,

    /// Print whole numbers. Beware: what is printed then is cardholder data, wherever it goes.
    #[arg(long)]
    show: bool,

    /// Print only how many card numbers each file has, for files that have any.
    #[arg(long, short)]
    count: bool,

    /// Print no result and no progress: the exit status tells.
    #[arg(long, short, conflicts_with = "count")]
    quiet: bool,

    /// Follow symbolic links in directories too, but not in circles. Those named on the command line always are.
    #[arg(long)]
    follow: bool,

    /// Answer records instead: lines of {"id", "ch", "ct", "b"}.
    ///
    /// The bytes "b", in base64, are a part "ch" (body, header, path or cookie) of a message, with the content type "ct"
    /// or null. The answer to each is a line {"id", "spans"} with the first byte of every card and the byte behind it.
    /// The exit status is 0 then, with cards or without.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["paths", "format", "show", "count", "quiet", "follow"])]
    records: Option<PathBuf>,
}

impl Scan {
    /// Scans everything, and says whether there is a card.
    pub fn run(self) -> Result<ExitCode, Failure> {
        if let Some(path) = &self.records {
            return records::answer(path).map(|()| ExitCode::SUCCESS);
        }
        let report = self.report()?;
        let files = FileList::list(&self.paths()?, self.follow);
        output::write(report.head().as_bytes())?;
        let progress = ScanProgress::of(&files, self.quiet);
        let total = ParallelScan::new(&files, report, VisibleDigits::by_flag(self.show), &progress).scan();
        progress.end();
        if files.links > 0 && !self.quiet {
            output::note(&links_left(files.links, self.follow));
        }
        if !files.kernel.is_empty() && !self.quiet {
            output::note(&kernel_left(&files.kernel));
        }
        finish(total, report, files.tasks.len())
    }

    fn report(&self) -> Result<ScanReport, Failure> {
        let detail = match (self.count, self.quiet) {
            (true, _) if self.format == ScanFormat::Sarif => {
                return Err(Failure::Error("SARIF has no counts; use --count with --format text or json".to_owned()));
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
        if io::stdin().is_terminal() {
            return Err(Failure::Error(
                "nothing to scan: name files or directories, or pipe something in; see panveil scan --help".to_owned(),
            ));
        }
        Ok(vec![PathBuf::from("-")])
    }
}

/// What a scan looks for: card numbers and nothing else, inside of tokens too.
fn cards_everywhere() -> Criteria {
    Criteria { base64: true, authentication_data: None, ..Criteria::default() }
}

fn finish(total: ScanTotal, report: ScanReport, files: usize) -> Result<ExitCode, Failure> {
    const FOUND: u8 = 1;
    const ERROR: u8 = 2;

    match total.failure {
        Some(Failure::OutputClosed) => {}
        Some(failure) => return Err(failure),
        None => output::write(report.foot(&total.errors).as_bytes())?,
    }
    if total.failed > 0 {
        if let Some(line) = files_left(total.failed, files) {
            output::note(&line);
        }
        return Ok(ExitCode::from(ERROR));
    }
    Ok(if total.cards > 0 { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// Of a single file it was said already.
fn files_left(failed: usize, files: usize) -> Option<String> {
    match (failed, files) {
        (_, 1) => None,
        (1, _) => Some(format!("1 of {files} files was not scanned, or not to its end; cards may be in it")),
        _ => Some(format!("{failed} of {files} files were not scanned, or not to their end; cards may be in them")),
    }
}

fn kernel_left(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders.iter().map(|folder| DisplayName::of(folder).text()).collect();
    format!("not scanned, since the kernel makes up what is in there: {}; name it to scan it", names.join(", "))
}

fn links_left(links: u64, follow: bool) -> String {
    match (links, follow) {
        (1, false) => "1 symbolic link not followed; --follow does".to_owned(),
        (_, false) => format!("{links} symbolic links not followed; --follow does"),
        (1, true) => "1 symbolic link not followed: it leads in a circle".to_owned(),
        (_, true) => format!("{links} symbolic links not followed: they lead in circles"),
    }
}
