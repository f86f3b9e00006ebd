//! Kinds of content, recognized by the first bytes and the name.

mod archive;
mod compression;
mod encoding;
mod expansion;
mod first_bytes;
mod format_error;
mod office_text;
mod part_name;
mod piece_reader;

pub use archive::{MAX_ZIP_IN_MEMORY, TarMembers};
pub use compression::Compression;
pub use encoding::TextEncoding;
pub use expansion::{Expanded, Expansion};
pub use first_bytes::FirstBytes;
pub use format_error::{described, problem};
pub use office_text::OfficeText;
pub use part_name::PartName;

use panveil::stream::{SNIFF_LEN, begins_like_text, begins_like_utf8};

/// Kind of content, which determines how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text in an encoding that is converted to UTF-8; `None` for UTF-8 and for bytes that contain ASCII.
    Text(Option<TextEncoding>),
    /// One compressed file.
    Compressed(Compression),
    /// Zip archive, which includes office documents and Java archives.
    Zip,
    /// Tar archive.
    Tar,
    /// No text: an image, a font, a program or unknown data. Its bytes are scanned as they are.
    Binary,
    /// Text in a form that the command does not read, with the reason. Its bytes are scanned as they are.
    Unsupported(&'static str),
}

/// Extensions of zip archives, besides those of office documents.
const ZIP_EXTENSIONS: [&str; 9] = ["zip", "jar", "war", "ear", "aar", "apk", "epub", "whl", "nupkg"];

/// Extensions of files that should hold text.
const TEXT_EXTENSIONS: [&str; 26] = [
    "txt",
    "csv",
    "tsv",
    "log",
    "out",
    "json",
    "jsonl",
    "ndjson",
    "xml",
    "html",
    "htm",
    "sql",
    "yaml",
    "yml",
    "md",
    "ini",
    "conf",
    "cfg",
    "properties",
    "toml",
    "eml",
    "har",
    "xsd",
    "svg",
    "rst",
    "env",
];

/// Extensions of formats that hold text, are not read, and have no magic number that is recognized otherwise.
const UNSUPPORTED_EXTENSIONS: [(&str, &str); 13] = [
    ("lzma", "lzma is not supported; decompress it with xz --format=lzma --decompress"),
    ("lz4", LZ4),
    ("sz", "Snappy is not supported; decompress it"),
    ("parquet", PARQUET),
    ("orc", "ORC is not supported; export it as CSV"),
    ("avro", "Avro is not supported; export it as JSON"),
    ("mdb", "Access databases are not supported; export the tables"),
    ("accdb", "Access databases are not supported; export the tables"),
    ("pst", "Outlook archives are not supported; export the mails"),
    ("gpg", "encrypted; decrypt it"),
    ("pgp", "encrypted; decrypt it"),
    ("age", "encrypted; decrypt it"),
    ("kdbx", "encrypted; export it"),
];

const LZ4: &str = "lz4 is not supported; decompress it";
const PARQUET: &str = "Parquet is not supported; export it as CSV";
const UNKNOWN_ENCODING: &str = "unknown encoding; convert it to UTF-8";
const EBCDIC: &str = "EBCDIC is not supported; convert it with iconv --from-code=IBM037 --to-code=UTF-8";
const OLE: &str =
    "the binary format of Office before 2007, or encrypted; save it as docx, xlsx or pptx without a password";

impl Content {
    /// Kind of content that begins with `first`, in a file with the extension `extension` in lowercase.
    pub fn of(first: &[u8], extension: &str) -> Self {
        if is_plain_text(first) {
            return Self::Text(None);
        }
        if let Some(compression) = Compression::of_magic(first) {
            return Self::Compressed(compression);
        }
        if first.starts_with(b"PK\x03\x04") || first.starts_with(b"PK\x05\x06") {
            return Self::Zip;
        }
        if archive::is_tar(first) {
            return Self::Tar;
        }
        if extension == "br" {
            return Self::Compressed(Compression::Brotli);
        }
        if let Some(encoding) = TextEncoding::of_wide(first) {
            return Self::Text(Some(encoding));
        }
        by_magic_number(first).unwrap_or_else(|| by_bytes(first, extension))
    }

    /// Format that the extension promises and the content is not.
    pub fn misnamed(self, extension: &str) -> Option<&'static str> {
        let promised = match extension {
            "gz" | "tgz" => Self::Compressed(Compression::Gzip),
            "bz2" | "tbz2" => Self::Compressed(Compression::Bzip2),
            "xz" | "txz" => Self::Compressed(Compression::Xz),
            "zst" | "tzst" => Self::Compressed(Compression::Zstd),
            "br" => Self::Compressed(Compression::Brotli),
            "tar" => Self::Tar,
            _ if has_zip_extension(extension) => Self::Zip,
            _ => return None,
        };
        (promised != self && !matches!(self, Self::Unsupported(_))).then(|| promised.name())
    }

    /// Name of the format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Compressed(compression) => compression.name(),
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::Binary | Self::Unsupported(_) => "binary",
        }
    }
}

/// True if files with that extension are zip archives.
pub fn has_zip_extension(extension: &str) -> bool {
    ZIP_EXTENSIONS.contains(&extension) || office_text::EXTENSIONS.contains(&extension)
}

