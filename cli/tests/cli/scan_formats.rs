//! `panveil scan`: compressed files, archives, encodings, and content that it names because it cannot read it.

use crate::command::{file, folder, run};
use crate::scan::{found, notes, outcome};
use flate2::write::GzEncoder;
use std::fs;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const TEXT: &str = "nothing\npan 4111111111111111\n";
const FOUND: &str = "2:5: visa, 16 digits, 411111******1111\n";

/// Files with their names.
type Files<'a> = [(&'a str, &'a [u8])];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zip_with(files: &Files<'_>, options: SimpleFileOptions) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn zip(files: &Files<'_>) -> Vec<u8> {
    zip_with(files, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated))
}

fn tar(files: &Files<'_>) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(bytes.len()).unwrap());
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

/// Notes of a run that could not read something, with its standard output. `root` is removed from the names.
fn unread(root: &str, arguments: &[&str]) -> (String, Vec<String>) {
    let output = run(&[&["scan"], arguments, &[root]].concat(), b"");
    let (printed, stderr, status) = outcome(&output);
    assert_eq!(status, 2, "{stderr}");
    let short = |text: &str| text.replace(&format!("{root}/"), "");
    (short(&printed), notes(&output).iter().map(|note| short(note)).collect())
}

#[test]
fn compressed_files_are_decompressed() {
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(TEXT.as_bytes()).unwrap();
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::default()).unwrap();
    xz.write_all(TEXT.as_bytes()).unwrap();
    let mut brotli = Vec::new();
    brotli::CompressorWriter::new(&mut brotli, 4096, 5, 20).write_all(TEXT.as_bytes()).unwrap();
    for (name, bytes) in [
        ("a.gz", gzip(TEXT.as_bytes())),
        ("a.bz2", bzip2.finish().unwrap()),
        ("a.xz", xz.finish().unwrap()),
        ("a.zst", zstd::encode_all(TEXT.as_bytes(), 3).unwrap()),
        ("a.js.br", brotli),
        ("a.gz.gz", gzip(&gzip(TEXT.as_bytes()))),
    ] {
        let path = file(name, &bytes);
        assert_eq!(found(&["scan", &path], b""), format!("{path}:{FOUND}"));
        if !name.ends_with("br") {
            assert_eq!(found(&["scan"], &bytes), format!("-:{FOUND}"));
        }
    }
}

#[test]
fn members_of_archives_are_scanned_also_in_each_other() {
    let inner = tar(&[("dir/a.log", TEXT.as_bytes()), ("empty", b"")]);
    let jar = zip(&[("META-INF/MANIFEST.MF", b"Main-Class: A\n"), ("app.properties", TEXT.as_bytes())]);
    let outer = zip(&[("logs.tar.gz", &gzip(&inner)), ("lib/app.jar", &jar), ("b.txt", TEXT.as_bytes())]);
    let path = file("outer.zip", &outer);
    let expected = |name: &str| {
        format!("{name}!logs.tar.gz!dir/a.log:{FOUND}{name}!lib/app.jar!app.properties:{FOUND}{name}!b.txt:{FOUND}")
    };
    assert_eq!(found(&["scan", &path], b""), expected(&path));
    assert_eq!(found(&["scan"], &outer), expected("-"));
    let printed = found(&["scan", "--count", &path], b"");
    assert_eq!(printed.lines().count(), 3);
    // A script before the archive starts it. It is scanned too, if it is shorter or longer than the bytes that show the format.
    for comment in ["", &"#\n".repeat(10_000)] {
        let script = format!("#!/bin/sh\nexec java -jar \"$0\" 5555555555554444\n{comment}");
        let path = file("app.jar", [script.as_bytes(), &jar].concat());
        let script = "2:21: mastercard, 16 digits, 555555******4444";
        assert_eq!(found(&["scan", &path], b""), format!("{path}:{script}\n{path}!app.properties:{FOUND}"));
        // The offsets in the archive can include the script.
        let mut archive = Cursor::new(fs::read(&path).unwrap());
        archive.set_position(archive.get_ref().len() as u64 - jar.len() as u64);
        let mut archive = ZipWriter::new(archive);
        archive.start_file("app.properties", SimpleFileOptions::default()).unwrap();
        archive.write_all(TEXT.as_bytes()).unwrap();
        fs::write(&path, archive.finish().unwrap().into_inner()).unwrap();
        assert_eq!(found(&["scan", &path], b""), format!("{path}:{script}\n{path}!app.properties:{FOUND}"));
    }
    for method in [CompressionMethod::Stored, CompressionMethod::Bzip2] {
        let options = SimpleFileOptions::default().compression_method(method);
        let bytes = zip_with(&[("a", TEXT.as_bytes())], options);
        assert_eq!(found(&["scan"], &bytes), format!("-!a:{FOUND}"));
    }
}

