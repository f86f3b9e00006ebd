//! CRC-32 of decoded text.

use std::sync::OnceLock;

/// Polynomial of gzip's CRC-32, lowest bit first.
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// Tables for eight bytes at a time: the contribution of each byte, by the number of bytes behind it.
type Tables = [[u32; 256]; 8];

/// Computed at the first use: 8 KiB of memory are cheaper than 8 KiB in every module.
static TABLES: OnceLock<Box<Tables>> = OnceLock::new();

/// CRC-32 of the text so far.
#[derive(Default)]
pub(super) struct Crc32(u32);

impl Crc32 {
    pub(super) fn value(&self) -> u32 {
        self.0
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        let tables = TABLES.get_or_init(tables);
        let [one, ..] = &**tables;
        let mut crc = !self.0;
        let (eights, rest) = bytes.as_chunks::<8>();
        for &[a, b, c, d, e, f, g, h] in eights {
            let [t0, t1, t2, t3, t4, t5, t6, t7] = &**tables;
            let [i, j, k, l] = (crc ^ u32::from_le_bytes([a, b, c, d])).to_le_bytes();
            crc = entry(t7, i)
                ^ entry(t6, j)
                ^ entry(t5, k)
                ^ entry(t4, l)
                ^ entry(t3, e)
                ^ entry(t2, f)
                ^ entry(t1, g)
                ^ entry(t0, h);
        }
        for &byte in rest {
            let [low, ..] = crc.to_le_bytes();
            crc = (crc >> 8) ^ entry(one, low ^ byte);
        }
        self.0 = !crc;
    }
}

fn entry(table: &[u32; 256], byte: u8) -> u32 {
    // A byte cannot miss.
    table.get(usize::from(byte)).copied().unwrap_or(0)
}

fn tables() -> Box<Tables> {
    let mut tables = Box::new([[0; 256]; 8]);
    let mut last = [0; 256];
    for (value, byte) in last.iter_mut().zip(0..) {
        *value = (0..8).fold(byte, |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 });
    }
    let one = last;
    for table in &mut *tables {
        *table = last;
        for value in &mut last {
            let [low, ..] = value.to_le_bytes();
            *value = (*value >> 8) ^ entry(&one, low);
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_the_known_one_however_it_is_cut() {
        for cut in 0..=9 {
            let mut crc = Crc32::default();
            crc.update(&b"123456789"[..cut]);
            crc.update(&b"123456789"[cut..]);
            assert_eq!(crc.value(), 0xCBF4_3926);
        }
    }
}