/// True for text in UTF-8 without control characters. A few formats begin like a text.
fn is_plain_text(first: &[u8]) -> bool {
    const LIKE_TEXT: [&[u8]; 2] = [b"%PDF-", b"!<arch>\n"];

    begins_like_text(first) && !LIKE_TEXT.iter().any(|magic| first.starts_with(magic))
}

/// Kind of content by its magic number.
fn by_magic_number(first: &[u8]) -> Option<Content> {
    use infer::MatcherType;

    if first.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        return Some(Content::Unsupported(OLE));
    }
    let kind = infer::get(first)?;
    let is_text = || begins_like_text(first.get(..SNIFF_LEN).unwrap_or(first));
    Some(Content::Unsupported(match kind.extension() {
        "pdf" => "PDF is not supported; extract its text, for example with pdftotext",
        "7z" => "7z archives are not supported; unpack it",
        "rar" => "rar archives are not supported; unpack it",
        "cab" => "cab archives are not supported; unpack it",
        "deb" | "ar" => "ar archives are not supported; unpack it",
        "rpm" => "rpm packages are not supported; unpack it with rpm2cpio",
        "cpio" => "cpio archives are not supported; unpack it",
        "crx" => "Chrome extensions are not supported; unpack it",
        "Z" => "compress is not supported; decompress it with uncompress",
        "lz" => "lzip is not supported; decompress it with lzip",
        "lz4" => LZ4,
        "sqlite" => "SQLite databases are not supported; export it with sqlite3 FILE .dump",
        "parquet" => PARQUET,
        "dcm" => "DICOM is not supported; export its text",
        "doc" | "xls" | "ppt" | "msi" => OLE,
        // Magic numbers of two letters, as in BM and MZ, also begin texts.
        _ if is_text() => return None,
        _ => match kind.matcher_type() {
            MatcherType::Text => return None,
            _ => return Some(Content::Binary),
        },
    }))
}

/// Kind of content without a magic number.
fn by_bytes(first: &[u8], extension: &str) -> Content {
    if begins_like_utf8(first) {
        return Content::Text(None);
    }
    if encoding::is_ebcdic(first) {
        return Content::Unsupported(EBCDIC);
    }
    if let Some((_, reason)) = UNSUPPORTED_EXTENSIONS.iter().find(|(known, _)| *known == extension) {
        return Content::Unsupported(reason);
    }
    match TextEncoding::guess(first) {
        Some(encoding) => Content::Text(Some(encoding)),
        None if TEXT_EXTENSIONS.contains(&extension) => Content::Unsupported(UNKNOWN_ENCODING),
        None => Content::Binary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_whatever_its_first_letters() {
        for text in
            ["", "BMW 3 series\n", "MZ is a magic number\n", "PAR1,PAR2\n1,2\n", "GIF87a is a format", "Ärger 卡\n"]
        {
            assert_eq!(Content::of(text.as_bytes(), ""), Content::Text(None), "{text}");
        }
        assert_eq!(Content::of(b"\x1b[31mred\x1b[0m\n", "log"), Content::Text(None));
        assert_eq!(Content::of(b"a\0b\0\0c", "log"), Content::Text(None));
        assert_eq!(Content::of("卡".as_bytes().split_last().unwrap().1, ""), Content::Text(None));
    }

    #[test]
    fn magic_numbers_decide_about_other_content() {
        let elf = [&b"\x7fELF\x02\x01\x01"[..], &[0; 99]].concat();
        let tar = [vec![b'a'; 10], vec![0; 247], b"ustar\x0000".to_vec(), vec![0; 247]].concat();
        for (first, extension, content) in [
            (&b"\x1f\x8b\x08\0"[..], "", Content::Compressed(Compression::Gzip)),
            (b"BZh91AY&SY\0", "", Content::Compressed(Compression::Bzip2)),
            (b"\xfd7zXZ\0\0", "", Content::Compressed(Compression::Xz)),
            (b"\x28\xb5\x2f\xfd\0", "", Content::Compressed(Compression::Zstd)),
            (b"\x0b\x02\x80", "br", Content::Compressed(Compression::Brotli)),
            (b"PK\x03\x04\x14\0", "docx", Content::Zip),
            (&tar, "", Content::Tar),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "txt", Content::Binary),
            (&elf, "", Content::Binary),
            (b"\x93\x10\0\x80\xff\0\x01\x02", "pyc", Content::Binary),
            (b"\x93\x10\0\x80\xff\0\x01\x02", "csv", Content::Unsupported(UNKNOWN_ENCODING)),
            (b"\x84\x10\0\x80\xff\0\x01\x02", "gpg", Content::Unsupported("encrypted; decrypt it")),
        ] {
            assert_eq!(Content::of(first, extension), content, "{}", first.escape_ascii());
        }
        for first in
            [&b"%PDF-1.4\n1 0 obj"[..], b"7z\xbc\xaf\x27\x1c\0\x04", b"Rar!\x1a\x07\x01\0", b"SQLite format 3\0\x10\0"]
        {
            assert!(matches!(Content::of(first, ""), Content::Unsupported(_)), "{}", first.escape_ascii());
        }
    }

    #[test]
    fn a_wrong_extension_is_reported() {
        assert_eq!(Content::Text(None).misnamed("gz"), Some("gzip"));
        assert_eq!(Content::Text(None).misnamed("xlsx"), Some("zip"));
        assert_eq!(Content::Compressed(Compression::Gzip).misnamed("tgz"), None);
        assert_eq!(Content::Text(None).misnamed("log"), None);
    }
}
