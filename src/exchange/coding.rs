//! What becomes of the headers of a message whose body is decoded, and when is it?
//!
//! The body goes on as it reads, so what the headers say of the encoded bytes is not true any more: their length, their
//! digests, their coding, and that parts of them could be asked for. Its `etag` names another representation of the same
//! thing, which is what a weak one is for (RFC 9110, section 8.8.1).

use super::negotiation::Change;
use crate::host::HeaderBlock;
use crate::policy::{Direction, Limits};
use crate::stream::{self, Decoder, MemoryBudget, Unknown};

/// Fields that are true of the encoded bytes alone.
const OF_ENCODED: [&[u8]; 7] = [
    b"content-encoding",
    b"content-length",
    b"content-md5",
    b"content-digest",
    b"repr-digest",
    b"digest",
    b"accept-ranges",
];
const ETAG: &[u8] = b"etag";
const WEAK: &[u8] = b"W/";

/// True when a name is given for a coding that is none, so that the body is read as it stands.
pub fn names_no_coding(block: &HeaderBlock) -> bool {
    block.all(b"content-encoding").any(stream::names_no_coding)
}

/// What decodes a body with these headers, if it needs to be.
pub fn decoder(block: &HeaderBlock, limits: &Limits) -> Result<Option<Decoder>, Unknown> {
    let codings: Vec<&[u8]> = block.all(b"content-encoding").collect();
    if codings.is_empty() {
        Ok(None)
    } else {
        Decoder::of(&codings.join(&b','), limits.inflate_ratio, &MemoryBudget::of_vm(limits.memory_bytes))
    }
}

/// True when the messages of a body may be compressed one by one (gRPC over HTTP/2, "Message-Encoding").
pub fn compresses_messages(block: &HeaderBlock) -> bool {
    block.all(b"grpc-encoding").any(|coding| !coding.trim_ascii().eq_ignore_ascii_case(b"identity"))
}

/// What is to be changed in the headers of a body that goes on decoded.
pub fn changes(block: &HeaderBlock) -> Vec<Change> {
    let stale = OF_ENCODED.into_iter().filter(|name| block.get(name).is_some()).map(Change::Remove);
    let etag = block.get(ETAG).filter(|etag| !etag.starts_with(WEAK));
    stale.chain(etag.map(|etag| Change::Replace(ETAG, [WEAK, etag].concat()))).collect()
}

/// True for a message that is a part of something, so that a card may stand across its edges.
pub fn is_part(direction: Direction, block: &HeaderBlock) -> bool {
    match direction {
        Direction::Request => block.get(b"content-range").is_some(),
        Direction::Response => block.get(b":status") == Some(b"206"),
    }
}
