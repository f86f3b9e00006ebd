//! Issuers of card numbers: ranges, lengths and relative frequency.

use anyhow::{Context, Result, ensure};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use serde::Deserialize;

/// Issuers in `issuers.toml`.
#[derive(Debug)]
pub struct Issuers {
    rows: Vec<Issuer>,
}

/// Ranges of one brand.
#[derive(Debug)]
pub struct Issuer {
    /// Brand, as panveil names it.
    pub brand: String,
    /// Whether its numbers are detected only with a field name or a layout.
    pub is_extended: bool,
    /// Relative number of its cards among the rows of its tier.
    pub weight: u32,
    /// Prefix ranges of its numbers.
    pub ranges: Vec<Range>,
    /// Valid lengths.
    pub lengths: Vec<usize>,
}

/// Inclusive range of prefixes with the same number of digits.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    first: u64,
    last: u64,
    digits: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerWire {
    brand: String,
    #[serde(default)]
    extended: bool,
    weight: u32,
    ranges: Vec<String>,
    lengths: Vec<usize>,
}

/// Issuers that a card number may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only this brand.
    pub brand: Option<String>,
    /// Only rows marked as extended. Otherwise only the others.
    pub extended: bool,
}

impl Issuers {
    pub(super) fn new(wires: Vec<IssuerWire>) -> Result<Self> {
        let rows = wires.into_iter().map(|wire| {
            let ranges = wire.ranges.iter().map(|text| Range::parse(text).with_context(|| wire.brand.clone()));
            ensure!(!wire.lengths.is_empty() && !wire.ranges.is_empty(), "{}: no ranges or lengths", wire.brand);
            let ranges = ranges.collect::<Result<_>>()?;
            let IssuerWire { brand, extended: is_extended, weight, lengths, .. } = wire;
            Ok(Issuer { brand, is_extended, weight, ranges, lengths })
        });
        Ok(Self { rows: rows.collect::<Result<_>>()? })
    }

    /// Every row.
    pub fn rows(&self) -> &[Issuer] {
        &self.rows
    }

    /// Draws one of the wanted rows, by weight. For a brand, draws from its rows in the wanted tier.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn draw(&self, wanted: &Wanted, rng: &mut ChaCha8Rng) -> Result<&Issuer> {
        let fits = |row: &&Issuer| {
            row.is_extended == wanted.extended && wanted.brand.as_ref().is_none_or(|brand| *brand == row.brand)
        };
        let rows: Vec<&Issuer> = self.rows.iter().filter(fits).collect();
        rows.choose_weighted(rng, |row| row.weight).copied().with_context(|| format!("no issuer: {wanted:?}"))
    }
}

impl Issuer {
    /// Random number of this issuer that passes Luhn.
    pub fn number(&self, rng: &mut ChaCha8Rng) -> String {
        let range = self.ranges.choose(rng).expect("ranges are checked when they are read");
        let length = *self.lengths.choose(rng).expect("lengths are checked when they are read");
        let leading = rng.random_range(range.first..=range.last);
        let mut number = format!("{leading:0width$}", width = range.digits);
        while number.len() + 1 < length {
            number.push(char::from(b'0' + rng.random_range(0..10)));
        }
        number.push(luhn::checksum(number.as_bytes()).into());
        number
    }
}

impl Range {
    /// Parses `4`, `51-55` or `222100-272099`.
    fn parse(text: &str) -> Result<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.parse::<u64>().with_context(|| format!("ranges: {text:?} is no number"));
        let range = Self { first: number(first)?, last: number(last)?, digits: first.len() };
        let fits = range.first <= range.last && first.len() == last.len() && first.len() <= 8;
        ensure!(fits, "ranges: {text:?} is not two numbers of as many digits, the smaller first");
        Ok(range)
    }
}
