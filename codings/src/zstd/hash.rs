//! Checksum of a frame: XXH64 with the seed 0.

const P1: u64 = 0x9E37_79B1_85EB_CA87;
const P2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const P3: u64 = 0x1656_67B1_9E37_79F9;
const P4: u64 = 0x85EB_CA77_C2B2_AE63;
const P5: u64 = 0x27D4_EB2F_1656_67C5;

/// Bytes per stripe.
const STRIPE: usize = 32;

/// Hash of the text so far.
pub(super) struct Xxh64 {
    lanes: [u64; 4],
    /// Bytes of an incomplete stripe.
    begun: [u8; STRIPE],
    begun_len: usize,
    len: u64,
}

impl Default for Xxh64 {
    fn default() -> Self {
        Self { lanes: [P1.wrapping_add(P2), P2, 0, P1.wrapping_neg()], begun: [0; STRIPE], begun_len: 0, len: 0 }
    }
}

impl Xxh64 {
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.len = self.len.wrapping_add(bytes.len() as u64);
        if self.begun_len > 0 {
            let free = self.begun.get_mut(self.begun_len..).unwrap_or_default();
            let (now, rest) = bytes.split_at(bytes.len().min(free.len()));
            bytes = rest;
            free.iter_mut().zip(now).for_each(|(slot, &byte)| *slot = byte);
            self.begun_len = self.begun_len.wrapping_add(now.len());
            if self.begun_len < STRIPE {
                return;
            }
            mix_stripe(&mut self.lanes, &self.begun);
        }
        let (stripes, rest) = bytes.as_chunks::<STRIPE>();
        for stripe in stripes {
            mix_stripe(&mut self.lanes, stripe);
        }
        self.begun.iter_mut().zip(rest).for_each(|(slot, &byte)| *slot = byte);
        self.begun_len = rest.len();
    }

    pub(super) fn value(&self) -> u64 {
        let [a, b, c, d] = self.lanes;
        let mut hash = if self.len < STRIPE as u64 {
            P5
        } else {
            let sum = a.rotate_left(1).wrapping_add(b.rotate_left(7)).wrapping_add(c.rotate_left(12));
            self.lanes.iter().fold(sum.wrapping_add(d.rotate_left(18)), |hash, &lane| {
                (hash ^ mix(0, lane)).wrapping_mul(P1).wrapping_add(P4)
            })
        };
        hash = hash.wrapping_add(self.len);
        let begun = self.begun.get(..self.begun_len).unwrap_or_default();
        let (eights, rest) = begun.as_chunks::<8>();
        for &eight in eights {
            hash = (hash ^ mix(0, u64::from_le_bytes(eight))).rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
        }
        let (fours, rest) = rest.as_chunks::<4>();
        for &four in fours {
            let four = u64::from(u32::from_le_bytes(four));
            hash = (hash ^ four.wrapping_mul(P1)).rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
        }
        for &byte in rest {
            hash = (hash ^ u64::from(byte).wrapping_mul(P5)).rotate_left(11).wrapping_mul(P1);
        }
        hash = (hash ^ hash >> 33).wrapping_mul(P2);
        hash = (hash ^ hash >> 29).wrapping_mul(P3);
        hash ^ hash >> 32
    }
}

fn mix(lane: u64, input: u64) -> u64 {
    lane.wrapping_add(input.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1)
}

fn mix_stripe(lanes: &mut [u64; 4], stripe: &[u8; STRIPE]) {
    let (eights, _) = stripe.as_chunks::<8>();
    for (lane, &eight) in lanes.iter_mut().zip(eights) {
        *lane = mix(*lane, u64::from_le_bytes(eight));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_known_one_however_it_is_cut() {
        let text = b"Nobody inspects the spammish repetition";
        for cut in 0..=text.len() {
            let mut hash = Xxh64::default();
            hash.update(&text[..cut]);
            hash.update(&text[cut..]);
            assert_eq!(hash.value(), 0xFBCE_A83C_8A37_8BF1);
        }
        assert_eq!(Xxh64::default().value(), 0xEF46_DB37_51D8_E999);
    }
}
