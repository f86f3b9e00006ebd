//! Processes of the measuring program, controlled by lines.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use panveil_scan_speed::turn::Turn;

/// V8 flags as in Envoy: compile everything before execution, with the optimizing compiler.
const V8_FLAGS: [&str; 4] =
    ["--no-warnings", "--no-liftoff", "--no-wasm-lazy-compilation", "--no-wasm-dynamic-tiering"];

/// Runtime of the detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Native program.
    Native,
    /// Wasm in V8.
    V8,
}

/// Running program. Killed when dropped.
#[derive(Debug)]
pub struct Runner {
    /// Runtime of the program.
    pub place: Place,
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Runner {
    /// Starts the program natively.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn native(program: &Path) -> Result<Self> {
        Self::start(Place::Native, &mut Command::new(program))
            .with_context(|| format!("cannot run {}", program.display()))
    }

    /// Starts the program as Wasm, with a script that provides WASI.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn v8(node: &Path, script: &Path, module: &Path) -> Result<Self> {
        Self::start(Place::V8, Command::new(node).args(V8_FLAGS).arg(script).arg(module))
            .with_context(|| format!("cannot run {}", node.display()))
    }

    fn start(place: Place, command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let questions = child.stdin.take().context("no way in")?;
        let answers = BufReader::new(child.stdout.take().context("no way out")?);
        Ok(Self { place, child, questions, answers })
    }

    /// Measures an engine on an input for this time. The arguments are indexes in `Engine::ALL` and `Input::all()`.
    ///
    /// # Errors
    ///
    /// When the program does not respond. Its own error is on standard error.
    pub fn measure(&mut self, engine: usize, input: usize, time: Duration) -> Result<Turn> {
        let place = match self.place {
            Place::Native => "natively",
            Place::V8 => "in V8",
        };
        writeln!(self.questions, "{engine} {input} {}", time.as_micros())
            .and_then(|()| self.questions.flush())
            .with_context(|| format!("scan-speed has ended, {place}"))?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        turn(&line).with_context(|| format!("scan-speed has not answered, {place}"))
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn turn(line: &str) -> Option<Turn> {
    let mut numbers = line.split_whitespace().map(str::parse);
    let [bytes, nanoseconds, found] = std::array::from_fn(|_| numbers.next()?.ok());
    Some(Turn { bytes: bytes?, nanoseconds: nanoseconds?, found: usize::try_from(found?).ok()? })
}

/// Version of V8 in this Node.js. `None` without Node.js.
///
/// # Errors
///
/// When Node.js does not print it.
pub fn v8_version(node: &Path) -> Result<Option<String>> {
    let output = match Command::new(node).args(["--print", "process.versions.v8"]).output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(anyhow!("cannot run {}: {error}", node.display())),
    };
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || version.is_empty() {
        bail!("{} does not tell which V8 it has", node.display());
    }
    Ok(Some(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_three_numbers() {
        assert_eq!(turn("1048576 2000 3\n"), Some(Turn { bytes: 1_048_576, nanoseconds: 2000, found: 3 }));
        assert_eq!((turn(""), turn("1 2"), turn("1 -2 3")), (None, None, None));
    }

    #[test]
    fn a_missing_node_is_no_error() {
        assert!(v8_version(Path::new("/no/such/node")).unwrap().is_none());
    }
}
