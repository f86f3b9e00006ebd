//! `panveil report`: evidence from access logs, audits and metrics.
//!
//! `log_line` reads lines, `traffic` counts streams and findings in bounded memory, `audits`, `prometheus` and `policies` add what
//! else is known, and `render` prints the tables. Text of the input reaches the output as [`safe_text::SafeText`] only.

mod audits;
mod count_table;
mod coverage;
pub mod log_line;
pub mod logs;
pub mod period;
mod policies;
mod prometheus;
pub mod property;
pub mod record;
mod render;
pub mod safe_text;
mod table;
mod tally;
mod traffic;
mod traffic_table;

use super::failure::Failure;
use super::{clock, input, output};
use audits::Audits;
use clap::{Args, ValueHint};
use logs::Logs;
use period::Period;
use policies::Policies;
use prometheus::Metrics;
use render::ReportFormat;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use table::{Cell, Table};
use traffic::Traffic;

/// Reports where card numbers were seen, who allowed them, and when nothing inspected the traffic.
///
/// Reads access logs with panveil's columns, as JSON or text, also compressed (gzip, bzip2, xz, zstd) or wrapped by a log shipper. Audits,
/// responses of Prometheus and policies add coverage, alerts and the owners of rules. The report contains no digit of a card number.
/// Memory does not grow with the logs: a table that is full counts what it leaves out.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil report --format html access.log > report.html
  panveil report --from 2026-11-01 --to 2026-11-30 --audit audit.json --policy policy.yaml logs/
  kubectl logs deploy/checkout -c istio-proxy | panveil report --format json
  panveil report --format csv --table data_flows access.log.gz

Exit status: 0 if all input was read, 2 otherwise.")]
pub struct Report {
    /// Access logs, directories with them, or - for standard input.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,

    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReportFormat,

    /// Table to print, for CSV.
    #[arg(long, value_name = "NAME")]
    table: Option<String>,

    /// Begin of the period: a day or a time in UTC, such as 2026-11-30 or 2026-11-30T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = period::begin)]
    from: Option<u64>,

    /// End of the period. A day belongs to the period completely, a time does not.
    #[arg(long, value_name = "TIME", value_parser = period::end)]
    to: Option<u64>,

    /// Output of panveil audit --format json; can be repeated.
    #[arg(long = "audit", value_name = "FILE", value_hint = ValueHint::FilePath)]
    audits: Vec<PathBuf>,

    /// Response of Prometheus's /api/v1/query_range; can be repeated.
    #[arg(long = "prometheus", value_name = "FILE", value_hint = ValueHint::FilePath)]
    prometheus: Vec<PathBuf>,

    /// Policy, for the owners and last days of its rules; can be repeated.
    #[arg(long = "policy", value_name = "FILE", value_hint = ValueHint::FilePath)]
    policies: Vec<PathBuf>,

    /// Print no progress.
    #[arg(long, short)]
    quiet: bool,
}

/// Contents of a report.
struct Evidence {
    created: u64,
    period: Period,
    /// Counts of lines.
    input: Vec<(&'static str, Cell)>,
    summary: Vec<(&'static str, Cell)>,
    tables: Vec<Table>,
}

impl Report {
    /// Reads everything and prints the report.
    pub fn run(self) -> Result<ExitCode, Failure> {
        const UNREAD: u8 = 2;

        let period = self.period()?;
        let paths = self.log_paths()?;
        input::only_one_stdin(
            "the logs, --audit, --prometheus and --policy",
            [&paths, &self.audits, &self.prometheus, &self.policies].into_iter().flatten(),
        )?;
        let (audits, metrics, policies) = self.others()?;
        let tables = |traffic: &Traffic, created: u64| {
            let mut tables = traffic.tables(period, created);
            for table in &mut tables {
                match table.name {
                    "rules" => policies.complete(table, true),
                    "permitted" => policies.complete(table, false),
                    _ => {}
                }
            }
            tables.extend(audits.tables());
            tables.extend(metrics.tables(period));
            tables
        };
        // The names of the tables are known before the logs, which may take long to read.
        self.format.check(self.table.as_deref(), || tables(&Traffic::default(), 0))?;
        let mut traffic = Traffic::default();
        let logs = Logs::read(&paths, self.quiet, period, |stream, _| {
            traffic.add(&stream);
            ControlFlow::Continue(())
        })?;
        let created = clock::now().unwrap_or_default();
        let evidence = Evidence {
            created,
            period,
            input: logs.counts(),
            summary: traffic.summary(),
            tables: tables(&traffic, created),
        };
        output::write(&evidence.render(self.format, self.table.as_deref())?)?;
        for problem in &logs.problems {
            output::note(problem);
        }
        if let Some(problem) = logs.unreadable() {
            output::note(&format!("{problem}; see input in the report"));
        }
        Ok(if logs.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(UNREAD) })
    }

    fn period(&self) -> Result<Period, Failure> {
        let period = Period { from: self.from, to: self.to };
        match (self.from, self.to) {
            (Some(from), Some(to)) if from >= to => {
                Err(Failure::Error("--to: not after --from; give a later day or time".to_owned()))
            }
            _ => Ok(period),
        }
    }

    /// Audits, metrics and policies.
    fn others(&self) -> Result<(Audits, Metrics, Policies), Failure> {
        let (mut audits, mut metrics, mut policies) = (Audits::default(), Metrics::default(), Policies::default());
        self.audits.iter().try_for_each(|path| audits.read(path))?;
        self.prometheus.iter().try_for_each(|path| metrics.read(path))?;
        self.policies.iter().try_for_each(|path| policies.read(path))?;
        Ok((audits, metrics, policies))
    }

    /// Paths of logs. Without any, standard input is one, unless other evidence is given.
    fn log_paths(&self) -> Result<Vec<PathBuf>, Failure> {
        if !self.audits.is_empty() || !self.prometheus.is_empty() {
            return Ok(self.paths.clone());
        }
        logs::paths(&self.paths, "report")
    }
}
