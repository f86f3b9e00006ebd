//! Minimal websocket messages: one text in each direction (RFC 6455).

/// Headers of an upgrade request.
pub const OPENING: [(&str, &str); 4] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];
/// Headers of an accepted upgrade.
pub const OPENED: [(&str, &str); 3] =
    [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")];

const FINAL_TEXT: u8 = 0x81;
const FINAL_CLOSE: u8 = 0x88;
const MASKED: u8 = 0x80;
const TWO_BYTES: u8 = 126;

/// Text frame and close frame. Masked with `key` for a client.
pub fn text(text: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame(&mut bytes, FINAL_TEXT, text, key);
    frame(&mut bytes, FINAL_CLOSE, &[], key);
    bytes
}

fn frame(bytes: &mut Vec<u8>, head: u8, payload: &[u8], key: Option<[u8; 4]>) {
    let masked = if key.is_some() { MASKED } else { 0 };
    bytes.push(head);
    match u8::try_from(payload.len()) {
        Ok(length) if length < TWO_BYTES => bytes.push(masked | length),
        _ => {
            bytes.push(masked | TWO_BYTES);
            bytes.extend((payload.len() as u16).to_be_bytes());
        }
    }
    bytes.extend(key.into_iter().flatten());
    let key = key.unwrap_or_default();
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_as_the_rfc_shows_it() {
        let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert!(text(b"Hello", Some([0x37, 0xfa, 0x21, 0x3d])).starts_with(&hello));
        assert!(text(&[b'a'; 200], None).starts_with(&[0x81, 126, 0, 200, b'a']));
    }
}
