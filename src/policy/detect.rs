//! What counts as found, and how is that written?

use super::document::Document;
use super::error::PolicyError;
#[cfg(feature = "cli")]
use super::schema;
use super::value;
use crate::scan::pattern::{LONGEST_MATCH, MOST_PATTERNS, PatternError, Patterns};
use crate::verdict::authentication::CodeNames;
use crate::verdict::criteria::OwnPatterns;
use crate::verdict::name::Names;
use crate::verdict::{Brand, Criteria, Sensitivity, Traces};

/// The part of a policy that says what is looked for.
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = schema::object))]
pub(super) struct Detect {
    /// Minimum evidence for a card number.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::word::<Sensitivity>", extend("default" = "balanced")))]
    pub sensitivity: Sensitivity,
    /// Brands that you issue or accept. Their rare ranges and lengths count like others.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::words::<Brand>", extend("default" = [])))]
    pub brands: Vec<Brand>,
    /// Detects verification codes, PINs and complete tracks too, and masks them completely.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::boolean", extend("default" = true)))]
    pub authentication_data: bool,
    /// `ignore` forwards published test numbers.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::word::<TestCards>", extend("default" = "detect")))]
    pub test_cards: TestCards,
    /// Decodes base64 and JWTs too.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::boolean", extend("default" = false)))]
    pub base64: bool,
    /// Names of fields that contain no card numbers.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::keys", extend("default" = [])))]
    pub ignore_keys: Vec<String>,
    /// Names of fields that contain card numbers.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::keys", extend("default" = [])))]
    pub card_keys: Vec<String>,
    /// Patterns of your own.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::patterns", extend("default" = [])))]
    pub patterns: Vec<Pattern>,
    #[cfg_attr(feature = "cli", schemars(skip))]
    compiled: Option<Patterns>,
}

/// Whether the published numbers for tests count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TestCards {
    Detect,
    Ignore,
}

/// Pattern for values other than card numbers.
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = schema::object))]
pub(super) struct Pattern {
    /// Name in records, and in counters instead of a brand.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::name"))]
    pub name: String,
    /// Regular expression over ASCII. It matches at most 256 bytes, and not the empty text.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::expression"))]
    regex: String,
    /// Number of letters and digits at the end of a match that stay readable.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::whole::<0, 64>", extend("default" = 0)))]
    keep_last: u8,
}

/// The most names of fields in a list.
pub(super) const MOST_KEYS: usize = 1000;

impl Detect {
    pub(super) fn read(document: &Document) -> Result<Self, PolicyError> {
        let [sensitivity, brands, authentication_data, test_cards, base64, ignore_keys, card_keys, patterns] = document
            .fields([
                "sensitivity",
                "brands",
                "authentication_data",
                "test_cards",
                "base64",
                "ignore_keys",
                "card_keys",
                "patterns",
            ])?;
        let (patterns, compiled) = patterns.or((Vec::new(), None), read_patterns)?;
        Ok(Self {
            sensitivity: sensitivity.or(Sensitivity::Balanced, Document::word)?,
            brands: brands.or(Vec::new(), |list| list.items("a list of brands", Document::word))?,
            authentication_data: authentication_data.or(true, Document::boolean)?,
            test_cards: test_cards.or(TestCards::Detect, Document::word)?,
            base64: base64.or(false, Document::boolean)?,
            ignore_keys: ignore_keys.or(Vec::new(), read_keys)?,
            card_keys: card_keys.or(Vec::new(), read_keys)?,
            patterns,
            compiled,
        })
    }

    /// The same as the detector understands it.
    pub(super) fn criteria(&self) -> Criteria {
        let compiled = self.compiled.clone();
        let named = self.patterns.iter().map(|pattern| (pattern.name.as_str().into(), pattern.keep_last)).collect();
        Criteria {
            sensitivity: self.sensitivity,
            luhn_only: false,
            brands: self.brands.clone(),
            test_cards: self.test_cards == TestCards::Detect,
            names: Names::new(&self.card_keys, &self.ignore_keys),
            authentication_data: self.authentication_data.then(CodeNames::default),
            base64: self.base64,
            patterns: compiled.map(|compiled| OwnPatterns { compiled, named }),
            traces: Traces::None,
        }
    }
}

fn read_keys(document: &Document) -> Result<Vec<String>, PolicyError> {
    let keys = document.items("a list of names of fields", value::key)?;
    if keys.len() > MOST_KEYS {
        return Err(PolicyError::wrong_value(&format!("at most {MOST_KEYS} names")));
    }
    Ok(keys)
}

fn read_patterns(document: &Document) -> Result<(Vec<Pattern>, Option<Patterns>), PolicyError> {
    let patterns = document.items("a list of patterns", Pattern::read)?;
    if patterns.len() > MOST_PATTERNS {
        return Err(PolicyError::wrong_value(&format!("at most {MOST_PATTERNS} patterns")));
    }
    if patterns.is_empty() {
        return Ok((patterns, None));
    }
    let expressions: Vec<&str> = patterns.iter().map(|pattern| pattern.regex.as_str()).collect();
    match Patterns::compile(&expressions) {
        Ok(compiled) => Ok((patterns, Some(compiled))),
        Err((index, refused)) => Err(PolicyError::wrong_value(&expected(refused)).in_field("regex").in_item(index)),
    }
}

/// What would not have been refused.
fn expected(error: PatternError) -> String {
    match error {
        PatternError::Syntax => "a regular expression over ASCII, without look-around and back-references".to_owned(),
        PatternError::Empty => "a regular expression that does not match the empty text".to_owned(),
        PatternError::Unbounded => format!(
            "a regular expression that matches at most {LONGEST_MATCH} bytes: a stream cannot wait for longer ones; write {{1,32}} in place of + or *"
        ),
        PatternError::TooLarge => {
            "a simpler regular expression: the automaton for the patterns up to this one is larger than 512 KiB"
                .to_owned()
        }
    }
}

impl Pattern {
    fn read(document: &Document) -> Result<Self, PolicyError> {
        let [name, regex, keep_last] = document.fields(["name", "regex", "keep_last"])?;
        Ok(Self {
            name: name.required(value::name)?,
            regex: regex.required(value::expression)?,
            // Lossless, by the bounds.
            keep_last: keep_last.or(0, |value| value.whole_number(0, 64))? as u8,
        })
    }
}
