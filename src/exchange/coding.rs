//! Content encodings of bodies, and the header changes for decoded ones.
//!
//! panveil forwards a decoded body decompressed. So it removes the headers that describe the encoded bytes: their length, digests,
//! content encoding and support of ranges. The `etag` becomes weak, because the representation differs (RFC 9110, section 8.8.1).

use super::negotiation::Change;
use crate::host::HeaderBlock;
use crate::policy::{Direction, Limits};
use crate::stream::{self, Decoder, MemoryBudget, Unknown};

/// The headers that describe the encoded bytes.
const ENCODED_HEADERS: [&[u8]; 7] = [
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

/// True if `content-encoding` contains a name that is not a content encoding, so that the body is inspected without decoding.
pub fn names_no_coding(block: &HeaderBlock) -> bool {
    block.all(b"content-encoding").any(stream::names_no_coding)
}

/// The decoder of a body with these headers, or `None` if it is not encoded.
pub fn decoder(block: &HeaderBlock, limits: &Limits) -> Result<Option<Decoder>, Unknown> {
    let codings: Vec<&[u8]> = block.all(b"content-encoding").collect();
    if codings.is_empty() {
        Ok(None)
    } else {
        Decoder::of(&codings.join(&b','), limits.inflate_ratio, &MemoryBudget::of_vm(limits.memory_bytes))
    }
}

/// True if each message in the body may be compressed (gRPC over HTTP/2, "Message-Encoding").
pub fn compresses_messages(block: &HeaderBlock) -> bool {
    block.all(b"grpc-encoding").any(|coding| !coding.trim_ascii().eq_ignore_ascii_case(b"identity"))
}

/// The changes to the headers of a message whose body is forwarded decompressed.
pub fn changes(block: &HeaderBlock) -> Vec<Change> {
    let stale = ENCODED_HEADERS.into_iter().filter(|name| block.get(name).is_some()).map(Change::Remove);
    let etag = block.get(ETAG).filter(|etag| !etag.starts_with(WEAK));
    stale.chain(etag.map(|etag| Change::Replace(ETAG, [WEAK, etag].concat()))).collect()
}

/// True if the message is a range of a larger resource, so that a card number may cross its edges.
pub fn is_part(direction: Direction, block: &HeaderBlock) -> bool {
    match direction {
        Direction::Request => block.get(b"content-range").is_some(),
        Direction::Response => block.get(b":status") == Some(b"206"),
    }
}
