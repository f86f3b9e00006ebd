//! Media types of binary bodies.

/// Binary formats of images, audio, video and fonts (IANA media types registry, and two more that browsers use). Text formats such
/// as SVG, playlists and subtitles are not included.
#[rustfmt::skip]
const BINARY: [&[u8]; 31] = [
    b"audio/aac", b"audio/flac", b"audio/mp4", b"audio/mpeg", b"audio/ogg", b"audio/opus", b"audio/wav", b"audio/webm",
    b"font/collection", b"font/otf", b"font/sfnt", b"font/ttf", b"font/woff", b"font/woff2",
    b"image/avif", b"image/bmp", b"image/gif", b"image/heic", b"image/heif", b"image/jpeg", b"image/jxl", b"image/png",
    b"image/tiff", b"image/vnd.microsoft.icon", b"image/webp", b"image/x-icon",
    b"video/mp2t", b"video/mp4", b"video/mpeg", b"video/quicktime", b"video/webm",
];

/// True when a content type is exactly one binary media type with well-formed parameters (RFC 9110, section 8.3.1). In other content
/// types a receiver may use another part as the media type.
pub fn is_binary(content_type: &[u8]) -> bool {
    let mut rest = content_type.trim_ascii();
    let end = rest.iter().position(|byte| *byte == b';').unwrap_or(rest.len());
    let (essence, parameters) = rest.split_at_checked(end).unwrap_or((rest, &[]));
    rest = parameters;
    while let Some((_, parameter)) = rest.split_first() {
        let Some(after) = after_parameter(parameter.trim_ascii_start()) else { return false };
        rest = after.trim_ascii_start();
        if !matches!(rest.first(), None | Some(b';')) {
            return false;
        }
    }
    BINARY.iter().any(|binary| binary.eq_ignore_ascii_case(essence.trim_ascii_end()))
}

/// The rest of `text` after the parameter at its front, which may be empty; `None` if it is malformed.
fn after_parameter(text: &[u8]) -> Option<&[u8]> {
    if matches!(text.first(), None | Some(b';')) {
        return Some(text);
    }
    let value = after_token(text)?.strip_prefix(b"=")?;
    let Some(mut quoted) = value.strip_prefix(b"\"") else { return after_token(value) };
    loop {
        quoted = match quoted {
            [b'"', after @ ..] => return Some(after),
            [b'\\', _, after @ ..] => after,
            [_, after @ ..] => after,
            [] => return None,
        };
    }
}

/// The rest of `text` after the token at its front; `None` without one.
fn after_token(text: &[u8]) -> Option<&[u8]> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let length = text.iter().take_while(|byte| is_part(byte)).count();
    text.get(length..).filter(|_| length > 0)
}

/// Number of bytes that [`begins_like_text`] needs.
pub const SNIFF_LEN: usize = 64;

/// True when a body that begins with these bytes may be a text, whatever its content type. The first [`SNIFF_LEN`] bytes of each
/// binary format contain one that no text contains.
pub fn begins_like_text(bytes: &[u8]) -> bool {
    begins_like_utf8(bytes) && !has_control(bytes)
}

/// True for UTF-8, also if it ends within a character.
pub fn begins_like_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).err().is_none_or(|error| error.error_len().is_none())
}

/// True when `bytes` contain a control character other than white space. Blocks without an early end are vectorized.
pub fn has_control(bytes: &[u8]) -> bool {
    const BLOCK: usize = 64;

    let is_control = |byte: u8| (byte < b' ') & (byte != b'\t') & (byte != b'\n') & (byte != b'\r');
    bytes.chunks(BLOCK).any(|block| block.iter().fold(false, |found, byte| found | is_control(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_media_types_are_binary() {
        for binary in [
            "image/png",
            "Image/JPEG; q=1",
            "font/woff2",
            "image/png;",
            " image/png ; a=b ;c=\"d;\\\"e\"; ",
            "video/mp4; codecs=\"avc1.640028, mp4a.40.2\"",
        ] {
            assert!(is_binary(binary.as_bytes()), "{binary}");
        }
        for text in [
            "image/svg+xml",
            "audio/mpegurl",
            "text/vtt",
            "application/json",
            "image/*",
            "image/png, text/html",
            "",
            "image/png;,application/json",
            "image/png; application/json",
            "image/png;a=b,application/json",
            "image/png;a",
            "image/png;=b",
            "image/png;a=\"b",
            "image/png;a=\"b\"c",
            "image/png;a=b c=d",
        ] {
            assert!(!is_binary(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn text_is_distinguished_from_binary_formats() {
        for text in [&b"{\"card\":"[..], b"\xef\xbb\xbf{", b" \r\n\t<a>", b"4", b"\xc3", b"<svg xmlns="] {
            assert!(begins_like_text(text), "{text:?}");
        }
        for binary in [
            &b"\x89PNG\r\n\x1a\n"[..],
            b"\xff\xd8\xff\xe0",
            b"GIF89a\x10\0",
            b"RIFF\x24\0\0\0WEBP",
            b"\0\0\0\x20ftyp",
            b"wOF2\0\x01\0\0",
            b"BM\x36\0",
            b"ID3\x04\0",
            b"OggS\0",
            b"\x1aE\xdf\xa3",
            b"II*\0",
            b"MM\0*",
            b"OTTO\0",
        ] {
            assert!(!begins_like_text(binary), "{binary:?}");
        }
    }

    #[test]
    fn the_media_types_are_sorted() {
        assert!(BINARY.is_sorted());
    }
}
