//! `panveil completions`: completion scripts for shells.

use super::failure::Failure;
use super::output;
use clap::{Args, Command};
use clap_complete::Shell;

/// Prints a script with which a shell completes panveil's commands, options and files.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil completions bash > ~/.local/share/bash-completion/completions/panveil
  panveil completions zsh > \"${fpath[1]}/_panveil\"
  panveil completions fish > ~/.config/fish/completions/panveil.fish")]
pub struct Completions {
    /// Shell that runs the script.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints the script for `command`.
    pub fn run(self, mut command: Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "panveil", &mut script);
        output::write(&script)
    }
}
