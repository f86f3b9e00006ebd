//! Text of office documents (ISO/IEC 29500, ISO/IEC 26300).
//!
//! Word processors put the characters of one number into several elements when its format or its proofing changes in the middle.

use super::piece_reader::{PieceReader, Pieces};
use std::io::{self, Read};

/// Most bytes of an element's name that are compared.
const MAX_NAME: usize = 32;

/// Bytes of one read.
const CHUNK: usize = 16 << 10;

/// Extensions of office documents.
pub const EXTENSIONS: [&str; 11] =
    ["docx", "docm", "dotx", "xlsx", "xlsm", "xltx", "pptx", "pptm", "odt", "ods", "odp"];

/// Text in a part of an office document: its elements are removed. The ends of paragraphs and rows are line ends,
/// those of cells are tabs.
pub struct OfficeText<R> {
    source: R,
    /// Name of the element whose tag was read in part, with a slash for an end tag.
    tag: Option<Vec<u8>>,
}

/// True for a part that contains text, at `path` in a document with that extension.
pub fn is_office_text(extension: &str, path: &[u8]) -> bool {
    let folders: [&[u8]; 3] = [b"word/", b"xl/", b"ppt/"];
    let is_part = path == b"content.xml" || folders.iter().any(|folder| path.starts_with(folder));
    EXTENSIONS.contains(&extension) && is_part && path.ends_with(b".xml")
}

impl<R: Read> OfficeText<R> {
    pub fn reader(source: R) -> PieceReader<Self> {
        PieceReader::new(Self { source, tag: None })
    }

    fn push(&mut self, byte: u8, text: &mut Vec<u8>) {
        match (&mut self.tag, byte) {
            (None, b'<') => self.tag = Some(Vec::new()),
            (None, _) => text.push(byte),
            (Some(_), b'>') => {
                let tag = self.tag.take().unwrap_or_default();
                text.extend(separator(&tag));
            }
            // A space ends the name.
            (Some(tag), _) if tag.len() < MAX_NAME && tag.last() != Some(&b' ') => {
                tag.push(if byte.is_ascii_whitespace() { b' ' } else { byte });
            }
            (Some(_), _) => {}
        }
    }
}

/// White space in place of a tag.
fn separator(tag: &[u8]) -> Option<u8> {
    let is_end = tag.starts_with(b"/");
    let name = tag.trim_ascii().trim_ascii_end().strip_prefix(b"/").unwrap_or(tag.trim_ascii());
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let local = name.rsplit(|byte| *byte == b':').next().unwrap_or_default();
    match (local, is_end) {
        (b"p" | b"si" | b"row" | b"tr" | b"table-row" | b"h", true) | (b"br" | b"cr" | b"line-break", false) => {
            Some(b'\n')
        }
        (b"c" | b"tc" | b"table-cell", true) | (b"tab" | b"s", false) => Some(b'\t'),
        _ => None,
    }
}

impl<R: Read> Pieces for OfficeText<R> {
    fn next_piece(&mut self, piece: &mut Vec<u8>) -> io::Result<bool> {
        let mut bytes = [0; CHUNK];
        let length = self.source.read(&mut bytes)?;
        bytes.iter().take(length).for_each(|byte| self.push(*byte, piece));
        Ok(length > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(document: &str) -> String {
        let mut text = String::new();
        OfficeText::reader(document.as_bytes()).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn runs_are_joined_and_paragraphs_and_cells_separated() {
        let runs = "<w:p w:rsid=\"1\"><w:r><w:t xml:space=\"preserve\">4111 1111 </w:t></w:r>\
                    <w:r><w:rPr><w:b/></w:rPr><w:t>1111 1111</w:t></w:r></w:p><w:p><w:r><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>";
        assert_eq!(text(runs), "4111 1111 1111 1111\nb\nc\n");
        let row = "<row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"B1\"><v>4.111E15</v></c></row><si><t>a</t></si>";
        assert_eq!(text(row), "1\t4.111E15\t\na\n");
        assert_eq!(text("a<b"), "a");
    }

    #[test]
    fn parts_with_text_are_known() {
        assert!(is_office_text("docx", b"word/document.xml") && is_office_text("ods", b"content.xml"));
        assert!(!is_office_text("zip", b"word/document.xml") && !is_office_text("docx", b"docProps/core.xml"));
        assert!(!is_office_text("docx", b"word/_rels/document.xml.rels"));
    }
}
