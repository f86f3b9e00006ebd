//! Compressed bodies that make a decoder use its maximum memory with few bytes on the wire. None of them ends.
//!
//! Empty blocks keep the compression ratio below the limit of one hundred.

use std::io::Write;

use anyhow::Result;

/// Output bytes for which one piece of empty blocks compensates: well below a ratio of one hundred.
const BALLAST: usize = 16 << 10;
const SAID: usize = 1 << 20;
/// Base-two logarithm of a size above the largest windows of `br` and of `zstd` in HTTP.
const BR_TEXT: usize = 20;
const ZSTD_TEXT: usize = 11;

/// Body under construction, in the pieces that are sent.
pub type Pieces = Vec<Vec<u8>>;

/// `br` with the largest window.
pub fn br() -> Pieces {
    let mut noise = Noise::default();
    let mut pieces = vec![br_window()];
    for _ in 0..BR_TEXT {
        pieces.push([br_metadata(BALLAST, &mut noise), br_repeated(b'a', SAID)].concat());
    }
    pieces
}

/// `zstd` with the largest window of HTTP.
pub fn zstd() -> Pieces {
    let mut pieces = vec![zstd_skippable(BALLAST * ZSTD_TEXT), zstd_frame()];
    for _ in 0..ZSTD_TEXT {
        pieces.push((0..8).flat_map(|_| zstd_repeated(b'a', SAID / 8)).collect());
    }
    pieces
}

/// `gzip`, which has a small window.
pub fn gzip() -> Result<Pieces> {
    Ok(vec![gzip_of(&Noise::default().bytes(100_000))?])
}

/// `zstd, br, gzip`: the window of zstd, and that of br filled with skippable frames of zstd.
pub fn three_layers() -> Result<Pieces> {
    let text = 8 * SAID;
    let zstd = [&0x184D_2A50_u32.to_le_bytes()[..], &u32::try_from(text)?.to_le_bytes()].concat();
    let mut noise = Noise::default();
    let mut br = vec![br_window(), br_plain(&zstd)];
    for _ in 0..8 {
        br.push([br_metadata(BALLAST, &mut noise), br_repeated(b'a', SAID)].concat());
    }
    br.push(br_plain(&zstd_frame()));
    for _ in 0..ZSTD_TEXT {
        let blocks: Vec<u8> = (0..8).flat_map(|_| zstd_repeated(b'a', SAID / 8)).collect();
        br.push([br_metadata(BALLAST, &mut noise), br_plain(&blocks)].concat());
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut pieces = Vec::new();
    for piece in br {
        encoder.write_all(&piece)?;
        encoder.flush()?;
        pieces.push(std::mem::take(encoder.get_mut()));
    }
    Ok(pieces)
}

/// `gzip` encoding without the last bytes.
fn gzip_of(text: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text)?;
    encoder.flush()?;
    Ok(std::mem::take(encoder.get_mut()))
}

/// Complete `gzip` encoding.
pub fn whole_gzip(text: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text)?;
    Ok(encoder.finish()?)
}

/// Incompressible bytes.
#[derive(Default)]
struct Noise(u32);

impl Noise {
    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut next = || {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 24) as u8
        };
        (0..len).map(|_| next()).collect()
    }
}

/// Bit writer, least significant bit first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn put(mut self, value: usize, count: usize) -> Self {
        for bit in 0..count {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("a byte was put");
            *last |= ((value >> bit & 1) as u8) << (self.count % 8);
            self.count += 1;
        }
        self
    }
}

/// Largest window, and an empty metadata block for byte alignment.
fn br_window() -> Vec<u8> {
    Bits::default().put(0b1111, 4).put(0, 1).put(3, 2).put(0, 1).put(0, 2).bytes
}

/// Metadata block with ignored content.
fn br_metadata(len: usize, noise: &mut Noise) -> Vec<u8> {
    [Bits::default().put(0, 1).put(3, 2).put(0, 1).put(2, 2).put(len - 1, 16).bytes, noise.bytes(len)].concat()
}

/// Uncompressed metablock of less than 64 KiB.
fn br_plain(text: &[u8]) -> Vec<u8> {
    let header = Bits::default().put(0, 1).put(0, 2).put(text.len() - 1, 16).put(1, 1).bytes;
    [header, text.to_vec()].concat()
}

/// Metablock that repeats one byte, 64 KiB to 1 MiB, and an empty metadata block for byte alignment.
fn br_repeated(byte: u8, len: usize) -> Vec<u8> {
    // Not the last metablock, length in five nibbles, compressed; one block type of each kind; no direct distances; one
    // context mode; one prefix code of each kind.
    let header = Bits::default().put(0, 1).put(1, 2).put(len - 1, 20).put(0, 1).put(0, 3).put(0, 6).put(0, 2).put(0, 2);
    // Prefix codes of one symbol: the byte, the command with four literals and the longest copy, the last distance,
    // which is four.
    let codes = header.put(1, 2).put(0, 2).put(usize::from(byte), 8);
    let codes = codes.put(1, 2).put(0, 2).put(423, 10).put(1, 2).put(0, 2).put(0, 6);
    codes.put(len - 4 - 2118, 24).put(0, 1).put(3, 2).put(0, 1).put(0, 2).bytes
}

fn zstd_skippable(len: usize) -> Vec<u8> {
    let mut bytes = [&0x184D_2A50_u32.to_le_bytes()[..], &(len as u32).to_le_bytes()].concat();
    bytes.resize(bytes.len() + len, 0);
    bytes
}

/// Start of a frame with a window of 8 MiB and without a length.
fn zstd_frame() -> Vec<u8> {
    [&0xFD2F_B528_u32.to_le_bytes()[..], &[0, 13 << 3]].concat()
}

/// Block that repeats one byte, at most 128 KiB.
fn zstd_repeated(byte: u8, len: usize) -> Vec<u8> {
    let header = (len as u32) << 3 | 1 << 1;
    [&header.to_le_bytes()[..3], &[byte]].concat()
}
