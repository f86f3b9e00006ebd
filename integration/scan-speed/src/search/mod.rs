//! Which inputs are slow to read? Many are made of fragments, those that take the most time per byte are changed and crossed,
//! and what is slower stays.
//!
//! All that is drawn comes from the seed, so that with the same measurements the same is found. Real measurements never are
//! the same: a survivor is measured again before it stays, and only a little of what was found on a bad moment survives.

mod fragment;
mod recipe;

pub use recipe::Recipe;

use panveil::stream::Document;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// How many recipes live at once.
const POPULATION: usize = 16;
/// How many of them the next ones come from.
const PARENTS: usize = 4;
/// After so many generations without a slower one the search begins anew, elsewhere.
const PATIENCE: u32 = 25;
/// A recipe that is slower by less than this may be luck.
const PROGRESS: f64 = 1.02;
/// What a shorter recipe must keep of the time.
const KEPT: f64 = 0.97;

/// How long reading takes, per byte; and how sure that is to be.
pub trait Measure {
    /// Of what came out once or twice. Nothing, when something is found in it and `terms` say that nothing may be.
    fn glance(&mut self, recipe: &Recipe, terms: Terms) -> f64;
    /// Of what came out many times.
    fn look(&mut self, recipe: &Recipe, terms: Terms) -> f64;
    /// Whether there is time for more.
    fn goes_on(&mut self) -> bool;
}

/// Which inputs are searched for. A finding takes time of its own, so those with nothing in them are searched for too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// Any.
    Anything,
    /// Those in which nothing is found.
    NothingFound,
}

/// A recipe and how long it takes, in the unit of what measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What is read.
    pub recipe: Recipe,
    /// How slow it is.
    pub slowness: f64,
    /// What it was searched for by.
    pub terms: Terms,
}

impl Found {
    /// What of it is worth telling once.
    fn kind(&self) -> (Terms, Document, Vec<&'static str>) {
        (self.terms, self.recipe.document, self.recipe.kinds())
    }
}

/// Searches until there is no more time, under both terms in turn. Gives the slowest of each beginning, the slowest first, and
/// of those that are made of the same kinds of fragments one.
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

/// From new recipes uphill until nothing gets slower.
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
                // Now and then something of an earlier climb.
                count if count > 0 && rng.random_range(0..16_u32) == 0 => &known[below(count, rng)].recipe,
                _ => &living[below(PARENTS, rng)].recipe,
            };
            let child = parent.changed(other, rng);
            living.push(glanced(child, terms, measure));
        }
        living.sort_by(slower);
        let first = looked(living[0].recipe.clone(), terms, measure);
        // Luck does not stay.
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

/// The same without what does not matter.
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

/// Drawn as `u32`: the same everywhere.
fn below(end: usize, rng: &mut ChaCha8Rng) -> usize {
    rng.random_range(0..u32::try_from(end).unwrap_or(u32::MAX).max(1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a text for the slower the more of it are brackets. Has time for so many glances.
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
