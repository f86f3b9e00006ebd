//! Files and messages in the history of a git repository.

use super::file_list::{Task, TaskKind};
use super::ignore_rules::IgnoreRules;
use crate::failure::Failure;
use crate::terminal;
use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read, Take, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Length of a commit's name in the output.
const SHORT: usize = 12;

/// Versions of files in the commits of all branches and tags, and the commits with their messages.
#[derive(Default)]
pub struct GitHistory {
    /// Each version of a file once, in its first commit, and each commit.
    pub tasks: Vec<Task>,
    /// Paths that the rules exclude.
    pub excluded: Vec<PathBuf>,
}

/// Process of git that returns the contents of objects.
pub struct GitObjects {
    process: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl GitHistory {
    /// Lists the history of the repository at `repository`.
    pub fn list(repository: &Path, rules: &IgnoreRules) -> Result<Self, Failure> {
        let fail = |problem: String| Failure::Error(format!("{}: {problem}", repository.display()));
        if run(repository, &["rev-parse", "--is-shallow-repository"], &[]).map_err(fail)?.trim_ascii() == b"true" {
            let problem = "a shallow clone, which lacks commits; run git fetch --unshallow, or set fetch-depth: 0";
            return Err(fail(problem.to_owned()));
        }
        let root = run(repository, &["rev-parse", "--show-toplevel"], &[]).unwrap_or_default();
        let root = path_of(root.trim_ascii_end());
        let commits = run(repository, &["rev-list", "--all", "--reverse"], &[]).map_err(fail)?;
        let changes = ["diff-tree", "--stdin", "-r", "-m", "--root", "--no-renames", "--raw", "-z", "--no-abbrev"];
        let changes = run(repository, &changes, &commits).map_err(fail)?;
        let mut history = Self::default();
        for commit in commits.split(|byte| *byte == b'\n').filter(|commit| !commit.is_empty()) {
            let commit = String::from_utf8_lossy(commit).into_owned();
            history.add(repository, Path::new("commit message"), &commit, &commit);
        }
        let stack = rules.stack(&root.join("file"));
        history.add_changes(repository, &changes, |path| rules.excludes_below(&stack, &root.join(path)));
        Ok(history)
    }

    /// Adds the changed files in the output of diff-tree: commits, and pairs of properties and path.
    fn add_changes(&mut self, repository: &Path, changes: &[u8], is_excluded: impl Fn(&Path) -> bool) {
        const SUBMODULE: &[u8] = b"160000";

        let (mut seen, mut skipped) = (HashSet::new(), HashSet::new());
        let mut commit = String::new();
        let mut fields = changes.split(|byte| *byte == 0);
        while let Some(field) = fields.next() {
            let Some(properties) = field.strip_prefix(b":") else {
                commit = String::from_utf8_lossy(field).into_owned();
                continue;
            };
            let path = fields.next().unwrap_or_default();
            let mut properties = properties.split(|byte| *byte == b' ').skip(1);
            let (mode, object) = (properties.next().unwrap_or_default(), properties.nth(1).unwrap_or_default());
            let is_removed = object.iter().all(|digit| *digit == b'0');
            if is_removed || mode == SUBMODULE || seen.contains(object) {
                continue;
            }
            let path = path_of(path);
            // The same contents may have another path, which is not excluded.
            if !is_excluded(&path) {
                seen.insert(object.to_vec());
                self.add(repository, &path, &String::from_utf8_lossy(object), &commit);
            } else if skipped.insert(object.to_vec()) {
                self.excluded.push(path);
            }
        }
    }

    fn add(&mut self, repository: &Path, path: &Path, object: &str, commit: &str) {
        let commit = commit.get(..SHORT).unwrap_or(commit).to_owned();
        let kind = TaskKind::Object { repository: repository.to_owned(), object: object.to_owned(), commit };
        self.tasks.push(Task { path: path.to_owned(), kind });
    }
}

impl GitObjects {
    /// Starts git in the repository.
    pub fn start(repository: &Path) -> io::Result<Self> {
        let mut command = git(repository);
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn()?;
        match (process.stdin.take(), process.stdout.take()) {
            (Some(requests), Some(replies)) => Ok(Self { process, requests, replies: BufReader::new(replies) }),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Contents of an object. They must be read to the end, see [`Self::finish`].
    pub fn open(&mut self, object: &str) -> io::Result<Take<&mut BufReader<ChildStdout>>> {
        writeln!(self.requests, "{object}")?;
        self.requests.flush()?;
        let mut line = String::new();
        self.replies.by_ref().take(256).read_line(&mut line)?;
        let size = line.trim_end().rsplit_once(' ').and_then(|(_, size)| size.parse().ok());
        match size {
            Some(size) => Ok(self.replies.by_ref().take(size)),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "git has no such object")),
        }
    }

    /// Skips `rest` bytes of an object and the line end behind it.
    pub fn finish(&mut self, rest: u64) -> io::Result<()> {
        io::copy(&mut self.replies.by_ref().take(rest.saturating_add(1)), &mut io::sink()).map(|_| ())
    }
}

impl Drop for GitObjects {
    fn drop(&mut self) {
        // It may be in the middle of an object.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Git in the repository, without programs and downloads that its configuration requests.
fn git(repository: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(repository).args(["--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=false"]);
    command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    command
}

/// Output of git, or the reason of its failure in one line.
fn run(repository: &Path, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
    let mut command = git(repository);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "--git needs the git command; install git".to_owned(),
        _ => format!("git cannot be run: {error}"),
    })?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        child.wait_with_output()
    });
    let output = output.map_err(|error| format!("git cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let text = terminal::safe_line(&String::from_utf8_lossy(&output.stderr));
    Err(text.strip_prefix("fatal: ").unwrap_or(&text).to_owned())
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;

    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}
