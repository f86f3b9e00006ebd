//! Evolutionary search for slow inputs: combines fragments at random, mutates and crosses the slowest inputs, and keeps
//! the slower ones.
//!
//! The seed determines all random values, so equal measurements give equal results. Real measurements vary: a survivor
//! is measured again before it stays, so that few results of a bad moment survive.

mod fragment;
mod recipe;

pub use recipe::Recipe;

use panveil::stream::TextFormat;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Number of recipes in a generation.
const POPULATION: usize = 16;
/// Number of recipes that the next generation derives from.
const PARENTS: usize = 4;
/// Generations without a slower recipe after which the search restarts.
const PATIENCE: u32 = 25;
/// Minimum factor of slowness that counts as progress. Less may be noise.
const PROGRESS: f64 = 1.02;
/// Share of the slowness that a shorter recipe must keep.
const KEPT: f64 = 0.97;

/// Measurement of the time per byte, with two levels of precision.
pub trait Measure {
    /// Measures once or a few times. Returns zero when `terms` forbid findings and there are some.
    fn glance(&mut self, recipe: &Recipe, terms: Terms) -> f64;
    /// Measures many times.
    fn look(&mut self, recipe: &Recipe, terms: Terms) -> f64;
    /// Whether there is time for more.
    fn goes_on(&mut self) -> bool;
}

/// Condition for inputs. A finding takes time of its own, so the search also covers inputs without findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// Any input.
    Anything,
    /// Inputs without findings.
    NothingFound,
}

/// Recipe with its slowness, in the unit of the measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Recipe of the input.
    pub recipe: Recipe,
    /// Slowness.
    pub slowness: f64,
    /// Condition of the search.
    pub terms: Terms,
}

impl Found {
    /// Properties that distinguish results in the report.
    fn kind(&self) -> (Terms, TextFormat, Vec<&'static str>) {
        (self.terms, self.recipe.text_format, self.recipe.kinds())
    }
}

/// Searches until the time is over, with both conditions in turn. Returns the slowest result of each start, the slowest
/// first, and only one of those with the same kinds of fragments.
pub fn search(seed: u64, measure: &mut impl Measure) -> Vec<Found> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut all: Vec<Found> = Vec::new();
    for terms in [Terms::Anything, Terms::NothingFound].into_iter().cycle() {
        if !measure.goes_on() {
            break;
        }
        let found = climb(terms, &mut rng, measure, &all);
        let found = shortened(found, measure);
        all.push(found);
        all.sort_by(slower);
        let mut kinds = Vec::new();
        all.retain(|found| {
            let kind = found.kind();
            let fresh = !kinds.contains(&kind);
            kinds.push(kind);
            fresh
        });
    }
    all
}

/// Improves random recipes until the slowness no longer grows.
fn climb(terms: Terms, rng: &mut ChaCha8Rng, measure: &mut impl Measure, known: &[Found]) -> Found {
    let mut living: Vec<Found> = (0..POPULATION).map(|_| glanced(Recipe::new(rng), terms, measure)).collect();
    living.sort_by(slower);
    let mut best = looked(living[0].recipe.clone(), terms, measure);
    let mut idle = 0;
    while idle < PATIENCE && measure.goes_on() {
        living.sort_by(slower);
        living.truncate(PARENTS);
        while living.len() < POPULATION {
            let parent = &living[below(PARENTS, rng)].recipe;
            let other = match known.len() {
                // Occasionally a recipe of an earlier climb.
                count if count > 0 && rng.random_range(0..16_u32) == 0 => &known[below(count, rng)].recipe,
                _ => &living[below(PARENTS, rng)].recipe,
            };
            let child = parent.changed(other, rng);
            living.push(glanced(child, terms, measure));
        }
        living.sort_by(slower);
        let first = looked(living[0].recipe.clone(), terms, measure);
        // The second measurement replaces a lucky first one.
        living[0].slowness = first.slowness;
        if first.slowness > best.slowness * PROGRESS {
            best = first;
            idle = 0;
        } else {
            idle += 1;
        }
    }
    best
}

/// Removes the fragments and bytes that do not affect the slowness.
fn shortened(found: Found, measure: &mut impl Measure) -> Found {
    let mut shortest = found.clone();
    let mut part = 0;
    while let Some(recipe) = shortest.recipe.without(part) {
        let candidate = looked(recipe, found.terms, measure);
        if candidate.slowness >= found.slowness * KEPT {
            shortest = candidate;
        } else {
            part += 1;
        }
    }
    shortest
}

fn glanced(recipe: Recipe, terms: Terms, measure: &mut impl Measure) -> Found {
    let slowness = measure.glance(&recipe, terms);
    Found { recipe, slowness, terms }
}

fn looked(recipe: Recipe, terms: Terms, measure: &mut impl Measure) -> Found {
    let slowness = measure.look(&recipe, terms);
    Found { recipe, slowness, terms }
}

fn slower(one: &Found, other: &Found) -> std::cmp::Ordering {
    other.slowness.total_cmp(&one.slowness)
}

/// Drawn as `u32`, so that the value is the same on every platform.
fn below(end: usize, rng: &mut ChaCha8Rng) -> usize {
    rng.random_range(0..u32::try_from(end).unwrap_or(u32::MAX).max(1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test measurement: the share of brackets in the text. Allows this number of measurements.
    struct Brackets(usize);

    impl Measure for Brackets {
        fn glance(&mut self, recipe: &Recipe, terms: Terms) -> f64 {
            self.0 = self.0.saturating_sub(1);
            self.look(recipe, terms)
        }

        fn look(&mut self, recipe: &Recipe, terms: Terms) -> f64 {
            let unit = recipe.unit();
            if terms == Terms::NothingFound && unit.contains(&b']') {
                return 0.0;
            }
            unit.iter().filter(|byte| b"[]{}".contains(byte)).count() as f64 / unit.len() as f64
        }

        fn goes_on(&mut self) -> bool {
            self.0 > 0
        }
    }

    #[test]
    fn a_seed_finds_the_same_again() {
        let found = |seed| search(seed, &mut Brackets(4000));
        assert_eq!(found(1), found(1));
        assert_ne!(found(1), found(2));
    }

    #[test]
    fn what_matters_is_found_and_the_rest_left_out() {
        let found = search(7, &mut Brackets(8000));
        assert_eq!(found[0].slowness, 1.0, "{:?}", found[0]);
        let clean = found.iter().find(|one| one.terms == Terms::NothingFound && one.slowness == 1.0).unwrap();
        assert!(!clean.recipe.unit().contains(&b']'));
        assert!(found.is_sorted_by(|one, other| one.slowness >= other.slowness));
        for (index, one) in found.iter().enumerate() {
            assert!(!found[..index].iter().any(|other| other.kind() == one.kind()), "{one:?}");
        }
    }
}
