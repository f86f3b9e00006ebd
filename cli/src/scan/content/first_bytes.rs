//! The first bytes of a stream, which show its kind.

use panveil::stream::begins_like_text;
use std::io::{self, Cursor, Read};

/// Number of bytes that determine the kind of a file.
const LENGTH: usize = 8 << 10;

/// First bytes of a stream.
pub struct FirstBytes {
    bytes: Vec<u8>,
    /// True if the stream ended with them.
    is_whole: bool,
    /// Error after them.
    error: Option<io::Error>,
}

/// The whole stream: its first bytes, and the rest.
pub struct WholeStream<R> {
    first: Cursor<Vec<u8>>,
    is_whole: bool,
    error: Option<io::Error>,
    rest: R,
}

impl FirstBytes {
    /// Reads them. For a text that arrives slowly, its first line suffices.
    pub fn read(source: &mut (impl Read + ?Sized)) -> Self {
        Self::read_until(source, |bytes| bytes.contains(&b'\n') && begins_like_text(bytes))
    }

    /// Reads them from a file, which does not arrive slowly.
    pub fn read_file(source: &mut (impl Read + ?Sized)) -> Self {
        Self::read_until(source, |_| false)
    }

    fn read_until(source: &mut (impl Read + ?Sized), suffices: impl Fn(&[u8]) -> bool) -> Self {
        let mut bytes = vec![0; LENGTH];
        let (mut length, mut is_whole, mut failure) = (0, false, None);
        while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match source.read(rest) {
                Ok(0) => {
                    is_whole = true;
                    break;
                }
                Ok(read) => {
                    length = length.saturating_add(read);
                    let now = bytes.get(..length).unwrap_or_default();
                    if length < LENGTH && suffices(now) {
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
        Self { bytes, is_whole, error: failure }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The whole stream again: these bytes, and the rest in `source`.
    pub fn before<R: Read>(self, source: R) -> WholeStream<R> {
        WholeStream { first: Cursor::new(self.bytes), is_whole: self.is_whole, error: self.error, rest: source }
    }
}

impl<R: Read> Read for WholeStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.first.read(buffer)?;
        if length > 0 || self.is_whole {
            return Ok(length);
        }
        match self.error.take() {
            Some(error) => Err(error),
            None => self.rest.read(buffer),
        }
    }
}
