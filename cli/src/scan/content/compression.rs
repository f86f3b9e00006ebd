//! Decompression of one file.

use super::piece_reader::{PieceReader, Pieces};
use flate2::bufread::GzDecoder;
use lzma_rust2::{Action, Status, XzStream};
use panveil::stream::{DecodeError, Decoder, MemoryBudget, Progress};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};

/// Compressed bytes of one read.
const COMPRESSED_CHUNK: usize = 64 << 10;

/// Most memory of a decompressor. `xz -9` needs 64 MiB, and a file could ask for 4 GiB.
const MAX_MEMORY: usize = 128 << 20;

/// Compression of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz, not lzma.
    Xz,
    /// RFC 8878.
    Zstd,
    /// RFC 7932. It has no magic number.
    Brotli,
}

impl Compression {
    /// Compression by its magic number.
    pub fn of_magic(first: &[u8]) -> Option<Self> {
        match first {
            // The only compression method of gzip.
            [0x1f, 0x8b, 0x08, ..] => Some(Self::Gzip),
            // A first block, or the end of an empty file.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            // A frame, or a skippable one.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Name of the format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Brotli => "brotli",
        }
    }

    /// Reader of the decompressed bytes, in bounded memory.
    pub fn decompress<'s>(self, source: impl Read + 's) -> Box<dyn Read + 's> {
        let source = BufReader::with_capacity(COMPRESSED_CHUNK, source);
        match self {
            Self::Gzip => Box::new(GzipMembers::new(source)),
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(source)),
            Self::Xz => Box::new(XzReader::new(source)),
            Self::Zstd => Box::new(PieceReader::new(CodedBytes::new(source, b"zstd"))),
            Self::Brotli => Box::new(PieceReader::new(CodedBytes::new(source, b"br"))),
        }
    }
}

