//! Why did the command not do what it was asked to do?

use super::output;
use panveil::policy::PolicyError;
use std::io::ErrorKind;
use std::process::ExitCode;

/// The end of the command before its end.
pub enum Failure {
    /// Something is wrong, in one line.
    Error(String),
    /// Nothing is wrong: this text was asked for in place of the work (`--help`).
    Help(String),
    /// Nothing is wrong: whoever reads the output has enough of it.
    OutputClosed,
}

impl Failure {
    /// A failure to read or write `what`.
    pub fn of(doing: &str, what: &str) -> impl FnOnce(std::io::Error) -> Self {
        let context = format!("cannot {doing} {what}");
        move |error| match error.kind() {
            ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Error(format!("{context}: {error}")),
        }
    }

    /// Says what happened to the person at the terminal, and to the shell.
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
    /// clap explains in paragraphs. How the command is used is in its help, the others fit into a line.
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
