//! Termination of programs that run Envoys: the work is dropped, and with it every process, also after a signal.

use std::fmt::Display;
use std::future::Future;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Result, bail};
use tokio::signal::unix::{SignalKind, signal};

/// Runs `work` to its end, or until Ctrl-C or SIGTERM.
///
/// # Errors
///
/// Those of `work`, and one that says that it was interrupted.
pub async fn until_signal<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        outcome = work => outcome,
        told = termination_signal() => {
            told?;
            bail!("terminated by a signal")
        }
    }
}

/// Runs a demonstration. `work` does not end by itself when the demonstration keeps running. A signal ends it, with success
/// only for `keep`.
///
/// # Errors
///
/// Those of `work`.
pub async fn demonstrate(keep: bool, work: impl Future<Output = Result<bool>>) -> Result<bool> {
    tokio::select! {
        outcome = work => outcome,
        told = termination_signal() => told.map(|()| keep),
    }
}

/// Exit code of `program`: success only when `outcome` is true. Prints an error in one line.
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

/// Waits for Ctrl-C or SIGTERM.
///
/// # Errors
///
/// When the signal handler cannot be installed.
pub async fn termination_signal() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => Ok(outcome?),
        _ = terminate.recv() => Ok(()),
    }
}

/// Short seed from the current time, which changes every second.
#[must_use]
pub fn seed_from_time() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
