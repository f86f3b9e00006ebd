//! What comes in, and from where?

use super::failure::Failure;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What the file at `path` holds, or standard input when that is `-`. Of more than `most` bytes not much more is read, so
/// that it is seen that it is too large.
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

/// The next piece of standard input: as much as is there now, nothing at its end.
pub fn piece() -> Result<Vec<u8>, Failure> {
    const MAX_BYTES: usize = 64 << 10;

    let mut piece = vec![0; MAX_BYTES];
    let mut stdin = io::stdin().lock();
    loop {
        match stdin.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::of("read", "standard input")(error)),
            Ok(len) => {
                piece.truncate(len);
                return Ok(piece);
            }
        }
    }
}
