//! Contents of a file, with gzip decompressed.

use super::file_list::{Task, TaskKind};
use super::progress::ScanProgress;
use flate2::bufread::GzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// First bytes of gzip: its magic number and its only compression method (RFC 1952).
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];

/// Compressed bytes of one read.
const COMPRESSED_CHUNK: usize = 128 << 10;

/// Bytes of a file, decompressed if it is gzip.
pub struct InputStream<'p> {
    /// The bytes.
    pub bytes: Box<dyn Read + 'p>,
    /// True for gzip.
    pub is_gzip: bool,
    /// True if the file has the extension of gzip, but is not gzip.
    pub is_misnamed: bool,
}

/// Reader of all members of a gzip file. It skips zeros after a member, which tapes and disks add as padding.
struct GzipMembers<R> {
    member: Option<GzDecoder<R>>,
}

/// Reader that adds its bytes to a progress bar.
struct CountedReader<'p, R> {
    source: R,
    progress: &'p ScanProgress,
}

impl<'p> InputStream<'p> {
    /// Opens a file to scan.
    pub fn open(task: &Task, progress: &'p ScanProgress) -> io::Result<Self> {
        if let TaskKind::Input = task.kind {
            return Self::decompress(CountedReader { source: io::stdin().lock(), progress }, false);
        }
        let source = CountedReader { source: File::open(&task.path)?, progress };
        Self::decompress(source, task.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")))
    }

    fn decompress(mut source: impl Read + 'p, named_gzip: bool) -> io::Result<Self> {
        let mut first = [0; GZIP.len()];
        let length = fill(&mut source, &mut first)?;
        let is_gzip = first == GZIP;
        let is_misnamed = named_gzip && length > 0 && !is_gzip;
        let whole = Cursor::new(first).take(u64::try_from(length).unwrap_or(0)).chain(source);
        let bytes: Box<dyn Read + 'p> = if is_gzip {
            Box::new(GzipMembers::new(BufReader::with_capacity(COMPRESSED_CHUNK, whole)))
        } else {
            Box::new(whole)
        };
        Ok(Self { bytes, is_gzip, is_misnamed })
    }
}

/// Fills `buffer` as far as the source has bytes, and returns their number.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(read) => length = length.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

impl<R: BufRead> GzipMembers<R> {
    fn new(source: R) -> Self {
        Self { member: Some(GzDecoder::new(source)) }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let length = member.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            skip_zeros(member.get_mut())?;
            let is_end = member.get_mut().fill_buf()?.is_empty();
            self.member = self.member.take().filter(|_| !is_end).map(|member| GzDecoder::new(member.into_inner()));
        }
        Ok(0)
    }
}

/// Skips zeros.
fn skip_zeros(source: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = source.fill_buf()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let is_done = bytes.is_empty() || zeros < bytes.len();
        source.consume(zeros);
        if is_done {
            return Ok(());
        }
    }
}

impl<R: Read> Read for CountedReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.progress.read(length);
        Ok(length)
    }
}
