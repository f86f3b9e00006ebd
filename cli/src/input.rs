//! Input of the command: files and standard input.

use super::failure::Failure;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Contents of the file at `path`, or of standard input if the path is `-`. Reading stops after `most` bytes and one more, which
/// shows that the input is too large.
pub fn text(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = if path == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut text))
    };
    read.map_err(Failure::of("read", &path.display().to_string()))?;
    Ok(text)
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
