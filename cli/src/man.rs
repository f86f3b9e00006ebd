//! `panveil man`: the manual pages.

use super::failure::Failure;
use super::output;
use clap::{Args, Command};
use clap_mangen::Man;

/// Prints the manual page of panveil or of one of its commands.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil man | man -l -
  panveil man scan > ~/.local/share/man/man1/panveil-scan.1")]
pub struct Manual {
    /// Command to describe [default: panveil itself].
    command: Option<String>,
}

impl Manual {
    /// Prints the page for `panveil` or one of its commands.
    pub fn run(self, panveil: Command) -> Result<(), Failure> {
        let mut page = Vec::new();
        let command = match &self.command {
            None => panveil,
            Some(name) => subcommand(panveil, name)?,
        };
        // An empty date, in quotes: without it the source would take its position.
        Man::new(command)
            .date("\"\"")
            .source(concat!("panveil ", env!("CARGO_PKG_VERSION")))
            .manual("panveil")
            .render(&mut page)
            .map_err(Failure::of("written", "the manual page"))?;
        output::write(&page)
    }
}

/// The command `name`, as `panveil name`.
fn subcommand(mut panveil: Command, name: &str) -> Result<Command, Failure> {
    panveil.build();
    let unknown = || Failure::Error(format!("no command {name}; see panveil --help"));
    panveil.find_subcommand(name).cloned().ok_or_else(unknown)
}
