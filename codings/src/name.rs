//! Names in a `content-encoding`: content encodings, and others.

/// Content encodings in IANA's registry, with the aliases that receivers accept.
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

/// Words in the names of content encodings, registered or not. Some receivers decode `"gzip"` with quotes, `x-zstd` or
/// `gzip;q=1`, so a body with such a name is not plain text.
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

/// Unregistered framing of Amazon S3: chunks with a line in front of each.
const FRAMING: &str = "aws-chunked";

/// True for the name of a content encoding, or a variant of one.
pub(super) fn is_coding(name: &[u8]) -> bool {
    let is = |one: &[u8], known: &[&str]| known.iter().any(|known| one.eq_ignore_ascii_case(known.as_bytes()));
    let mut words = name.split(|byte| !byte.is_ascii_alphanumeric());
    is(name, &REGISTERED) || words.any(|word| is(word, &OF_CODINGS))
}

/// True for a framing that does not change the text within.
pub(super) fn is_framing(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(FRAMING.as_bytes())
}
