//! Which files are there to scan?

use super::display_name::DisplayName;
use std::fs::{FileType, Metadata};
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// Something to scan.
pub struct Task {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: TaskKind,
}

/// What there is to scan.
pub enum TaskKind {
    /// Standard input.
    Input,
    /// A file of so many bytes.
    File(u64),
    /// What cannot be read, and why: a sentence without a subject.
    Unreadable(String),
}

/// What was found under the paths that were asked for.
#[derive(Default)]
pub struct FileList {
    /// All there is to scan, in the order of the paths, each path once.
    pub tasks: Vec<Task>,
    /// How many symbolic links were left alone.
    pub links: u64,
    /// The folders of the kernel that were left alone.
    pub kernel: Vec<PathBuf>,
}

impl FileList {
    /// Lists `paths` and what is in them. `follow` says that symbolic links in directories are followed; one that is
    /// asked for by name always is.
    pub fn list(paths: &[PathBuf], follow: bool) -> Self {
        let mut files = Self::default();
        for path in paths {
            if path == Path::new("-") {
                files.add(path, TaskKind::Input);
            } else {
                files.list_one(path, follow);
            }
        }
        files.tasks.sort_by(|a, b| a.path.cmp(&b.path));
        files.tasks.dedup_by(|a, b| a.path == b.path);
        files
    }

    /// The bytes of all files.
    pub fn bytes(&self) -> u64 {
        let lengths = self.tasks.iter().map(|task| if let TaskKind::File(length) = task.kind { length } else { 0 });
        lengths.fold(0, u64::saturating_add)
    }

    fn list_one(&mut self, path: &Path, follow: bool) {
        match path.metadata() {
            Err(error) => self.add(path, TaskKind::Unreadable(format!("cannot be read: {error}"))),
            Ok(metadata) if metadata.is_dir() => self.walk(path, follow),
            Ok(metadata) if metadata.is_file() || is_handed_over(path) => {
                self.add(path, TaskKind::File(metadata.len()))
            }
            Ok(metadata) => self.add(path, special(path, metadata.file_type())),
        }
    }

    fn walk(&mut self, root: &Path, follow: bool) {
        let kernel = KernelFilesystems::outside(root);
        let mut entries = WalkDir::new(root).follow_links(follow).into_iter();
        while let Some(entry) = entries.next() {
            match entry {
                Ok(entry) if kernel.has(&entry) => {
                    self.kernel.push(entry.into_path());
                    entries.skip_current_dir();
                }
                Ok(entry) => self.add_entry(&entry),
                Err(error) if error.loop_ancestor().is_some() => self.links = self.links.saturating_add(1),
                Err(error) => {
                    let why = error.io_error().map_or_else(|| "walk failed".to_owned(), ToString::to_string);
                    self.add(error.path().unwrap_or(root), TaskKind::Unreadable(format!("cannot be read: {why}")));
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
            self.add(entry.path(), special(entry.path(), kind));
        }
    }

    fn add(&mut self, path: &Path, kind: TaskKind) {
        self.tasks.push(Task { path: path.to_owned(), kind });
    }
}

/// The file systems in which the kernel shows itself. What is in them is no file: it is made while it is read, and some
/// of it never ends.
struct KernelFilesystems {
    devices: Vec<u64>,
}

impl KernelFilesystems {
    /// Those that `root` does not lie in: who asks for one gets it.
    fn outside(root: &Path) -> Self {
        let own = [root, Path::new("/")].map(device);
        let devices = ["/proc", "/sys"].iter().map(|path| device(Path::new(path)));
        Self { devices: devices.filter(|device| !own.contains(device)).flatten().collect() }
    }

    /// Whether `entry` is a folder in one of them.
    fn has(&self, entry: &DirEntry) -> bool {
        let kernel = |metadata: Metadata| device_of(&metadata).is_some_and(|device| self.devices.contains(&device));
        entry.file_type().is_dir() && entry.metadata().is_ok_and(kernel)
    }
}

/// The number of the device that the file at `path` is on.
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

/// True for what a shell or an operator hands over under a path that is no regular file: `<(command)`, `/dev/stdin`, a disk.
fn is_handed_over(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc")
}

/// Opening one of these may wait for ever.
fn special(path: &Path, kind: FileType) -> TaskKind {
    let advice = format!("; to scan what it gives: panveil scan < {}", DisplayName::of(path).text());
    TaskKind::Unreadable(match word(kind) {
        "a FIFO" => format!("not scanned: a FIFO, not a file{advice}"),
        word => format!("not scanned: {word}, not a file"),
    })
}

#[cfg(unix)]
fn word(kind: FileType) -> &'static str {
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
fn word(_: FileType) -> &'static str {
    "something special"
}
