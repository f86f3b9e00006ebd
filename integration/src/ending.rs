//! How does a program end that has started an Envoy? Its work is dropped, and with it every process, however the end comes.

use std::fmt::Display;
use std::future::Future;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Result, bail};
use tokio::signal::unix::{SignalKind, signal};

/// Does `work` to its end, unless somebody presses Ctrl-C or asks the program to terminate before.
///
/// # Errors
///
/// Those of `work`, and one that says that it was cut short.
pub async fn unless_told_to_end<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        outcome = work => outcome,
        told = told_to_end() => {
            told?;
            bail!("told to end")
        }
    }
}

/// The same for what shows something and, if it is to `keep` running, does so until it is told to end: that is no error then.
///
/// # Errors
///
/// Those of `work`.
pub async fn shown(keep: bool, work: impl Future<Output = Result<bool>>) -> Result<bool> {
    tokio::select! {
        outcome = work => outcome,
        told = told_to_end() => told.map(|()| keep),
    }
}

/// How `program` ends: well only when what it was to show is true. An error is said in one line.
pub fn exit_code(program: impl Display, outcome: Result<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{program}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Until Ctrl-C or a request to terminate.
///
/// # Errors
///
/// When the system does not tell of signals.
pub async fn told_to_end() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => Ok(outcome?),
        _ = terminate.recv() => Ok(()),
    }
}

/// A seed that is another one each second, and short enough to type.
#[must_use]
pub fn seed_of_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
