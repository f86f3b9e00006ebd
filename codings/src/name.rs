//! The names in a `content-encoding`: content codings, and others.

/// The content codings that IANA has registered, with the names that receivers take for the same.
const REGISTERED: [&str; 13] = [
    "aes128gcm",
    "br",
    "compress",
    "dcb",
    "dcz",
    "deflate",
    "exi",
    "gzip",
    "identity",
    "pack200-gzip",
    "x-compress",
    "x-gzip",
    "zstd",
];

/// Words in the names of codings, registered or not. Whoever writes `"gzip"` with quotes, `x-zstd` or `gzip;q=1` means a coding,
/// and some receivers undo it, so such a body is no text as it stands.
const OF_CODINGS: [&str; 28] = [
    "7z",
    "aes128gcm",
    "br",
    "brotli",
    "bzip",
    "bzip2",
    "compress",
    "dcb",
    "dcz",
    "deflate",
    "exi",
    "gz",
    "gzip",
    "lz4",
    "lzma",
    "lzw",
    "pack200",
    "peerdist",
    "sdch",
    "snappy",
    "vcdiff",
    "xpress",
    "xz",
    "zip",
    "zlib",
    "zopfli",
    "zst",
    "zstd",
];

/// A framing of text that Amazon S3 registers with nobody: chunks with a line in front of each.
const FRAMING: &str = "aws-chunked";

/// True for the name of a content coding, or of what was meant as one.
pub(super) fn is_coding(name: &[u8]) -> bool {
    let is = |one: &[u8], known: &[&str]| known.iter().any(|known| one.eq_ignore_ascii_case(known.as_bytes()));
    let mut words = name.split(|byte| !byte.is_ascii_alphanumeric());
    is(name, &REGISTERED) || words.any(|word| is(word, &OF_CODINGS))
}

/// True for a framing that leaves the text between as it is.
pub(super) fn is_framing(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(FRAMING.as_bytes())
}
