//! Detection settings of a policy.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{ValueSpec, fields};
use super::kind::{Boolean, Item, Kind, ListOf, Maybe, Named, OneOf, UNBOUNDED, Whole};
use super::value::{Expression, Key, Name, NearWord};
use crate::scan::pattern::{LONGEST_MATCH, MOST_PATTERNS, PatternError};
use crate::verdict::authentication::CodeNames;
use crate::verdict::builtin_patterns::BuiltInPattern;
use crate::verdict::check_digits::Check;
use crate::verdict::name::Names;
use crate::verdict::pattern_set::{self, PatternSet};
use crate::verdict::{Brand, Criteria, Sensitivity, Traces};

fields! {
    /// Detection settings.
    pub(super) struct Detect: check {
        /// Amount of evidence that makes a number a card number.
        pub sensitivity: Sensitivity as OneOf = Sensitivity::Balanced;
        /// Brands that you issue or accept: their rare ranges and lengths count like common ones.
        pub brands: Vec<Brand> as ListOf<OneOf, 0, UNBOUNDED> = Vec::new();
        /// Also detects verification codes, PINs and full track data, and masks them completely.
        pub authentication_data: bool as Boolean = true;
        /// `ignore` lets published test numbers pass.
        pub test_cards: TestCards as OneOf = TestCards::Detect;
        /// Also inspects base64 and JWTs.
        pub base64: bool as Boolean = false;
        /// Names of fields that hold no card numbers.
        pub ignore_keys: Vec<String> as ListOf<Key, 0, MOST_KEYS> = Vec::new();
        /// Names of fields that hold card numbers.
        pub card_keys: Vec<String> as ListOf<Key, 0, MOST_KEYS> = Vec::new();
        /// Patterns to detect besides card numbers.
        pub patterns: CompiledPatterns as ListOf<Item, 0, MOST_PATTERNS> = CompiledPatterns::default();
        /// Patterns of panveil to detect too.
        pub builtin_patterns: BuiltInPatterns as ListOf<OneOf, 0, UNBOUNDED> = BuiltInPatterns::default();
    }
}

named! {
    /// Handling of the test numbers that payment providers publish.
    pub(super) enum TestCards {
        /// Test numbers count as card numbers.
        Detect = "detect",
        /// Test numbers pass.
        Ignore = "ignore",
    }
}

fields! {
    /// Pattern to detect besides card numbers.
    pub(super) struct Pattern {
        /// Name in records, and in counters in place of a brand.
        pub name: String as Name, required;
        /// Regular expression over ASCII that matches at most 256 bytes, and not the empty string.
        regex: String as Expression, required;
        /// Check digits that a match must have.
        check: Option<Check> as Maybe<OneOf>, optional;
        /// Words of which one must be at most 100 bytes before a match or 60 bytes behind it.
        near: Vec<String> as ListOf<NearWord, 0, MOST_WORDS> = Vec::new();
        /// Words of which none may be there.
        not_near: Vec<String> as ListOf<NearWord, 0, MOST_WORDS> = Vec::new();
        /// Number of letters and digits at the end of a match that stay readable.
        keep_last: u8 as Whole<0, 64> = 0;
    }
}

/// Patterns with their automaton.
#[derive(Default)]
pub(super) struct CompiledPatterns {
    declared: Vec<Pattern>,
    compiled: Option<PatternSet>,
}

/// Names of patterns of panveil, with their automata.
#[derive(Default)]
pub(super) struct BuiltInPatterns {
    named: Vec<BuiltInPattern>,
    compiled: Vec<PatternSet>,
}

/// Most names of fields in a list.
const MOST_KEYS: usize = 1000;

/// Most words near a match in a list.
const MOST_WORDS: usize = 20;

impl Detect {
    /// Names of the patterns.
    pub(super) fn pattern_names(&self) -> Vec<&str> {
        let own = self.patterns.declared.iter().map(|pattern| pattern.name.as_str());
        own.chain(self.builtin_patterns.named.iter().map(|pattern| pattern.as_str())).collect()
    }

