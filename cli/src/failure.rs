//! Early ends of the command: errors, help texts and closed pipes.

use super::output;
use panveil::policy::PolicyError;
use std::io::ErrorKind;
use std::process::ExitCode;

/// Reason for which the command ends early.
pub enum Failure {
    /// An error, described in one line.
    Error(String),
    /// A text that was requested instead of a run, such as `--help`. No error.
    Help(String),
    /// The reader of the output closed it. No error.
    OutputClosed,
}

impl Failure {
    /// Failure of input or output: `target` cannot be `done` (read, written).
    pub fn of(done: &str, target: &str) -> impl FnOnce(std::io::Error) -> Self {
        let context = format!("{target}: cannot be {done}");
        move |error| match error.kind() {
            ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Error(format!("{context}: {error}")),
        }
    }

    /// Prints the error or text, and returns the exit status.
    pub fn report(self) -> ExitCode {
        const ERROR: u8 = 2;

        match self {
            Self::OutputClosed => ExitCode::SUCCESS,
            Self::Help(text) => match output::write(text.as_bytes()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => failure.report(),
            },
            Self::Error(line) => {
                output::note(&line);
                ExitCode::from(ERROR)
            }
        }
    }
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        Self::Error(error.to_string())
    }
}

impl From<clap::Error> for Failure {
    /// Joins clap's paragraphs into one line, without the usage, which `--help` prints.
    fn from(error: clap::Error) -> Self {
        let text = error.render().to_string();
        if !error.use_stderr() {
            return Self::Help(text);
        }
        if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            return Self::Error("no command given; see panveil --help".to_owned());
        }
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let paragraphs = text.split("\n\n").map(str::trim);
        let mut sentences: Vec<&str> = paragraphs.take_while(|paragraph| !paragraph.starts_with("Usage:")).collect();
        sentences.retain(|paragraph| !paragraph.starts_with("For more information"));
        sentences.push("see panveil --help");
        let line = sentences.join("; ");
        Self::Error(line.split_whitespace().collect::<Vec<&str>>().join(" "))
    }
}
