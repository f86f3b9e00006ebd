//! Peers in Python, as processes that read lines from the test and write lines to it.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Time limit for a step of a peer, also on a busy machine.
const LONGEST_STEP: Duration = Duration::from_secs(60);

/// Interpreter with the packages in `peers/requirements.txt`.
#[derive(Clone, Debug)]
pub struct Python(PathBuf);

/// Running script of `peers/`. Stopped when dropped.
#[derive(Debug)]
pub struct Script {
    child: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Python {
    /// Interpreter in `PEERS_PYTHON`, if the variable is set.
    #[must_use]
    pub fn from_environment() -> Option<Self> {
        std::env::var_os("PEERS_PYTHON").map(|path| Self(path.into()))
    }

    /// Starts `peers/<name>.py`.
    ///
    /// # Errors
    ///
    /// When it cannot be run.
    pub fn start(&self, name: &str, arguments: &[&str]) -> Result<Script> {
        let mut child = Command::new(&self.0)
            .arg(format!("{}/peers/{name}.py", env!("CARGO_MANIFEST_DIR")))
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("PEERS_PYTHON={}: cannot be run", self.0.display()))?;
        let output = child.stdout.take().context("no output")?;
        Ok(Script { input: child.stdin.take(), lines: BufReader::new(output).lines(), child })
    }

    /// Runs a program of this package's folder, such as `hostile-peers/run.py`, until it exits. Returns whether it
    /// succeeded, and its output.
    ///
    /// # Errors
    ///
    /// When it cannot be run.
    pub async fn run(&self, program: &str, arguments: &[&str]) -> Result<(bool, String)> {
        let output = Command::new(&self.0)
            .arg(format!("{}/{program}", env!("CARGO_MANIFEST_DIR")))
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("PEERS_PYTHON={}: cannot be run", self.0.display()))?;
        Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
    }
}

impl Script {
    /// Next line of its output.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn line(&mut self) -> Result<String> {
        let line = timeout(LONGEST_STEP, self.lines.next_line()).await.context("the peer says nothing")??;
        line.context("the peer ended early")
    }

    /// Rest of the next line, which must begin with this word.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub async fn told(&mut self, word: &str) -> Result<String> {
        let line = self.line().await?;
        match line.strip_prefix(word).and_then(|rest| rest.strip_prefix(' ')) {
            Some(rest) => Ok(rest.to_owned()),
            None => bail!("the peer says {line:?} instead of {word:?}"),
        }
    }

    /// Writes a line to its input.
    ///
    /// # Errors
    ///
    /// When the input is closed.
    pub async fn tell(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("the peer's input is closed")?;
        input.write_all(format!("{line}\n").as_bytes()).await?;
        Ok(input.flush().await?)
    }

    /// Closes its input.
    pub fn finish(&mut self) {
        drop(self.input.take());
    }

    /// Waits until it exits.
    ///
    /// # Errors
    ///
    /// When the exit status is not 0.
    pub async fn end(mut self) -> Result<()> {
        self.finish();
        let status = timeout(LONGEST_STEP, self.child.wait()).await.context("the peer does not end")??;
        ensure!(status.success(), "the peer failed: {status}");
        Ok(())
    }
}
