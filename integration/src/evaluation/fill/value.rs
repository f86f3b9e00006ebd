//! Values for placeholders that are not card numbers.

use anyhow::{Context, Result, bail, ensure};
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::{identifier, instant, prose};

/// Value for `{name:arguments}`.
pub(super) fn draw(name: &str, arguments: &str, rng: &mut ChaCha8Rng) -> Result<String> {
    let value = match name {
        "pick" => arguments.split('|').collect::<Vec<_>>().choose(rng).copied().unwrap_or_default().to_owned(),
        "int" => integer(arguments, rng)?.to_string(),
        "digits" => digits(count(arguments)?, rng),
        "hex" => from(b"0123456789abcdef", count(arguments)?, rng),
        "alnum" => from(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", count(arguments)?, rng),
        "blob" => identifier::blob(count(arguments)?, rng),
        _ => {
            let value = identifier::draw(name, arguments, rng)?;
            let value = value.or_else(|| instant::draw(name, rng)).or_else(|| prose::draw(name, rng));
            let Some(value) = value else { bail!("no such placeholder") };
            value
        }
    };
    Ok(value)
}

/// Checks that a placeholder exists and accepts these arguments.
///
/// # Errors
///
/// When it does not.
pub fn check(name: &str, arguments: &str) -> Result<()> {
    draw(name, arguments, &mut ChaCha8Rng::seed_from_u64(0)).map(|_| ())
}

/// Random digits, the first of which is not zero.
pub(super) fn digits(count: usize, rng: &mut ChaCha8Rng) -> String {
    let first = from(b"123456789", count.min(1), rng);
    first + &from(b"0123456789", count.saturating_sub(1), rng)
}

/// Random characters of an alphabet.
pub(super) fn from(alphabet: &[u8], count: usize, rng: &mut ChaCha8Rng) -> String {
    (0..count).map(|_| char::from(alphabet[rng.random_range(0..alphabet.len() as u32) as usize])).collect()
}

/// Parses a count: `16`.
pub(super) fn count(arguments: &str) -> Result<usize> {
    let count = arguments.parse().with_context(|| format!("{arguments:?} is no count"))?;
    ensure!(count <= 4096, "more than 4096");
    Ok(count)
}

/// Integer within a range: `1-500`.
fn integer(arguments: &str, rng: &mut ChaCha8Rng) -> Result<u64> {
    let (first, last) = arguments.split_once('-').context("not like 1-500")?;
    let range = first.parse()?..=last.parse()?;
    ensure!(!range.is_empty(), "not like 1-500");
    Ok(rng.random_range(range))
}
