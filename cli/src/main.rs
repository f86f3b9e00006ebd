//! The `panveil` command: the filter's core for files, pipes and captured traffic, without Envoy.

mod audit;
mod check;
mod clock;
mod completions;
mod digest;
mod document;
mod explain;
mod failure;
mod input;
mod junit;
mod man;
mod manifest;
mod mask;
mod message_args;
mod output;
mod playback;
mod policy;
mod record;
mod replay;
mod report;
mod sarif;
mod scan;
mod schema;
mod status;
mod terminal;
mod test;
mod text_table;
mod visible_digits;

use clap::{CommandFactory, Parser, Subcommand};
use failure::Failure;
use std::process::ExitCode;

/// Finds payment card numbers the way the panveil filter does, without Envoy.
#[derive(Parser)]
#[command(name = "panveil", version, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  panveil scan /var/log
  panveil explain 4111 1111 1111 1112
  panveil mask < response.json
  panveil check policy.yaml
  panveil test policy-test.yaml
  panveil replay policy.yaml checkout.har
  panveil status web-1.json web-1.prom
  panveil audit manifests
  panveil report --format html access.log > report.html
  panveil record --to ocsf access.log

Exit status: 0 on success, 1 if scan finds a card number, a case of test fails, or status or audit
finds a proxy or a way without panveil, 2 after an error.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Scan(scan::Scan),
    Mask(mask::Mask),
    Explain(explain::Explain),
    Check(check::Check),
    Test(test::Test),
    Schema(schema::Schema),
    Replay(replay::Replay),
    Status(status::Status),
    Audit(audit::Audit),
    Report(report::Report),
    Record(record::Converter),
    Completions(completions::Completions),
    Man(man::Manual),
}

fn main() -> ExitCode {
    let outcome = Arguments::try_parse().map_err(Failure::from).and_then(|arguments| arguments.command.run());
    outcome.unwrap_or_else(Failure::report)
}

impl Command {
    fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Scan(scan) => return scan.run(),
            Self::Mask(mask) => mask.run(),
            Self::Explain(explain) => explain.run(),
            Self::Check(check) => return check.run(),
            Self::Test(test) => return test.run(),
            Self::Schema(schema) => schema.run(),
            Self::Replay(replay) => replay.run(),
            Self::Status(status) => return status.run(),
            Self::Audit(audit) => return audit.run(),
            Self::Report(report) => return report.run(),
            Self::Record(converter) => return converter.run(),
            Self::Completions(completions) => completions.run(Arguments::command()),
            Self::Man(manual) => manual.run(Arguments::command()),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}
