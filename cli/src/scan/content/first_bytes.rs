//! The first bytes of a stream, which show its kind.

use crate::scan::inspection::{ReadStatus, fill};
use panveil::stream::begins_like_text;
use std::io::{self, Cursor, Read};
use std::mem;

/// Number of bytes that determine the kind of a file.
const LENGTH: usize = 8 << 10;

/// First bytes of a stream.
pub struct FirstBytes {
    bytes: Vec<u8>,
    /// Result of the reads.
    status: ReadStatus,
}

/// The whole stream: its first bytes, and the rest.
pub struct WholeStream<R> {
    first: Cursor<Vec<u8>>,
    status: ReadStatus,
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
        let (length, status) = fill(source, &mut bytes, suffices);
        bytes.truncate(length);
        Self { bytes, status }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The whole stream again: these bytes, and the rest in `source`.
    pub fn before<R: Read>(self, source: R) -> WholeStream<R> {
        WholeStream { first: Cursor::new(self.bytes), status: self.status, rest: source }
    }
}

impl<R: Read> Read for WholeStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.first.read(buffer)?;
        if length > 0 || matches!(self.status, ReadStatus::End) {
            return Ok(length);
        }
        match mem::replace(&mut self.status, ReadStatus::More) {
            ReadStatus::Failed(error) => Err(error),
            ReadStatus::More | ReadStatus::End => self.rest.read(buffer),
        }
    }
}
