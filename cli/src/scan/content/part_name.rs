//! Name of a file, or of a file in an archive.

use super::super::display_name::DisplayName;
use super::office_text;
use std::path::Path;

/// Name of a file or of a file in an archive, for the output and for its extension.
pub struct PartName {
    /// Name in the output.
    pub display: DisplayName,
    /// Name relative to the current directory, which does not depend on the spelling of the path.
    pub relative: DisplayName,
    /// Commit of a file in the history of a repository.
    commit: Option<String>,
    /// True for the text of an office document.
    pub is_office_text: bool,
    /// Last component in lowercase, without the extensions of compressions that were decompressed.
    file: String,
}

impl PartName {
    /// Name of the file at `path`.
    pub fn of(path: &Path, current_dir: &Path) -> Self {
        let file = path.file_name().map(|file| file.to_string_lossy().to_lowercase()).unwrap_or_default();
        let relative = path.strip_prefix(current_dir).or_else(|_| path.strip_prefix(".")).unwrap_or(path);
        let display = DisplayName::of(path);
        let relative = if relative == path { display.clone() } else { DisplayName::of(relative) };
        Self { display, relative, commit: None, is_office_text: false, file }
    }

    /// Name of this file in a commit.
    pub fn in_commit(self, commit: &str) -> Self {
        Self { display: self.display.in_commit(commit), commit: Some(commit.to_owned()), ..self }
    }

    /// Commit of a file in the history of a repository.
    pub fn commit(&self) -> Option<&str> {
        self.commit.as_deref()
    }

    /// Name of the member `path` of this archive.
    pub fn member(&self, path: &[u8]) -> Self {
        let file = path.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default();
        Self {
            display: self.display.member(path),
            relative: self.relative.member(path),
            commit: self.commit.clone(),
            is_office_text: office_text::is_office_text(self.extension(), path),
            file: String::from_utf8_lossy(file).to_lowercase(),
        }
    }

    /// Name of the content after decompression. The output shows the same name.
    pub fn decompressed(&self) -> Self {
        let stem = self.file.rsplit_once('.').map_or("", |(stem, _)| stem);
        let (display, relative) = (self.display.clone(), self.relative.clone());
        Self { display, relative, commit: self.commit.clone(), is_office_text: false, file: stem.to_owned() }
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
        let name = |path: &str| PartName::of(Path::new(path), Path::new("/here"));
        assert_eq!(name("a.d/Dump.CSV.GZ").extension(), "gz");
        assert_eq!(name("a.d/Dump.CSV.GZ").decompressed().extension(), "csv");
        assert_eq!(name("a.d/dump.tar").member(b"x.d/b.Log").extension(), "log");
        assert_eq!(name("a.d/file").extension(), "");
        assert_eq!(name(".env").extension(), "env");
    }

    #[test]
    fn relative_names_do_not_depend_on_the_spelling() {
        for path in ["a/b.zip", "./a/b.zip", "/here/a/b.zip"] {
            let name = PartName::of(Path::new(path), Path::new("/here"));
            assert_eq!(name.member(b"c").relative.text(), "a/b.zip!c");
        }
        assert_eq!(PartName::of(Path::new("/other/a"), Path::new("/here")).relative.text(), "/other/a");
    }
}
