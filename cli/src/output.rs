//! Output of the command: results on standard output, notes and errors on standard error.

use super::failure::Failure;
use super::terminal;
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::path::Path;

/// Writes a result to standard output and flushes it.
pub fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(Failure::of("written", "standard output"))
}

/// Target of a result: standard output or a file.
pub struct OutputTarget(Option<(File, String)>);

impl OutputTarget {
    /// Creates the file at `path`, if there is one.
    pub fn create(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self(None)) };
        let name = path.display().to_string();
        let file = File::create(path).map_err(Failure::of("written", &name))?;
        Ok(Self(Some((file, name))))
    }

    /// True for a file.
    pub fn is_file(&self) -> bool {
        self.0.is_some()
    }

    /// Identity of the file, or of the one that standard output is redirected to.
    pub fn file_id(&self) -> Option<FileId> {
        match &self.0 {
            Some((file, _)) => FileId::of(&file.metadata().ok()?),
            None => FileId::of(&metadata(io::stdout())?),
        }
    }

    /// Writes a result.
    pub fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        match &self.0 {
            None => write(bytes),
            Some((file, name)) => {
                let mut file = file;
                file.write_all(bytes).map_err(Failure::of("written", name))
            }
        }
    }
}

/// Identity of a regular file: its device and inode.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FileId(u64, u64);

impl FileId {
    /// Identity of the file with this metadata; `None` for other files, and on systems that do not tell.
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;

        metadata.is_file().then(|| Self(metadata.dev(), metadata.ino()))
    }

    #[cfg(not(unix))]
    pub fn of(_: &Metadata) -> Option<Self> {
        None
    }
}

/// Metadata of a standard stream.
#[cfg(unix)]
pub fn metadata(stream: impl std::os::fd::AsFd) -> Option<Metadata> {
    let file = stream.as_fd().try_clone_to_owned().map(File::from);
    file.and_then(|file| file.metadata()).ok()
}

#[cfg(not(unix))]
pub fn metadata<S>(_: S) -> Option<Metadata> {
    None
}

/// Writes one line to standard error. The text may quote an argument or the name of a file, so card numbers in it are masked and
/// control characters escaped.
pub fn note(text: &str) {
    let line = format!("panveil: {}", text.replace(['\n', '\r'], " "));
    let line = terminal::safe(&line);
    // A failure of standard error cannot be reported.
    let _ = writeln!(io::stderr().lock(), "{line}");
}
