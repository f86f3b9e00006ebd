//! Which bodies hold no text at all?

use super::document::essence;

/// Pictures, sound, films and typefaces in binary formats (IANA's registry of media types, and two that browsers use besides).
/// Formats that are text are not among them: SVG, playlists, subtitles.
#[rustfmt::skip]
const BINARY: [&[u8]; 31] = [
    b"audio/aac", b"audio/flac", b"audio/mp4", b"audio/mpeg", b"audio/ogg", b"audio/opus", b"audio/wav", b"audio/webm",
    b"font/collection", b"font/otf", b"font/sfnt", b"font/ttf", b"font/woff", b"font/woff2",
    b"image/avif", b"image/bmp", b"image/gif", b"image/heic", b"image/heif", b"image/jpeg", b"image/jxl", b"image/png",
    b"image/tiff", b"image/vnd.microsoft.icon", b"image/webp", b"image/x-icon",
    b"video/mp2t", b"video/mp4", b"video/mpeg", b"video/quicktime", b"video/webm",
];

/// True when a content type says that a message holds no text.
pub fn is_binary(content_type: &[u8]) -> bool {
    let essence = essence(Some(content_type));
    BINARY.iter().any(|binary| binary.eq_ignore_ascii_case(essence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_be_binary_is() {
        assert!(is_binary(b"image/png") && is_binary(b"Image/JPEG; q=1") && is_binary(b"font/woff2"));
        for text in
            ["image/svg+xml", "audio/mpegurl", "text/vtt", "application/json", "image/*", "image/png, text/html", ""]
        {
            assert!(!is_binary(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn the_list_is_in_order() {
        assert!(BINARY.is_sorted());
    }
}
