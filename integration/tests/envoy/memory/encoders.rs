//! Bodies that make a decoder hold as much as its coding lets it, for few bytes on the wire. None of them ends.
//!
//! A decoder that allows a hundred bytes out for each that came in is kept below that with bytes that say nothing.

use std::io::Write;

use anyhow::Result;

/// What says nothing in one go, and how much is said for it: well below a hundred times as much.
const BALLAST: usize = 16 << 10;
const SAID: usize = 1 << 20;
/// More than the largest windows of `br` and of `zstd` in HTTP.
const BR_TEXT: usize = 20;
const ZSTD_TEXT: usize = 11;

/// A body under construction, in the pieces that are sent.
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

/// `zstd, br, gzip`: zstd's window, and br's full of what zstd skips.
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

/// What `gzip` makes of it, but for the last bytes.
fn gzip_of(text: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text)?;
    encoder.flush()?;
    Ok(std::mem::take(encoder.get_mut()))
}

/// All of it.
pub fn whole_gzip(text: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text)?;
    Ok(encoder.finish()?)
}

/// Bytes that no encoder makes fewer of.
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

/// Bits, the lowest of each byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn put(mut self, value: usize, count: usize) -> Self {
        for bit in 0..count {
            if self.count % 8 == 0 {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("a byte was put");
            *last |= ((value >> bit & 1) as u8) << (self.count % 8);
            self.count += 1;
        }
        self
    }
}

/// The largest window, and an empty metadata block, so that a byte ends there.
fn br_window() -> Vec<u8> {
    Bits::default().put(0b1111, 4).put(0, 1).put(3, 2).put(0, 1).put(0, 2).bytes
}

/// A metablock that says nothing.
fn br_metadata(len: usize, noise: &mut Noise) -> Vec<u8> {
    [Bits::default().put(0, 1).put(3, 2).put(0, 1).put(2, 2).put(len - 1, 16).bytes, noise.bytes(len)].concat()
}

/// A metablock that stands as it is, of less than 64 KiB.
fn br_plain(text: &[u8]) -> Vec<u8> {
    let header = Bits::default().put(0, 1).put(0, 2).put(text.len() - 1, 16).put(1, 1).bytes;
    [header, text.to_vec()].concat()
}

/// A metablock that says one byte so many times, 64 KiB to a mebibyte, and an empty metadata block, so that a byte ends there.
fn br_repeated(byte: u8, len: usize) -> Vec<u8> {
    // Not the last one, its length in five digits, not plain; one type of blocks of each kind; no direct distances; one way to
    // look at contexts; one code of each kind.
    let header = Bits::default().put(0, 1).put(1, 2).put(len - 1, 20).put(0, 1).put(0, 3).put(0, 6).put(0, 2).put(0, 2);
    // Codes of one symbol: the byte, the command with four literals and the longest copy, the last distance, which is four.
    let codes = header.put(1, 2).put(0, 2).put(usize::from(byte), 8);
    let codes = codes.put(1, 2).put(0, 2).put(423, 10).put(1, 2).put(0, 2).put(0, 6);
    codes.put(len - 4 - 2118, 24).put(0, 1).put(3, 2).put(0, 1).put(0, 2).bytes
}

fn zstd_skippable(len: usize) -> Vec<u8> {
    let mut bytes = [&0x184D_2A50_u32.to_le_bytes()[..], &(len as u32).to_le_bytes()].concat();
    bytes.resize(bytes.len() + len, 0);
    bytes
}

/// The beginning of a frame with a window of 8 MiB and no length.
fn zstd_frame() -> Vec<u8> {
    [&0xFD2F_B528_u32.to_le_bytes()[..], &[0, 13 << 3]].concat()
}

/// A block that says one byte so many times, at most 128 KiB.
fn zstd_repeated(byte: u8, len: usize) -> Vec<u8> {
    let header = (len as u32) << 3 | 1 << 1;
    [&header.to_le_bytes()[..3], &[byte]].concat()
}
