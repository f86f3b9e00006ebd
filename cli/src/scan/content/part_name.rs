//! Name of a file, or of a file in an archive.

use super::super::display_name::DisplayName;
use std::path::Path;

/// Name of a file or of a file in an archive, for the output and for its extension.
pub struct PartName {
    /// Name in the output.
    pub display: DisplayName,
    /// Last component in lowercase, without the extensions of compressions that were decompressed.
    file: String,
}

impl PartName {
    /// Name of the file at `path`.
    pub fn of(path: &Path) -> Self {
        let file = path.file_name().map(|file| file.to_string_lossy().to_lowercase()).unwrap_or_default();
        Self { display: DisplayName::of(path), file }
    }

    /// Name of the member `path` of this archive.
    pub fn member(&self, path: &[u8]) -> Self {
        let file = path.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default();
        Self { display: self.display.member(path), file: String::from_utf8_lossy(file).to_lowercase() }
    }

    /// Name of the content after decompression. The output shows the same name.
    pub fn decompressed(&self) -> Self {
        let stem = self.file.rsplit_once('.').map_or("", |(stem, _)| stem);
        Self { display: self.display.clone(), file: stem.to_owned() }
    }

    /// Extension in lowercase, empty without one. The name of a dot file is its extension.
    pub fn extension(&self) -> &str {
        self.file.rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_those_of_the_innermost_file() {
        let name = PartName::of(Path::new("a.d/Dump.CSV.GZ"));
        assert_eq!(name.extension(), "gz");
        assert_eq!(name.decompressed().extension(), "csv");
        assert_eq!(PartName::of(Path::new("a.d/dump.tar")).member(b"x.d/b.Log").extension(), "log");
        assert_eq!(PartName::of(Path::new("a.d/file")).extension(), "");
        assert_eq!(PartName::of(Path::new(".env")).extension(), "env");
    }
}
