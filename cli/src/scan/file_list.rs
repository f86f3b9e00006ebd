//! Files to scan.

use super::display_name::DisplayName;
use super::git_history::GitHistory;
use super::ignore_rules::{self, IgnoreRules};
use crate::failure::Failure;
use crate::output::{self, FileId, OutputTarget};
use std::fs::{FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// File to scan.
pub struct Task {
    /// Path of the file.
    pub path: PathBuf,
    /// Kind of the file.
    pub kind: TaskKind,
}

/// Kind of a file.
pub enum TaskKind {
    /// Standard input.
    Input,
    /// File with its length in bytes.
    File(u64),
    /// Object of a git repository, in a commit.
    Object { repository: PathBuf, object: String, commit: String },
    /// File that cannot be read, with the error.
    Unreadable(String),
}

/// Files under the given paths.
#[derive(Default)]
pub struct FileList {
    /// Files to scan, sorted by path, each path once.
    pub tasks: Vec<Task>,
    /// Number of symbolic links that were skipped.
    pub links: u64,
    /// Skipped directories of kernel file systems.
    pub kernel: Vec<PathBuf>,
    /// Skipped directories of git's objects.
    pub git: Vec<PathBuf>,
    /// Files and directories that are excluded.
    pub excluded: Vec<PathBuf>,
    /// Paths of the file that the output is written to.
    pub output: Vec<PathBuf>,
}

impl FileList {
    /// Lists `paths` and the contents of directories, without those that `rules` exclude. With `follow`, symbolic links in
    /// directories are followed. Links in `paths` always are.
    pub fn list(paths: &[PathBuf], follow: bool, rules: &IgnoreRules) -> Self {
        let mut files = Self::default();
        for path in paths {
            if path == Path::new("-") {
                files.add(path, TaskKind::Input);
            } else {
                files.list_one(path, follow, rules);
            }
        }
        files.tasks.sort_by(|a, b| a.path.cmp(&b.path));
        files.tasks.dedup_by(|a, b| a.path == b.path);
        files
    }

    /// Lists the history of each repository.
    pub fn history(repositories: &[PathBuf], rules: &IgnoreRules) -> Result<Self, Failure> {
        let mut files = Self::default();
        for repository in repositories {
            let history = GitHistory::list(repository, rules)?;
            files.tasks.extend(history.tasks);
            files.excluded.extend(history.excluded);
        }
        Ok(files)
    }

    /// Removes the file that the output is written to. Its scan would read the findings that it writes, and not end.
    pub fn skip_output(&mut self, target: &OutputTarget) {
        let Some(output) = target.file_id() else { return };
        let is_output = |metadata: Metadata| FileId::of(&metadata) == Some(output);
        for task in self.tasks.iter_mut().filter(|task| matches!(task.kind, TaskKind::Input)) {
            if output::metadata(io::stdin()).is_some_and(is_output) {
                task.kind =
                    TaskKind::Unreadable("not scanned: the output is written to it; use another file".to_owned());
            }
        }
        let is_output =
            |task: &mut Task| matches!(task.kind, TaskKind::File(_)) && task.path.metadata().is_ok_and(is_output);
        self.output.extend(self.tasks.extract_if(.., is_output).map(|task| task.path));
    }

    /// Total length of all files.
    pub fn bytes(&self) -> u64 {
        let lengths = self.tasks.iter().map(|task| if let TaskKind::File(length) = task.kind { length } else { 0 });
        lengths.fold(0, u64::saturating_add)
    }

    fn list_one(&mut self, path: &Path, follow: bool, rules: &IgnoreRules) {
        match path.metadata() {
            Err(error) => self.add(path, TaskKind::Unreadable(format!("cannot be read: {error}"))),
            Ok(metadata) if metadata.is_dir() => self.walk(path, follow, rules),
            Ok(metadata) if metadata.is_file() && rules.excludes_named(path) => self.excluded.push(path.to_owned()),
            Ok(metadata) if metadata.is_file() || is_special_path(path) => {
                self.add(path, TaskKind::File(metadata.len()))
            }
            Ok(metadata) => self.add(path, special_file(path, metadata.file_type())),
        }
    }

    fn walk(&mut self, root: &Path, follow: bool, rules: &IgnoreRules) {
        let kernel = KernelFilesystems::outside(root);
        let absolute_root = ignore_rules::absolute(root).unwrap_or_else(|| root.to_owned());
        let mut stack = rules.stack(&absolute_root);
        let mut entries = WalkDir::new(root).follow_links(follow).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            match entry {
                Ok(entry) if kernel.contains(&entry) => {
                    self.kernel.push(entry.into_path());
                    entries.skip_current_dir();
                }
                Ok(entry) => {
                    let is_dir = entry.file_type().is_dir();
                    let below = entry.path().strip_prefix(root).unwrap_or(entry.path());
                    let path = absolute_root.join(below);
                    stack.leave(entry.depth());
                    let list = if entry.depth() > 0 && is_dir && rules.is_git_directory(&path) {
                        &mut self.git
                    } else if entry.depth() > 0 && rules.excludes(&stack, &path, is_dir) {
                        &mut self.excluded
                    } else {
                        if is_dir {
                            rules.enter(&mut stack, &path, entry.depth());
                        }
                        self.add_entry(&entry);
                        continue;
                    };
                    list.push(entry.into_path());
                    if is_dir {
                        entries.skip_current_dir();
                    }
                }
                Err(error) if error.loop_ancestor().is_some() => self.links = self.links.saturating_add(1),
                Err(error) => {
                    let reason = error.io_error().map_or_else(|| "unknown error".to_owned(), ToString::to_string);
                    self.add(error.path().unwrap_or(root), TaskKind::Unreadable(format!("cannot be read: {reason}")));
                }
            }
        }
    }

    fn add_entry(&mut self, entry: &DirEntry) {
        let kind = entry.file_type();
        if kind.is_file() {
            self.add(entry.path(), TaskKind::File(entry.metadata().map_or(0, |metadata| metadata.len())));
        } else if kind.is_symlink() {
            self.links = self.links.saturating_add(1);
        } else if !kind.is_dir() {
            self.add(entry.path(), special_file(entry.path(), kind));
        }
    }

    fn add(&mut self, path: &Path, kind: TaskKind) {
        self.tasks.push(Task { path: path.to_owned(), kind });
    }
}

