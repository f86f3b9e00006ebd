//! Digests of policies.

use sha2::{Digest, Sha256};

/// SHA-256 of these bytes in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