    /// Rejects a pattern with the name of a built-in pattern of the policy, because records and counters could not distinguish them.
    fn check(&self) -> Result<(), PolicyError> {
        let is_taken =
            |pattern: &Pattern| self.builtin_patterns.named.iter().any(|other| other.as_str() == pattern.name);
        match self.patterns.declared.iter().position(is_taken) {
            Some(index) => Err(PolicyError::wrong_value("a name that detect.builtin_patterns does not contain")
                .in_field("name")
                .in_item(index)
                .in_field("patterns")),
            None => Ok(()),
        }
    }

    /// Criteria for the detector.
    pub(super) fn criteria(&self) -> Criteria {
        let sets = self.patterns.compiled.iter().chain(&self.builtin_patterns.compiled);
        Criteria {
            sensitivity: self.sensitivity,
            luhn_only: false,
            brands: self.brands.clone(),
            test_cards: self.test_cards == TestCards::Detect,
            names: Names::new(&self.card_keys, &self.ignore_keys),
            authentication_data: self.authentication_data.then(CodeNames::default),
            base64: self.base64,
            patterns: sets.cloned().collect(),
            traces: Traces::None,
        }
    }
}

impl Kind<CompiledPatterns> for ListOf<Item, 0, MOST_PATTERNS> {
    const SPEC: ValueSpec = <Self as Kind<Vec<Pattern>>>::SPEC;

    fn read(value: &ConfigValue) -> Result<CompiledPatterns, PolicyError> {
        let declared: Vec<Pattern> = Self::read(value)?;
        if declared.is_empty() {
            return Ok(CompiledPatterns::default());
        }
        let patterns: Vec<pattern_set::Pattern> = declared.iter().map(Pattern::to_compile).collect();
        match PatternSet::compile(&patterns) {
            Ok(compiled) => Ok(CompiledPatterns { declared, compiled: Some(compiled) }),
            Err((index, error)) => Err(PolicyError::wrong_value(&expected(error)).in_field("regex").in_item(index)),
        }
    }

    fn text(value: &CompiledPatterns) -> String {
        <Self as Kind<Vec<Pattern>>>::text(&value.declared)
    }
}

impl Kind<BuiltInPatterns> for ListOf<OneOf, 0, UNBOUNDED> {
    const SPEC: ValueSpec = <Self as Kind<Vec<BuiltInPattern>>>::SPEC;

    fn read(value: &ConfigValue) -> Result<BuiltInPatterns, PolicyError> {
        let named: Vec<BuiltInPattern> = Self::read(value)?;
        let all = BuiltInPattern::ALL.into_iter().filter(|pattern| named.contains(pattern));
        // One automaton for all of them is four times as large.
        let compiled = all.map(|pattern| PatternSet::compile(&pattern.patterns())).collect::<Result<_, _>>();
        match compiled {
            Ok(compiled) => Ok(BuiltInPatterns { named, compiled }),
            Err(_) => Err(PolicyError::wrong_value("another built-in pattern")),
        }
    }

    fn text(value: &BuiltInPatterns) -> String {
        <Self as Kind<Vec<BuiltInPattern>>>::text(&value.named)
    }
}

impl Pattern {
    fn to_compile(&self) -> pattern_set::Pattern {
        pattern_set::Pattern {
            name: self.name.clone(),
            regex: self.regex.clone(),
            check: self.check,
            near: self.near.clone(),
            not_near: self.not_near.clone(),
            keep_last: self.keep_last,
            rest: None,
        }
    }
}

impl Named for Pattern {
    const PLURAL: &'static str = "patterns";

    fn summary(&self) -> String {
        self.name.clone()
    }
}

/// Description of an accepted expression, for the error.
fn expected(error: PatternError) -> String {
    match error {
        PatternError::Syntax => "a regular expression over ASCII, without look-around and back-references".to_owned(),
        PatternError::Empty => "a regular expression that does not match the empty string".to_owned(),
        PatternError::Unbounded => format!(
            "a regular expression that matches at most {LONGEST_MATCH} bytes, because a stream holds back no more; write {{1,32}} instead of + or *"
        ),
        PatternError::TooLarge => {
            "a simpler regular expression: the automaton for the patterns up to this one is larger than 512 KiB"
                .to_owned()
        }
    }
}
