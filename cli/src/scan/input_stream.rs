//! What does a file hold, once it is unpacked?

use super::file_list::{Task, TaskKind};
use super::progress::ScanProgress;
use flate2::bufread::GzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// How gzip begins: its magic number and its only method (RFC 1952).
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];

/// How much packed input is read at once.
const PACKED: usize = 128 << 10;

/// The bytes of a file, unpacked if they are packed.
pub struct InputStream<'p> {
    /// Gives the bytes.
    pub bytes: Box<dyn Read + 'p>,
    /// Whether they were packed.
    pub is_packed: bool,
    /// True when the name says that the bytes are packed and the bytes say that they are not.
    pub is_misnamed: bool,
}

/// All members of a gzip file. Zeros behind a member are no more than what fills up a block of a tape or disk.
struct GzipMembers<R> {
    member: Option<GzDecoder<R>>,
}

/// Counts on a progress bar what is read.
struct CountedReader<'p, R> {
    source: R,
    progress: &'p ScanProgress,
}

impl<'p> InputStream<'p> {
    /// Opens what is to be scanned.
    pub fn open(task: &Task, progress: &'p ScanProgress) -> io::Result<Self> {
        if let TaskKind::Input = task.kind {
            return Self::unpack(CountedReader { source: io::stdin().lock(), progress }, false);
        }
        let source = CountedReader { source: File::open(&task.path)?, progress };
        Self::unpack(source, task.path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz")))
    }

    fn unpack(mut source: impl Read + 'p, named_gzip: bool) -> io::Result<Self> {
        let mut first = [0; GZIP.len()];
        let length = fill(&mut source, &mut first)?;
        let is_packed = first == GZIP;
        let is_misnamed = named_gzip && length > 0 && !is_packed;
        let whole = Cursor::new(first).take(u64::try_from(length).unwrap_or(0)).chain(source);
        let bytes: Box<dyn Read + 'p> = if is_packed {
            Box::new(GzipMembers::new(BufReader::with_capacity(PACKED, whole)))
        } else {
            Box::new(whole)
        };
        Ok(Self { bytes, is_packed, is_misnamed })
    }
}

/// Fills `room` as far as there is something, and says how far.
fn fill(source: &mut impl Read, room: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = room.get_mut(length..).filter(|rest| !rest.is_empty()) {
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
    fn new(packed: R) -> Self {
        Self { member: Some(GzDecoder::new(packed)) }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let length = member.read(room)?;
            if length > 0 || room.is_empty() {
                return Ok(length);
            }
            skip_zeros(member.get_mut())?;
            let is_end = member.get_mut().fill_buf()?.is_empty();
            self.member = self.member.take().filter(|_| !is_end).map(|member| GzDecoder::new(member.into_inner()));
        }
        Ok(0)
    }
}

/// Passes over zeros.
fn skip_zeros(source: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = source.fill_buf()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let is_over = bytes.is_empty() || zeros < bytes.len();
        source.consume(zeros);
        if is_over {
            return Ok(());
        }
    }
}

impl<R: Read> Read for CountedReader<'_, R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(room)?;
        self.progress.read(length);
        Ok(length)
    }
}
