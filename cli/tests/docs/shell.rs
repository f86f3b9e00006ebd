//! Shell that runs all commands of a page. It keeps folder, variables and background processes.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Time limit of a command.
const LONGEST_STEP: Duration = Duration::from_secs(120);

/// Mark behind the output of a command; the exit status follows it.
const END: char = '\u{1e}';

/// Bash in a folder. Its background processes end with it.
pub struct Shell {
    process: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    step: PathBuf,
}

impl Shell {
    /// Starts a shell with these variables besides its own.
    pub fn start(folder: &Path, variables: &[(&str, &str)]) -> std::io::Result<Self> {
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc"]).current_dir(folder).envs(variables.iter().copied());
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let missing = || std::io::Error::other("no pipe");
        let (input, output) = (process.stdin.take().ok_or_else(missing)?, process.stdout.take().ok_or_else(missing)?);
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            while output.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
                line.clear();
            }
        });
        Ok(Self { process, input, lines, step: folder.join(".step") })
    }

    /// Runs one command. Returns its output, errors included, and its exit status.
    pub fn run(&mut self, command: &str) -> Result<(String, i32), String> {
        fs::write(&self.step, format!("{command}\n")).map_err(|error| error.to_string())?;
        let step = self.step.display();
        writeln!(self.input, "{{ . '{step}'; }} < /dev/null 2>&1; printf '\\n\\036%s\\n' \"$?\"")
            .map_err(|error| error.to_string())?;
        let mut printed = String::new();
        loop {
            let line =
                self.lines.recv_timeout(LONGEST_STEP).map_err(|_| format!("it hangs, or ends the shell: {printed}"))?;
            if let Some(status) = line.strip_prefix(END) {
                // The line end before the mark belongs to the mark.
                printed.truncate(printed.len().saturating_sub(1));
                return Ok((printed, status.trim().parse().unwrap_or(-1)));
            }
            printed.push_str(&line);
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = writeln!(self.input, "kill $(jobs -p) 2> /dev/null; wait; printf '\\n\\036\\n'; exit");
        while let Ok(line) = self.lines.recv_timeout(LONGEST_STEP) {
            if line.starts_with(END) {
                break;
            }
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