/// Virtual file systems of the kernel. It generates the contents of their files on each read, and some are endless.
struct KernelFilesystems {
    devices: Vec<u64>,
}

impl KernelFilesystems {
    /// File systems to skip below `root`. One that contains `root` is scanned, because the user named it.
    fn outside(root: &Path) -> Self {
        let own = [root, Path::new("/")].map(device);
        let devices = ["/proc", "/sys"].iter().map(|path| device(Path::new(path)));
        Self { devices: devices.filter(|device| !own.contains(device)).flatten().collect() }
    }

    /// True if `entry` is a directory in one of them.
    fn contains(&self, entry: &DirEntry) -> bool {
        let kernel = |metadata: Metadata| device_of(&metadata).is_some_and(|device| self.devices.contains(&device));
        entry.file_type().is_dir() && entry.metadata().is_ok_and(kernel)
    }
}

/// Device number of the file at `path`.
fn device(path: &Path) -> Option<u64> {
    path.metadata().ok().and_then(|metadata| device_of(&metadata))
}

#[cfg(unix)]
fn device_of(metadata: &Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::dev(metadata))
}

#[cfg(not(unix))]
fn device_of(_: &Metadata) -> Option<u64> {
    None
}

/// True for paths of special files that a user may name to have them scanned: `<(command)`, `/dev/stdin`, a disk.
fn is_special_path(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc")
}

/// Special file, which is skipped because opening it may block forever.
fn special_file(path: &Path, kind: FileType) -> TaskKind {
    let advice = format!("; give it as standard input: < {}", DisplayName::of(path).text());
    TaskKind::Unreadable(match special_kind(kind) {
        "a FIFO" => format!("not read: a FIFO, not a regular file{advice}"),
        kind => format!("not read: {kind}, not a regular file"),
    })
}

#[cfg(unix)]
fn special_kind(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;

    if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special_kind(_: FileType) -> &'static str {
    "a special file"
}
