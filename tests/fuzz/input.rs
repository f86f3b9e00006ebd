//! Inputs of the fuzz bodies: the stored ones, and mutations of them.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use proptest::prelude::*;
use proptest::sample::Index;
use tar::Archive;

/// Available inputs.
pub struct Inputs {
    /// Seeds and earlier findings, with their files.
    pub kept: Vec<(PathBuf, Vec<u8>)>,
    /// Dictionary words.
    words: Vec<Vec<u8>>,
}

/// Change of an input.
#[derive(Clone, Debug)]
enum Mutation {
    Put(Index, Vec<u8>),
    Set(Index, u8),
    Remove(Index, usize),
    Repeat(Index, usize),
}

impl Inputs {
    pub fn of(target: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        let seeds = archived(&folder.join("seeds").join(format!("{target}.tar.gz")));
        assert!(!seeds.is_empty(), "no seeds of {target}");
        let kept = [seeds, files(&folder.join("regressions").join(target))].concat();
        let dictionary = folder.join("dictionaries").join(format!("{target}.dict"));
        let text = fs::read_to_string(&dictionary).unwrap_or_else(|error| panic!("{}: {error}", dictionary.display()));
        let words = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(word).collect();
        Self { kept, words }
    }

    /// Stored inputs with a few mutations.
    pub fn mutated(&self) -> impl Strategy<Value = Vec<u8>> + use<> {
        let kept: Vec<Vec<u8>> = self.kept.iter().map(|(_, input)| input.clone()).collect();
        let pieces = [self.words.clone(), kept.clone()].concat();
        let mutation = prop_oneof![
            4 => (any::<Index>(), prop::sample::select(pieces)).prop_map(|(at, piece)| Mutation::Put(at, piece)),
            2 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
            2 => (any::<Index>(), b'0'..=b'9').prop_map(|(at, digit)| Mutation::Set(at, digit)),
            2 => (any::<Index>(), 1..20_usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
            1 => (any::<Index>(), 1..20_usize).prop_map(|(at, length)| Mutation::Repeat(at, length)),
        ];
        (prop::sample::select(kept), prop::collection::vec(mutation, 0..6)).prop_map(|(mut input, mutations)| {
            mutations.into_iter().for_each(|mutation| mutation.apply(&mut input));
            input
        })
    }
}

impl Mutation {
    fn apply(self, input: &mut Vec<u8>) {
        let len = input.len();
        let stretch = |at: Index, length: usize| at.index(len + 1)..len.min(at.index(len + 1) + length);
        match self {
            Self::Put(at, bytes) => drop(input.splice(stretch(at, 0), bytes)),
            Self::Set(at, byte) => drop(input.splice(stretch(at, 1), [byte])),
            Self::Remove(at, length) => drop(input.drain(stretch(at, length))),
            Self::Repeat(at, length) => input.extend_from_within(stretch(at, length)),
        }
    }
}

/// Files in an archive, in its order.
fn archived(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let failed = |error| -> ! { panic!("{}: {error}", path.display()) };
    let archive = fs::File::open(path).unwrap_or_else(|error| failed(error));
    let mut archive = Archive::new(GzDecoder::new(archive));
    let entries = archive.entries().unwrap_or_else(|error| failed(error));
    let is_file = |entry: &std::io::Result<tar::Entry<'_, _>>| {
        entry.as_ref().map_or(true, |entry| entry.header().entry_type().is_file())
    };
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        Ok((path.join(entry.path()?), bytes))
    };
    entries.filter(is_file).map(read).collect::<std::io::Result<_>>().unwrap_or_else(|error| failed(error))
}

/// Files in a folder, sorted. Empty when there is no folder.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let read = |path: &PathBuf| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    paths.iter().map(|path| (path.clone(), read(path))).collect()
}

/// Value of a dictionary line: `"…"`, in which `\"`, `\\` and `\x41` are escapes.
fn word(line: &str) -> Vec<u8> {
    let quoted = line.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let mut rest = quoted.unwrap_or_else(|| panic!("no word of a dictionary: {line}")).as_bytes();
    let mut bytes = Vec::new();
    while let [first, behind @ ..] = rest {
        (bytes, rest) = match (first, behind) {
            (b'\\', [b'x', high, low, behind @ ..]) => {
                let hex = [*high, *low];
                let byte = u8::from_str_radix(&String::from_utf8_lossy(&hex), 16);
                ([bytes, vec![byte.unwrap_or_else(|_| panic!("no byte: {line}"))]].concat(), behind)
            }
            (b'\\', [escaped, behind @ ..]) => ([bytes, vec![*escaped]].concat(), behind),
            _ => ([bytes, vec![*first]].concat(), behind),
        };
    }
    bytes
}

#[test]
fn a_dictionary_is_read_like_libfuzzer_does() {
    assert_eq!(word(r#""a\"\\\x00\xC2b""#), b"a\"\\\0\xc2b");
}
