//! Reader of HAR files.
//!
//! It reads one entry at a time, because a capture may be much larger than an entry. serde_json's errors about data quote the data, so
//! only their line and column are reported.

use crate::failure::Failure;
use crate::input;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Largest capture.
const MAX_BYTES: u64 = 4 << 30;

/// Bytes of one read.
const CHUNK: usize = 256 << 10;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Handler of each entry and its number, counted from 1.
type EntryHandler<'t> = dyn FnMut(usize, Value) -> Result<(), StopReason> + 't;

/// Reason for which reading stops before the end.
pub enum StopReason {
    /// Invalid entry, with a description.
    Entry(String),
    /// Failure of the output.
    Failure(Failure),
}

impl From<String> for StopReason {
    fn from(text: String) -> Self {
        Self::Entry(text)
    }
}

/// Passes every entry of the HAR file at `path`, or of standard input if the path is `-`, to `handle`.
pub fn entries(path: &Path, handle: &mut EntryHandler<'_>) -> Result<(), Failure> {
    let name = input::name(path);
    if path == Path::new("-") {
        return read(io::stdin().lock(), &name, handle);
    }
    let file = File::open(path).map_err(Failure::of("read", &name))?;
    read(file, &name, handle)
}

fn read(source: impl Read, name: &str, handle: &mut EntryHandler<'_>) -> Result<(), Failure> {
    let mut source = BufReader::with_capacity(CHUNK, source.take(MAX_BYTES));
    let start = source.fill_buf().map_err(Failure::of("read", name))?;
    if start.starts_with(BYTE_ORDER_MARK) {
        source.consume(BYTE_ORDER_MARK.len());
    }
    let mut state = ReadState { handle, count: 0, has_entries: false, stop: None };
    let mut json = serde_json::Deserializer::from_reader(&mut source);
    let read = EntryListVisitor { state: &mut state, names: &["log", "entries"] }
        .deserialize(&mut json)
        .and_then(|()| json.end());
    let failure = |text: String| Failure::Error(format!("{name}{text}"));
    match (read, state.stop) {
        (_, Some(StopReason::Failure(failure))) => Err(failure),
        (_, Some(StopReason::Entry(text))) => Err(failure(format!(": {text}"))),
        (Err(_), None) if source.get_ref().limit() == 0 => Err(failure(format!(": larger than {MAX_BYTES} bytes"))),
        (Err(error), None) => Err(failure(explain(error, name)?)),
        (Ok(()), None) if !state.has_entries => Err(failure(": not a HAR file: no log.entries".to_owned())),
        (Ok(()), None) if state.count == 0 => Err(failure(": the log has no entries".to_owned())),
        (Ok(()), None) => Ok(()),
    }
}

fn explain(error: serde_json::Error, name: &str) -> Result<String, Failure> {
    let (line, column) = (error.line(), error.column());
    let reason = match error.classify() {
        Category::Io => return Err(Failure::of("read", name)(error.into())),
        Category::Syntax | Category::Eof => error.to_string(),
        Category::Data => {
            return Ok(format!(":{line}:{column}: not a HAR file: log.entries must be a list in an object"));
        }
    };
    let position = format!(" at line {line} column {column}");
    Ok(format!(":{line}:{column}: not JSON: {}", reason.strip_suffix(&position).unwrap_or(&reason)))
}

struct ReadState<'s, 't> {
    handle: &'s mut EntryHandler<'t>,
    count: usize,
    has_entries: bool,
    stop: Option<StopReason>,
}

/// Visitor of nested objects: it descends into the fields `names` and reads the list in the last one.
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
            if let Err(stop) = (state.handle)(state.count, entry) {
                state.stop = Some(stop);
                return Err(de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}
