//! The first bytes of a stream, which show its kind.

use panveil::stream::begins_like_text;
use std::io::{self, Cursor, Read};

/// Number of bytes that determine the kind of a file.
const LENGTH: usize = 8 << 10;

/// First bytes of a stream.
pub struct FirstBytes {
    bytes: Vec<u8>,
    /// Error after them.
    error: Option<io::Error>,
}

/// The whole stream: its first bytes, and the rest.
pub struct WholeStream<R> {
    first: Cursor<Vec<u8>>,
    error: Option<io::Error>,
    rest: R,
}

impl FirstBytes {
    /// Reads them. For a text that arrives slowly, its first line suffices.
    pub fn read(source: &mut (impl Read + ?Sized)) -> Self {
        let mut bytes = vec![0; LENGTH];
        let (mut length, mut failure) = (0, None);
        while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match source.read(rest) {
                Ok(0) => break,
                Ok(read) => {
                    length = length.saturating_add(read);
                    let now = bytes.get(..length).unwrap_or_default();
                    if length < LENGTH && now.contains(&b'\n') && begins_like_text(now) {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        bytes.truncate(length);
        Self { bytes, error: failure }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The whole stream again: these bytes, and the rest in `source`.
    pub fn before<R: Read>(self, source: R) -> WholeStream<R> {
        WholeStream { first: Cursor::new(self.bytes), error: self.error, rest: source }
    }
}

impl<R: Read> Read for WholeStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.first.read(buffer)?;
        if length > 0 {
            return Ok(length);
        }
        match self.error.take() {
            Some(error) => Err(error),
            None => self.rest.read(buffer),
        }
    }
}
