//! HTTP/2 client with raw frames, for header fields that no HTTP library sends.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEAD: usize = 9;
/// Default maximum frame size of a peer.
const LONGEST_FRAME: usize = 16384;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// Sends a request with these fields, pseudo-headers included, and this body. Returns the body of the response. `None`
/// when the stream or the connection was reset.
pub async fn send(address: SocketAddr, fields: &[(&[u8], &[u8])], body: &[u8]) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut bytes = PREFACE.to_vec();
    frame(&mut bytes, SETTINGS, 0, 0, &[]);
    let mut block = Vec::new();
    for (name, value) in fields {
        // Literal field without indexing, with its name (RFC 7541, 6.2.2).
        block.push(0);
        block.extend(literal(name));
        block.extend(literal(value));
    }
    let end = if body.is_empty() { END_STREAM } else { 0 };
    let mut parts = block.chunks(LONGEST_FRAME).peekable();
    let mut kind = HEADERS;
    while let Some(part) = parts.next() {
        let last = if parts.peek().is_none() { END_HEADERS } else { 0 };
        frame(&mut bytes, kind, last | if kind == HEADERS { end } else { 0 }, 1, part);
        kind = CONTINUATION;
    }
    if !body.is_empty() {
        frame(&mut bytes, DATA, END_STREAM, 1, body);
    }
    // The peer may reject the headers and close before the rest is written.
    let _ = stream.write_all(&bytes).await;
    Ok(answer(&mut stream).await)
}

async fn answer(stream: &mut TcpStream) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut head = [0; FRAME_HEAD];
        if stream.read_exact(&mut head).await.is_err() {
            return body;
        }
        let [high, middle, low, kind, flags, ..] = head;
        let mut payload = vec![0; usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low)];
        if stream.read_exact(&mut payload).await.is_err() {
            return body;
        }
        match kind {
            SETTINGS if flags & ACK == 0 => {
                let mut taken = Vec::new();
                frame(&mut taken, SETTINGS, ACK, 0, &[]);
                let _ = stream.write_all(&taken).await;
            }
            DATA => body.extend(payload),
            RST_STREAM | GOAWAY => return body,
            _ => {}
        }
        if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            return body;
        }
    }
}

fn frame(bytes: &mut Vec<u8>, kind: u8, flags: u8, stream: u8, payload: &[u8]) {
    let [.., high, middle, low] = payload.len().to_be_bytes();
    bytes.extend([high, middle, low, kind, flags, 0, 0, 0, stream]);
    bytes.extend(payload);
}

/// HPACK string (RFC 7541, 5.2) without Huffman coding.
fn literal(text: &[u8]) -> Vec<u8> {
    const SEVEN_BITS: usize = 127;
    let mut literal = Vec::new();
    if text.len() < SEVEN_BITS {
        literal.push(text.len() as u8);
    } else {
        literal.push(SEVEN_BITS as u8);
        let mut rest = text.len() - SEVEN_BITS;
        while rest > SEVEN_BITS {
            literal.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        literal.push(rest as u8);
    }
    literal.extend(text);
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_hpack_has_them() {
        for (length, head) in [(0, vec![0]), (126, vec![126]), (127, vec![127, 0]), (1337 + 127, vec![127, 0xb9, 10])] {
            assert!(literal(&vec![b'a'; length]).starts_with(&head), "{length}");
        }
    }

    #[test]
    fn a_frame_says_its_length_and_kind() {
        let mut bytes = Vec::new();
        frame(&mut bytes, HEADERS, END_HEADERS, 1, b"ab");
        assert_eq!(bytes, [0, 0, 2, 1, 4, 0, 0, 0, 1, b'a', b'b']);
    }
}
