//! `panveil record`: audit records as events of another format.

mod ocsf;

use super::failure::Failure;
use super::report::logs::{self, Logs};
use super::report::period::Period;
use super::terminal::counted;
use super::{input, output};
use clap::{Args, ValueEnum, ValueHint};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

/// Converts audit records in access logs for security information and event management.
///
/// Reads access logs as panveil report does, and prints an event for each record with findings, one per line. The events contain no
/// digit of a card number, no fingerprint and no truncated number.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil record --to ocsf access.log > events.jsonl
  kubectl logs --follow deploy/checkout -c istio-proxy | panveil record --to ocsf

Exit status: 0 if every record was converted, 2 otherwise.")]
pub struct Converter {
    /// Access logs, directories with them, or - for standard input.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,

    /// Format of the events.
    #[arg(long, value_enum)]
    to: EventFormat,

    /// Print no progress.
    #[arg(long, short)]
    quiet: bool,
}

/// Format of events.
#[derive(Clone, Copy, ValueEnum)]
enum EventFormat {
    /// Data Security Finding of the Open Cybersecurity Schema Framework.
    Ocsf,
}

impl Converter {
    /// Reads the logs and prints the events.
    pub fn run(self) -> Result<ExitCode, Failure> {
        const UNCONVERTED: u8 = 2;

        let paths = logs::paths(&self.paths, "record")?;
        input::only_one_stdin("the logs", &paths)?;
        let mut outcome = Ok(());
        let mut without_time: u64 = 0;
        let logs = Logs::read(&paths, self.quiet, Period { from: None, to: None }, |stream, progress| {
            let Some(record) = stream.record.as_deref().filter(|record| !record.findings.is_empty()) else {
                return ControlFlow::Continue(());
            };
            let Some(time) = stream.milliseconds else {
                without_time = without_time.saturating_add(1);
                return ControlFlow::Continue(());
            };
            let event = match self.to {
                EventFormat::Ocsf => ocsf::event(record, time),
            };
            outcome = progress.suspend(|| output::write(format!("{event}\n").as_bytes()));
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        outcome?;
        let unreadable = logs.unreadable();
        let mut problems = logs.problems;
        problems.extend(unreadable);
        if without_time > 0 {
            let records = counted(without_time, "record", "records");
            problems.push(format!("{records} without a time not converted; give the lines of the access log"));
        }
        for problem in &problems {
            output::note(problem);
        }
        Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(UNCONVERTED) })
    }
}