#[test]
fn archives_behind_the_end_of_another_are_scanned() {
    let [one, two] = ["one.txt", "two.txt"].map(|name| tar(&[(name, TEXT.as_bytes())]));
    let joined = [&one[..], &[0; 20 << 10], &two, &[0; 700]].concat();
    assert_eq!(found(&["scan"], &joined), format!("-!one.txt:{FOUND}-!two.txt:{FOUND}"));
    assert_eq!(found(&["scan"], &gzip(&joined)), format!("-!one.txt:{FOUND}-!two.txt:{FOUND}"));
    // Other bytes are not skipped in silence.
    let output = run(&["scan"], &[&one[..], TEXT.as_bytes(), &[b'x'; 512]].concat());
    let (printed, _, status) = outcome(&output);
    assert_eq!((printed, status), (format!("-!one.txt:{FOUND}"), 2));
    let problem = "standard input: malformed tar: a header has a wrong checksum; scanned up to the error";
    assert_eq!(notes(&output), [problem]);
}

#[test]
fn office_documents_are_scanned_without_their_elements() {
    // Written by openpyxl: a number, a text and a text with groups.
    let path = format!("{}/tests/cli/cards.xlsx", env!("CARGO_MANIFEST_DIR"));
    let printed = found(&["scan", &path], b"");
    for row in [2, 3, 4] {
        assert!(printed.contains(&format!("{path}!xl/worksheets/sheet1.xml:{row}:")), "{printed}");
    }
    let runs =
        b"<?xml version=\"1.0\"?><w:p><w:r><w:t>Card 4111 1111 </w:t></w:r><w:r><w:t>1111 1111</w:t></w:r></w:p>";
    let path = file("letter.docx", zip(&[("word/document.xml", runs)]));
    assert_eq!(
        found(&["scan", &path], b""),
        format!("{path}!word/document.xml:1:6: visa, 16 digits, 411111******1111\n")
    );
}

