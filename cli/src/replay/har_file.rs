//! Which entries are in a capture?
//!
//! They are taken one by one, since a capture can be much larger than what is wanted of it. serde_json's errors about
//! data quote it, so that of those only the line and column are told.

use crate::failure::Failure;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// The largest capture that is read.
const MOST_BYTES: u64 = 4 << 30;

/// How much is read at once.
const PIECE: usize = 256 << 10;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What is done with each entry and its number, from 1 on.
type EntryHandler<'t> = dyn FnMut(usize, Value) -> Result<(), StopReason> + 't;

/// Why the capture is not read to its end.
pub enum StopReason {
    /// This is wrong with an entry.
    Entry(String),
    /// The result cannot be written.
    Failure(Failure),
}

impl From<String> for StopReason {
    fn from(text: String) -> Self {
        Self::Entry(text)
    }
}

/// Hands over every entry of the HAR file at `path`, or of standard input when that is `-`.
pub fn entries(path: &Path, take: &mut EntryHandler<'_>) -> Result<(), Failure> {
    if path == Path::new("-") {
        return read(io::stdin().lock(), "<stdin>", take);
    }
    let name = path.display().to_string();
    let file = File::open(path).map_err(Failure::of("read", &name))?;
    read(file, &name, take)
}

fn read(source: impl Read, name: &str, take: &mut EntryHandler<'_>) -> Result<(), Failure> {
    let mut source = BufReader::with_capacity(PIECE, source.take(MOST_BYTES));
    let start = source.fill_buf().map_err(Failure::of("read", name))?;
    if start.starts_with(BYTE_ORDER_MARK) {
        source.consume(BYTE_ORDER_MARK.len());
    }
    let mut state = ReadState { take, count: 0, has_entries: false, stop: None };
    let mut json = serde_json::Deserializer::from_reader(&mut source);
    let read = EntryListVisitor { state: &mut state, names: &["log", "entries"] }
        .deserialize(&mut json)
        .and_then(|()| json.end());
    let wrong = |text: String| Failure::Error(format!("{name}{text}"));
    match (read, state.stop) {
        (_, Some(StopReason::Failure(failure))) => Err(failure),
        (_, Some(StopReason::Entry(text))) => Err(wrong(format!(": {text}"))),
        (Err(_), None) if source.get_ref().limit() == 0 => Err(wrong(format!(": larger than {MOST_BYTES} bytes"))),
        (Err(error), None) => Err(wrong(explain(error, name)?)),
        (Ok(()), None) if !state.has_entries => Err(wrong(": no HAR: it has no log.entries".to_owned())),
        (Ok(()), None) if state.count == 0 => Err(wrong(": the log has no entries".to_owned())),
        (Ok(()), None) => Ok(()),
    }
}

fn explain(error: serde_json::Error, name: &str) -> Result<String, Failure> {
    let (line, column) = (error.line(), error.column());
    let reason = match error.classify() {
        Category::Io => return Err(Failure::of("read", name)(error.into())),
        Category::Syntax | Category::Eof => error.to_string(),
        Category::Data => return Ok(format!(":{line}:{column}: no HAR: log.entries must be a list in objects")),
    };
    let place = format!(" at line {line} column {column}");
    Ok(format!(":{line}:{column}: not JSON: {}", reason.strip_suffix(&place).unwrap_or(&reason)))
}

struct ReadState<'s, 't> {
    take: &'s mut EntryHandler<'t>,
    count: usize,
    has_entries: bool,
    stop: Option<StopReason>,
}

/// An object with a field of the first of these names, in which there is one of the next; in the last is the list.
struct EntryListVisitor<'l, 's, 't> {
    state: &'l mut ReadState<'s, 't>,
    names: &'static [&'static str],
}

impl<'de> DeserializeSeed<'de> for EntryListVisitor<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.names.is_empty() { deserializer.deserialize_seq(self) } else { deserializer.deserialize_map(self) }
    }
}

impl<'de> Visitor<'de> for EntryListVisitor<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a HAR log")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (wanted, names) = self.names.split_first().unwrap_or((&"", &[]));
        while let Some(name) = map.next_key::<String>()? {
            if name == *wanted {
                map.next_value_seed(EntryListVisitor { state: self.state, names })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let state = self.state;
        state.has_entries = true;
        while let Some(entry) = list.next_element()? {
            state.count = state.count.saturating_add(1);
            if let Err(stop) = (state.take)(state.count, entry) {
                state.stop = Some(stop);
                return Err(de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}
