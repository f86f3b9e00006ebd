//! Inputs of the measurement: the same bytes in every run, natively and in Wasm.

mod hostile;
mod made;

use panveil::stream::TextFormat;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

pub use hostile::{HOSTILE, Hostile};

/// Bytes of an input: many times the block size of the detector.
pub const SIZE: usize = 1 << 20;
/// Bytes of an input that repeats a short part, which may be slow to read.
const SIZE_OF_HOSTILE: usize = 1 << 17;

const SEED: u64 = 20_260_817;

/// Input of the measurement.
#[derive(Clone, Debug)]
pub struct Input {
    /// Name in tables and charts.
    pub name: String,
    /// Description.
    pub about: String,
    /// Notation passed to the detector.
    pub text_format: TextFormat,
    source: Source,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    /// Generated piece by piece.
    Made(fn(&mut Vec<u8>, &mut ChaCha8Rng)),
    /// These bytes, repeated.
    Repeated(&'static [u8]),
}

impl Input {
    /// All inputs, in the order of the page. The found slow inputs come last.
    #[must_use]
    pub fn all() -> Vec<Self> {
        use Source::{Made, Repeated};
        use TextFormat::{Csv, Form, Json, Text};
        let usual: [(&str, &str, TextFormat, Source); 11] = [
            ("JSON", "orders", Json, Made(made::order)),
            ("HTML", "a list of products", Text, Made(made::product)),
            ("base64", "lines of 76 characters", Text, Made(made::base64_line)),
            ("CSV", "numbers of one to thirteen digits", Csv, Made(made::numbers)),
            ("16-digit CSV", "numbers of sixteen digits", Csv, Made(made::long_numbers)),
            ("prose", "sentences", Text, Made(made::sentence)),
            ("all digits", "random digits", Text, Made(made::digit)),
            ("1234-1234-…", "one endless number in groups", Text, Repeated(b"1234-")),
            ("random bytes", "uniformly distributed", Text, Made(made::byte)),
            ("escaped JSON", "orders as strings in JSON", Json, Made(made::logged_order)),
            ("form", "a form with percent-escapes", Form, Made(made::field)),
        ];
        let usual = usual.into_iter().map(|(name, about, text_format, source)| Self {
            name: name.to_owned(),
            about: about.to_owned(),
            text_format,
            source,
        });
        let hostile = HOSTILE.iter().map(|hostile| Self {
            name: format!("hostile: {}", hostile.name),
            about: format!("`{}` as {}, repeated", hostile.unit.escape_ascii(), name(hostile.text_format)),
            text_format: hostile.text_format,
            source: Repeated(hostile.unit),
        });
        usual.chain(hostile).collect()
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        if self.is_hostile() { SIZE_OF_HOSTILE } else { SIZE }
    }

    /// Generates the input.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self.source {
            Source::Made(piece) => {
                let mut rng = ChaCha8Rng::seed_from_u64(SEED);
                let mut bytes = Vec::with_capacity(SIZE + 1024);
                made::opening(self.text_format, &mut bytes);
                while bytes.len() < SIZE {
                    piece(&mut bytes, &mut rng);
                }
                bytes.truncate(SIZE);
                bytes
            }
            Source::Repeated(unit) => repeated(unit, self.size()),
        }
    }

    fn is_hostile(&self) -> bool {
        self.name.starts_with("hostile")
    }
}

/// `unit` repeated up to `size` bytes.
#[must_use]
pub fn repeated(unit: &[u8], size: usize) -> Vec<u8> {
    unit.iter().copied().cycle().take(size).collect()
}

/// Name of the notation on the page.
#[must_use]
pub const fn name(text_format: TextFormat) -> &'static str {
    match text_format {
        TextFormat::Json => "JSON",
        TextFormat::Form => "form",
        TextFormat::Csv => "CSV",
        TextFormat::Events => "events",
        TextFormat::Text
        | TextFormat::Markup
        | TextFormat::Html
        | TextFormat::Mime
        | TextFormat::Wide
        | TextFormat::Unknown => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_has_its_size_and_is_the_same_again() {
        let all = Input::all();
        for (index, input) in all.iter().enumerate() {
            let bytes = input.bytes();
            assert_eq!(bytes.len(), input.size(), "{}", input.name);
            assert_eq!(bytes, Input::all()[index].bytes(), "{}", input.name);
        }
        let names: std::collections::BTreeSet<&str> = all.iter().map(|input| input.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn inputs_are_what_their_names_say() {
        let bytes = |name: &str| Input::all().into_iter().find(|input| input.name == name).unwrap().bytes();
        assert!(bytes("all digits").iter().all(u8::is_ascii_digit));
        assert!(bytes("1234-1234-…").starts_with(b"1234-1234-"));
        assert!(bytes("JSON").starts_with(b"[{\"order_id\":"));
        assert!(bytes("escaped JSON").starts_with(b"[{\"message\":\"{\\\"order_id\\\":"));
        let longest = |name: &str| {
            let bytes = bytes(name);
            bytes.split(|byte| !byte.is_ascii_digit()).map(<[u8]>::len).max().unwrap()
        };
        assert_eq!((longest("CSV"), longest("16-digit CSV")), (13, 16));
        assert!(bytes("form").windows(3).any(|window| window == b"%20"));
    }
}