/// Reader of all members of a gzip file. It skips zeros after a member, which tapes and disks add as padding.
struct GzipMembers<R> {
    member: Option<GzDecoder<R>>,
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

/// Reader of all streams of an xz file.
struct XzReader<R> {
    source: R,
    stream: XzStream,
    /// Error behind the bytes that were read.
    error: Option<io::Error>,
}

impl<R: BufRead> XzReader<R> {
    fn new(source: R) -> Self {
        let limit = u32::try_from(MAX_MEMORY >> 10).unwrap_or(u32::MAX);
        Self { source, stream: XzStream::new_mem_limit(true, limit), error: None }
    }
}

impl<R: BufRead> Read for XzReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        loop {
            let input = self.source.fill_buf()?;
            let is_end = input.is_empty();
            let action = if is_end { Action::Finish } else { Action::Run };
            let before = self.stream.total_out();
            let result = match self.stream.process(input, buffer, action) {
                Ok(result) => result,
                Err(error) => {
                    let produced = self.stream.total_out().saturating_sub(before);
                    if produced == 0 {
                        return Err(error);
                    }
                    self.error = Some(error);
                    return Ok(usize::try_from(produced).unwrap_or(buffer.len()));
                }
            };
            self.source.consume(result.bytes_consumed);
            if result.bytes_produced > 0 || buffer.is_empty() || result.status == Status::StreamEnd {
                return Ok(result.bytes_produced);
            }
            if is_end {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Bytes in a content encoding that the filter decodes too.
struct CodedBytes<R> {
    source: R,
    decoder: Option<Decoder>,
}

impl<R: BufRead> CodedBytes<R> {
    fn new(source: R, coding: &[u8]) -> Self {
        // The reader of the output limits its size.
        let decoder = Decoder::of(coding, u32::MAX, &MemoryBudget::new(MAX_MEMORY)).ok().flatten();
        Self { source, decoder }
    }
}

impl<R: BufRead> Pieces for CodedBytes<R> {
    fn next_piece(&mut self, piece: &mut Vec<u8>) -> io::Result<bool> {
        // Three bytes can decode to 128 KiB.
        const STEP: usize = 128;

        let Some(decoder) = &mut self.decoder else { return Ok(false) };
        let input = self.source.fill_buf()?;
        let input = input.get(..STEP).unwrap_or(input);
        let problem = match (input.is_empty(), decoder.progress()) {
            (true, Progress::Incomplete) => return Err(ErrorKind::UnexpectedEof.into()),
            (true, _) => return Ok(false),
            (false, Progress::Ended) => "bytes follow its end",
            (false, _) => match decoder.push(input, piece) {
                Ok(()) => "",
                Err(DecodeError::Memory) => "it needs more than 128 MiB of memory",
                Err(DecodeError::Broken | DecodeError::Ratio) => "invalid data, or a window of more than 8 MiB",
            },
        };
        let length = input.len();
        self.source.consume(length);
        match problem {
            // The bytes before the error are read first; the decoder repeats the error.
            _ if !piece.is_empty() || problem.is_empty() => Ok(true),
            problem => Err(io::Error::new(ErrorKind::InvalidData, problem)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const TEXT: &str = "card 4111111111111111\n";

    fn decompressed(compression: Compression, bytes: &[u8]) -> (String, bool) {
        let mut text = Vec::new();
        let read = compression.decompress(bytes).read_to_end(&mut text);
        (String::from_utf8(text).unwrap(), read.is_ok())
    }

    fn samples() -> Vec<(Compression, Vec<u8>)> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(TEXT.as_bytes()).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
        bzip2.write_all(TEXT.as_bytes()).unwrap();
        let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::default()).unwrap();
        xz.write_all(TEXT.as_bytes()).unwrap();
        let zstd = zstd::encode_all(TEXT.as_bytes(), 3).unwrap();
        let mut brotli = Vec::new();
        brotli::CompressorWriter::new(&mut brotli, 4096, 5, 20).write_all(TEXT.as_bytes()).unwrap();
        vec![
            (Compression::Gzip, gzip.finish().unwrap()),
            (Compression::Bzip2, bzip2.finish().unwrap()),
            (Compression::Xz, xz.finish().unwrap()),
            (Compression::Zstd, zstd),
            (Compression::Brotli, brotli),
        ]
    }

    #[test]
    fn every_compression_is_read_to_its_end() {
        for (compression, bytes) in samples() {
            assert_eq!(decompressed(compression, &bytes), (TEXT.to_owned(), true), "{compression:?}");
            if compression != Compression::Brotli {
                assert_eq!(Compression::of_magic(&bytes), Some(compression));
                let twice = decompressed(compression, &bytes.repeat(2));
                assert_eq!(twice, (TEXT.repeat(2), true), "{compression:?}");
            }
        }
    }

    #[test]
    fn truncated_and_malformed_files_are_errors() {
        for (compression, bytes) in samples() {
            for length in 1..bytes.len() {
                let (text, complete) = decompressed(compression, &bytes[..length]);
                assert!(!complete && TEXT.starts_with(&text), "{compression:?} {length}");
            }
            // The decoder of brotli drops bytes that arrive with its end.
            let trailing = decompressed(compression, &[&bytes[..], &[b'r'; 600]].concat());
            assert_eq!(trailing, (TEXT.to_owned(), false), "{compression:?}");
        }
    }

    #[test]
    fn memory_does_not_depend_on_the_file() {
        // A block header with a dictionary of 4 GiB.
        let mut xz = samples().swap_remove(2).1;
        let dictionary = xz.windows(2).position(|pair| pair == [0x21, 0x01]).unwrap() + 2;
        xz[dictionary] = 40;
        let header = 12..12 + (usize::from(xz[12]) + 1) * 4;
        let checksum = crc32(&xz[header.start..header.end - 4]);
        xz[header.end - 4..header.end].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(decompressed(Compression::Xz, &xz), (String::new(), false));
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let mut checksum = flate2::Crc::new();
        checksum.update(bytes);
        checksum.sum()
    }
}
