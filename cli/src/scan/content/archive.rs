//! Members of tar archives, in bounded memory.

use std::io::{self, Read};
use tar::{EntryType, Header};

/// Largest zip archive that is read from memory, because it is in another archive or comes from a pipe.
pub const MAX_ZIP_IN_MEMORY: u64 = 64 << 20;

/// Length of a block.
const BLOCK: u64 = 512;

/// Most bytes of a member's name, and of its extended header.
const MAX_METADATA: u64 = 64 << 10;

/// True for a tar archive in the formats of POSIX and GNU.
pub fn is_tar(first: &[u8]) -> bool {
    first.get(257..262).is_some_and(|magic| magic == b"ustar")
}

/// Members of a tar archive that is read once, from its beginning.
///
/// The crate's own iterator keeps names and extended headers of any length in memory.
pub struct TarMembers<R> {
    source: R,
    /// Bytes of the current member that were not read, and of its padding.
    rest: u64,
    padding: u64,
}

/// Name and contents of a member.
pub struct TarMember<'a, R> {
    /// Name.
    pub name: Vec<u8>,
    members: &'a mut TarMembers<R>,
}

impl<R: Read> TarMembers<R> {
    pub fn new(source: R) -> Self {
        Self { source, rest: 0, padding: 0 }
    }

    /// Next file, `None` at the end. An error ends the archive. Another archive may follow, as with `tar --ignore-zeros`.
    pub fn next_member(&mut self) -> io::Result<Option<TarMember<'_, R>>> {
        let (mut long_name, mut long_size) = (None, None);
        loop {
            self.skip()?;
            let Some(header) = self.header()? else { return Ok(None) };
            let size = long_size.take().map_or_else(|| header.entry_size(), Ok)?;
            self.rest = size;
            self.padding = size.next_multiple_of(BLOCK).saturating_sub(size);
            match header.entry_type() {
                EntryType::GNULongName => long_name = Some(self.metadata()?),
                EntryType::XHeader => {
                    let extensions = self.metadata()?;
                    for extension in tar::PaxExtensions::new(&extensions) {
                        let extension = extension?;
                        match extension.key_bytes() {
                            b"path" => long_name = Some(extension.value_bytes().to_vec()),
                            b"size" => long_size = extension.value().ok().and_then(|size| size.parse().ok()),
                            _ => {}
                        }
                    }
                }
                EntryType::GNUSparse => {
                    self.skip_sparse_headers(&header)?;
                    return Ok(Some(self.member(long_name, &header)));
                }
                EntryType::Regular | EntryType::Continuous => return Ok(Some(self.member(long_name, &header))),
                // Directories, links, devices, and headers for the whole archive.
                kind => {
                    if !matches!(kind, EntryType::XGlobalHeader | EntryType::GNULongLink) {
                        long_name = None;
                    }
                }
            }
        }
    }

    fn member(&mut self, long_name: Option<Vec<u8>>, header: &Header) -> TarMember<'_, R> {
        let mut name = long_name.unwrap_or_else(|| header.path_bytes().into_owned());
        while name.last() == Some(&0) {
            name.pop();
        }
        TarMember { name, members: self }
    }

    /// Next header, after the blocks of zeros that end an archive; `None` at the end of the source.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let mut header = Header::new_old();
        let block = header.as_mut_bytes();
        let mut is_after_end = false;
        loop {
            let length = io::copy(&mut self.source.by_ref().take(BLOCK), &mut block.as_mut_slice())?;
            let is_zero = block.iter().zip(0..length).all(|(byte, _)| *byte == 0);
            match length {
                BLOCK if is_zero => is_after_end = true,
                BLOCK => break,
                0 => return Ok(None),
                _ if is_zero && is_after_end => return Ok(None),
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let in_checksum =
            |(index, byte): (usize, &u8)| u32::from(if (148..156).contains(&index) { b' ' } else { *byte });
        let sum = block.iter().enumerate().map(in_checksum).fold(0, u32::saturating_add);
        if header.cksum().ok() != Some(sum) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a header has a wrong checksum"));
        }
        Ok(Some(header))
    }

    /// Contents of a member that describes the next one.
    fn metadata(&mut self) -> io::Result<Vec<u8>> {
        if self.rest > MAX_METADATA {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a name or extended header has more than 64 KiB"));
        }
        let mut bytes = Vec::new();
        let read = self.source.by_ref().take(self.rest).read_to_end(&mut bytes)?;
        self.rest = self.rest.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(bytes)
    }

    /// Skips the blocks that continue the map of a sparse file.
    fn skip_sparse_headers(&mut self, header: &Header) -> io::Result<()> {
        let mut is_extended = header.as_gnu().is_some_and(tar::GnuHeader::is_extended);
        while is_extended {
            let mut block = tar::GnuExtSparseHeader::new();
            self.source.read_exact(block.as_mut_bytes())?;
            is_extended = block.is_extended();
        }
        Ok(())
    }

    /// Skips the rest of the current member.
    fn skip(&mut self) -> io::Result<()> {
        let length = self.rest.saturating_add(self.padding);
        (self.rest, self.padding) = (0, 0);
        if io::copy(&mut self.source.by_ref().take(length), &mut io::sink())? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

impl<R: Read> Read for TarMember<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let members = &mut *self.members;
        let length = members.source.by_ref().take(members.rest).read(buffer)?;
        if length == 0 && members.rest > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        members.rest = members.rest.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and contents up to an error, and whether there was none.
    fn members(bytes: &[u8]) -> (Vec<(String, String)>, bool) {
        let mut archive = TarMembers::new(bytes);
        let mut found = Vec::new();
        loop {
            match archive.next_member() {
                Ok(Some(mut member)) => {
                    let mut text = String::new();
                    let read = member.read_to_string(&mut text);
                    found.push((String::from_utf8(member.name).unwrap(), text));
                    if read.is_err() {
                        return (found, false);
                    }
                }
                Ok(None) => return (found, true),
                Err(_) => return (found, false),
            }
        }
    }

    fn archive() -> (Vec<u8>, Vec<(String, String)>) {
        let files: Vec<(String, String)> =
            [("a.txt".to_owned(), 5), (format!("{}/b.txt", "d".repeat(300)), 2000), ("empty".to_owned(), 0)]
                .map(|(name, length)| (name, "x".repeat(length)))
                .into();
        let mut builder = tar::Builder::new(Vec::new());
        for (name, text) in &files {
            let mut header = Header::new_gnu();
            header.set_size(u64::try_from(text.len()).unwrap());
            builder.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        (builder.into_inner().unwrap(), files)
    }

    #[test]
    fn members_have_their_names_and_contents() {
        let (bytes, files) = archive();
        assert!(is_tar(&bytes));
        assert_eq!(members(&bytes), (files, true));
        assert_eq!(members(b""), (Vec::new(), true));
    }

    #[test]
    fn a_truncated_archive_is_an_error() {
        let (bytes, files) = archive();
        for length in [1, 511, 513, 700, 1500, 2000, 4000] {
            let (found, complete) = members(&bytes[..length]);
            assert!(!complete && found.len() <= files.len(), "{length}");
        }
        let mut malformed = bytes;
        malformed[0] ^= 1;
        assert_eq!(members(&malformed), (Vec::new(), false));
    }

    #[test]
    fn extended_headers_are_limited() {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::XHeader);
        header.set_size(1 << 40);
        header.set_cksum();
        assert_eq!(members(header.as_bytes()), (Vec::new(), false));
    }
}
