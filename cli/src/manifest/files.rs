//! Files of YAML and JSON, as arguments name them.

use crate::failure::Failure;
use crate::input;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Largest file. A dump of a large cluster has hundreds of megabytes.
const MAX_BYTES: usize = 1 << 30;

/// Endings of the files that are read in directories.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Files at `path`: the path itself, or those of YAML and JSON in a directory. An error is one line.
pub fn list(path: &Path) -> Vec<Result<PathBuf, String>> {
    if !path.is_dir() {
        return vec![Ok(path.to_owned())];
    }
    let mut files = Vec::new();
    for entry in WalkDir::new(path).sort_by_file_name() {
        match entry {
            Ok(entry) => {
                let extension = entry.path().extension();
                let is_document = ENDINGS
                    .iter()
                    .any(|ending| extension.is_some_and(|extension| extension.eq_ignore_ascii_case(ending)));
                if entry.file_type().is_file() && is_document {
                    files.push(Ok(entry.into_path()));
                }
            }
            Err(error) => files.push(Err(format!("{}: {error}", path.display()))),
        }
    }
    files
}

/// Bytes of a file, or of standard input for `-`.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    input::text(path, MAX_BYTES, &format!("larger than {MAX_BYTES} bytes"))
}