#[test]
fn sarif_locates_members_by_their_names() {
    let path = file("sarif.zip", zip(&[("a/b.txt", TEXT.as_bytes())]));
    let document: serde_json::Value = serde_json::from_str(&found(&["scan", "--format", "sarif", &path], b"")).unwrap();
    let location = &document["runs"][0]["results"][0]["locations"][0];
    assert!(location["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap().ends_with("/sarif.zip"));
    assert!(location["physicalLocation"]["region"].is_null());
    assert_eq!(location["logicalLocations"][0]["fullyQualifiedName"], format!("{path}!a/b.txt:2:5"));
}

#[test]
fn texts_in_other_encodings_are_converted() {
    let text = "Gebühr für Müller\r\nKarte 卡 4111111111111111\r\n";
    let found_at = |column: usize| format!("2:{column}: visa, 16 digits, 411111******1111\n");
    let utf16 = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    let utf32 = |unit: fn(u32) -> [u8; 4]| text.chars().map(u32::from).flat_map(unit).collect::<Vec<u8>>();
    for bytes in [utf16(u16::to_le_bytes), utf16(u16::to_be_bytes), utf32(u32::to_le_bytes), utf32(u32::to_be_bytes)] {
        assert_eq!(found(&["scan"], &bytes), format!("-:{}", found_at(9)));
    }
    let marked = [vec![0xff, 0xfe], utf16(u16::to_le_bytes)].concat();
    assert_eq!(found(&["scan"], &marked), format!("-:{}", found_at(9)));
    assert_eq!(found(&["scan"], &zip(&[("a.txt", &marked)])), format!("-!a.txt:{}", found_at(9)));
    let latin1: Vec<u8> = text.replace('卡', "Ü").chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    assert_eq!(found(&["scan"], &latin1), format!("-:{}", found_at(9)));
}

#[test]
fn binary_files_are_counted_and_are_errors_with_strict() {
    let root = folder("binary");
    let png =
        [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[0; 40], b"tEXt\0comment 4111111111111111\0", &[0xff, 0x80]].concat();
    fs::write(format!("{root}/a.png"), &png).unwrap();
    fs::write(format!("{root}/b.pyc"), b"\xa7\x0d\x0d\x0a\0\0\0\0\xff\xfe\x80").unwrap();
    fs::write(format!("{root}/c.txt"), "BM begins a bitmap or a text").unwrap();
    let output = run(&["scan", &root], b"");
    let (printed, stderr, status) = outcome(&output);
    assert_eq!((printed.lines().count(), status), (1, 1), "{printed}");
    assert!(printed.starts_with(&format!("{root}/a.png:3:")), "{printed}");
    assert_eq!(stderr, "panveil: 1 finding in 1 file; 3 files scanned, 2 of them binary\n");
    let (_, notes) = unread(&root, &["--strict"]);
    let line = "no text; its bytes were scanned, and --strict is set";
    assert_eq!(notes[..2], [format!("a.png: {line}"), format!("b.pyc: {line}")]);
}

#[test]
fn content_that_cannot_be_read_is_named() {
    let root = folder("unread");
    // "CARD 4111111111111111 EXP 12/28 " in code page 37.
    let ebcdic = b"\xc3\xc1\xd9\xc4\x40\xf4\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\x40\xc5\xe7\xd7\x40\xf1\xf2\x61\xf2\xf8\x40";
    let encrypted = SimpleFileOptions::default().with_aes_encryption(zip::AesMode::Aes256, "secret");
    let whole = zip(&[("a.txt", TEXT.as_bytes()), ("b.txt", TEXT.as_bytes())]);
    let mut malformed = tar(&[("a.txt", TEXT.as_bytes()), ("b.txt", TEXT.as_bytes())]);
    malformed[1024] ^= 1;
    let mut seven_z = b"7z\xbc\xaf\x27\x1c\0\x04".to_vec();
    seven_z.extend([0xff; 40]);
    for (name, bytes) in [
        ("01.pdf", b"%PDF-1.4\n(4111111111111111) Tj\n".to_vec()),
        ("02.zip", zip_with(&[("a.txt", TEXT.as_bytes())], encrypted)),
        ("03.zip", whole[..whole.len() - 30].to_vec()),
        ("04.tar", malformed),
        ("05.dat", ebcdic.to_vec()),
        ("06.csv", b"\x93\x10\0\x80\xff\0\x01\x02".to_vec()),
        ("07.7z", seven_z),
        ("08.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\xff".to_vec()),
        ("09.xlsx", b"<html>Not found</html>".to_vec()),
        ("10.bz2", b"BZh91AY&SY\0\0\0\0\0".to_vec()),
        ("11.gpg", b"\x85\x01\x8c\x03\0\xff\xfe\x80".to_vec()),
    ] {
        fs::write(format!("{root}/{name}"), bytes).unwrap();
    }
    let (printed, notes) = unread(&root, &[]);
    assert_eq!(printed, format!("01.pdf:2:2: visa, 16 digits, 411111******1111\n04.tar!a.txt:{FOUND}"));
    for (note, start) in notes.iter().zip([
        "01.pdf: PDF is not supported; ",
        "02.zip!a.txt: encrypted; ",
        "03.zip: malformed zip: ",
        "04.tar: malformed tar: a header has a wrong checksum; scanned up to the error",
        "05.dat: EBCDIC is not supported; ",
        "06.csv: unknown encoding; ",
        "07.7z: 7z archives are not supported; ",
        "08.xls: the binary format of Office before 2007, or encrypted; ",
        "09.xlsx: not zip, although its extension is xlsx; scanned as text",
        "10.bz2: malformed bzip2: ",
        "11.gpg: encrypted; ",
        "11 of 11 files were not scanned completely",
    ]) {
        assert!(note.starts_with(start), "{note}");
    }
    assert_eq!(notes.len(), 12, "{notes:?}");
}

#[test]
fn decompression_is_limited() {
    let root = folder("bombs");
    let zeros = "0".repeat(1 << 20).repeat(300);
    fs::write(format!("{root}/bomb.zst"), zstd::encode_all(zeros.as_bytes(), 1).unwrap()).unwrap();
    let mut nested = TEXT.as_bytes().to_vec();
    for _ in 0..9 {
        nested = gzip(&nested);
    }
    fs::write(format!("{root}/deep.gz"), nested).unwrap();
    let large = vec![0x55; (64 << 20) + 1];
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    fs::write(format!("{root}/large.zip.gz"), gzip(&zip_with(&[("a", &large)], stored))).unwrap();
    let (printed, notes) = unread(&root, &[]);
    assert_eq!(printed, "");
    assert_eq!(
        notes[..3],
        [
            "bomb.zst: expands to more than 1000 times its size; scanned up to the error",
            "deep.gz: not scanned: more than 8 archives in each other; unpack it",
            "large.zip.gz: not scanned: a zip archive of more than 64 MiB in an archive or a pipe; unpack it",
        ]
    );
}
