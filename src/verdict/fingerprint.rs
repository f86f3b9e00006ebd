//! Fingerprints: keyed hashes that correlate findings of the same card number without revealing it.
//!
//! A fingerprint is the HMAC-SHA-256 (FIPS 198-1) of all digits, which PCI DSS 3.5.1.1 permits in place of the number. An
//! unkeyed hash would not protect it: the set of card numbers is small enough to try them all.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The operator's fingerprint key. Has no `Debug`: it is a secret.
pub struct FingerprintKey {
    mac: Hmac<Sha256>,
    id: String,
}

/// The keyed hash of a card number. Equal numbers have equal fingerprints under the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// The reason why a text is rejected as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The text contains a character that is not printable ASCII, such as the final newline of a file.
    Unprintable,
    /// The text is too short for 128 bits.
    TooShort,
    /// The text repeats the same few characters.
    Repetitive,
}

/// The least effective key strength that PCI DSS accepts as strong cryptography.
const MIN_BITS: usize = 128;

/// The fewest different characters of a key. Fewer than one in ten million random keys of 32 hexadecimal digits has less.
const MIN_DIFFERENT: usize = 8;

/// The text whose hash identifies the key. No card number is equal to it.
const KEY_ID: &[u8] = b"panveil fingerprint key";

/// The length of the key's identifier before base64url.
const KEY_ID_BYTES: usize = 6;

impl FingerprintKey {
    /// Creates a key from the bytes of `text`. Hexadecimal text counts as four bits per character, other text as six.
    pub fn new(text: &[u8]) -> Result<Self, KeyError> {
        if !text.iter().all(u8::is_ascii_graphic) {
            return Err(KeyError::Unprintable);
        }
        let bits = if text.iter().all(u8::is_ascii_hexdigit) { 4 } else { 6 };
        if text.len().saturating_mul(bits) < MIN_BITS {
            return Err(KeyError::TooShort);
        }
        let different = (u8::MIN..=u8::MAX).filter(|byte| text.contains(byte)).count();
        if different < MIN_DIFFERENT {
            return Err(KeyError::Repetitive);
        }
        // HMAC accepts a key of any length, so this does not fail.
        let mac = Hmac::new_from_slice(text).map_err(|_| KeyError::TooShort)?;
        let mut id = mac.clone();
        id.update(KEY_ID);
        let id = URL_SAFE_NO_PAD.encode(id.finalize().into_bytes().get(..KEY_ID_BYTES).unwrap_or_default());
        Ok(Self { mac, id })
    }

    /// The identifier of the key, from which the key cannot be derived.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The fingerprint of a card number, given as ASCII digits without separators.
    pub fn fingerprint(&self, digits: &[u8]) -> Fingerprint {
        let mut mac = self.mac.clone();
        mac.update(digits);
        Fingerprint(mac.finalize().into_bytes().into())
    }
}

impl Fingerprint {
    /// All 256 bits as unpadded base64url (RFC 4648, section 5). Hexadecimal would often contain runs of digits that look like a
    /// card number.
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
    fn weak_keys_are_rejected() {
        let error_of = |text: &[u8]| FingerprintKey::new(text).err();
        for (text, expected) in [
            ("", Some(KeyError::TooShort)),
            ("00112233445566778899aabbccddeef", Some(KeyError::TooShort)),
            ("00112233445566778899aabbccddeeff", None),
            ("ABEiM0RVZneImaq7zN3u_w", None),
            ("ABEiM0RVZneImaq7zN3u_", Some(KeyError::TooShort)),
            ("00112233445566778899aabbccddeeff\n", Some(KeyError::Unprintable)),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Some(KeyError::Repetitive)),
            ("changeme", Some(KeyError::TooShort)),
        ] {
            assert_eq!(error_of(text.as_bytes()), expected, "{text:?}");
        }
    }
}
