//! Input of the command: files and standard input.

use super::failure::Failure;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Contents of the file at `path`, or of standard input if the path is `-`. More than `most` bytes are the error `too_large`.
pub fn text(path: &Path, most: usize, too_large: &str) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = if path == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut text))
    };
    read.map_err(Failure::of("read", &path.display().to_string()))?;
    if text.len() > most {
        return Err(Failure::Error(format!("{}: {too_large}", name(path))));
    }
    Ok(text)
}

/// Error if more than one of these paths is standard input. `inputs` names them.
pub fn only_one_stdin<'p>(inputs: &str, paths: impl IntoIterator<Item = &'p PathBuf>) -> Result<(), Failure> {
    if paths.into_iter().filter(|path| path.as_path() == Path::new("-")).count() > 1 {
        let line = format!("only one of {inputs} can be standard input; give files for the others");
        return Err(Failure::Error(line));
    }
    Ok(())
}

/// Name of the file at `path` in messages.
pub fn name(path: &Path) -> String {
    if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() }
}

/// Next chunk of standard input: the bytes that are available now, empty at the end.
pub fn chunk() -> Result<Vec<u8>, Failure> {
    const MAX_BYTES: usize = 64 << 10;

    let mut chunk = vec![0; MAX_BYTES];
    let mut stdin = io::stdin().lock();
    loop {
        match stdin.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::of("read", "standard input")(error)),
            Ok(len) => {
                chunk.truncate(len);
                return Ok(chunk);
            }
        }
    }
}
