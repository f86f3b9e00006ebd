//! How is a number recognised again without being told?
//!
//! By a keyed hash of all its digits, which PCI DSS 3.5.1.1 permits in place of the number: HMAC-SHA-256 (FIPS 198-1).
//! Without the key nobody can try out the numbers there are, of which there are too few for a hash without one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The key of all fingerprints. Has no `Debug`: it is a secret.
pub struct FingerprintKey {
    mac: Hmac<Sha256>,
    id: String,
}

/// The keyed hash of a number: the same for the same number and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// It has a character in it that is not printable ASCII, such as the newline of the file that it comes from.
    Unprintable,
    /// It cannot hold 128 bits.
    Short,
    /// Nearly all of it is the same few characters.
    Repetitive,
}

/// What PCI DSS calls strong cryptography begins with so many bits of effective key strength.
const LEAST_BITS: usize = 128;

/// The fewest different characters. Of 32 random hexadecimal digits fewer than one in ten million has less.
const LEAST_DIFFERENT: usize = 8;

/// What is hashed to tell keys apart. No number is written like this.
const KEY_ID: &[u8] = b"panveil fingerprint key";

/// How many bytes of that hash are told.
const KEY_ID_BYTES: usize = 6;

impl FingerprintKey {
    /// The key that is written as `text`, whose bytes are the key. Text that is hexadecimal holds four bits a character,
    /// other text at most six.
    pub fn new(text: &[u8]) -> Result<Self, Weakness> {
        if !text.iter().all(u8::is_ascii_graphic) {
            return Err(Weakness::Unprintable);
        }
        let bits = if text.iter().all(u8::is_ascii_hexdigit) { 4 } else { 6 };
        if text.len().saturating_mul(bits) < LEAST_BITS {
            return Err(Weakness::Short);
        }
        let different = (u8::MIN..=u8::MAX).filter(|byte| text.contains(byte)).count();
        if different < LEAST_DIFFERENT {
            return Err(Weakness::Repetitive);
        }
        // Any length is a key's.
        let mac = Hmac::new_from_slice(text).map_err(|_| Weakness::Short)?;
        let mut id = mac.clone();
        id.update(KEY_ID);
        let id = URL_SAFE_NO_PAD.encode(id.finalize().into_bytes().get(..KEY_ID_BYTES).unwrap_or_default());
        Ok(Self { mac, id })
    }

    /// A name of the key that tells nothing else of it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The fingerprint of a number, from its digits in ASCII without separators.
    pub fn fingerprint(&self, digits: &[u8]) -> Fingerprint {
        let mut mac = self.mac.clone();
        mac.update(digits);
        Fingerprint(mac.finalize().into_bytes().into())
    }
}

impl Fingerprint {
    /// All 256 bits as unpadded base64url (RFC 4648, section 5): in hexadecimal, ten of sixteen characters would be
    /// digits, and sometimes look like a card number themselves.
    pub fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"00112233445566778899aabbccddeeff";

    #[test]
    fn a_fingerprint_is_the_hmac_of_the_digits() {
        let key = FingerprintKey::new(KEY).ok().unwrap();
        // printf 4111111111111111 | openssl dgst -sha256 -hmac 00112233445566778899aabbccddeeff -binary | base64
        assert_eq!(key.fingerprint(b"4111111111111111").to_text(), "fRAywt11O34vkVrQ6JLYn3TiiY9Wnf9WHmoueKqFETI");
        assert_eq!(key.id(), "pRfZXLYa");
    }

    #[test]
    fn a_weak_key_is_told_from_a_strong_one() {
        let weakness = |text: &[u8]| FingerprintKey::new(text).err();
        for (text, expected) in [
            ("", Some(Weakness::Short)),
            ("00112233445566778899aabbccddeef", Some(Weakness::Short)),
            ("00112233445566778899aabbccddeeff", None),
            ("ABEiM0RVZneImaq7zN3u_w", None),
            ("ABEiM0RVZneImaq7zN3u_", Some(Weakness::Short)),
            ("00112233445566778899aabbccddeeff\n", Some(Weakness::Unprintable)),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Some(Weakness::Repetitive)),
            ("changeme", Some(Weakness::Short)),
        ] {
            assert_eq!(weakness(text.as_bytes()), expected, "{text:?}");
        }
    }
}
