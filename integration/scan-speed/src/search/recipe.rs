//! Recipe of an input: a few fragments, repeated.

use panveil::stream::TextFormat;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::below;
use super::fragment::Fragment;

const TEXT_FORMATS: [TextFormat; 5] =
    [TextFormat::Text, TextFormat::Json, TextFormat::Csv, TextFormat::Form, TextFormat::Events];
const MOST_FRAGMENTS: usize = 24;
const FIRST_FRAGMENTS: usize = 8;

/// Input by its repeated fragments.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Notation passed to the detector.
    pub text_format: TextFormat,
    fragments: Vec<Fragment>,
}

impl Recipe {
    /// Recipe of at least one fragment.
    pub(super) fn new(rng: &mut ChaCha8Rng) -> Self {
        let text_format = TEXT_FORMATS[below(TEXT_FORMATS.len(), rng)];
        let fragments = (0..=below(FIRST_FRAGMENTS, rng)).map(|_| Fragment::new(rng)).collect();
        Self { text_format, fragments }
    }

    /// Repeated bytes. Not empty.
    #[must_use]
    pub fn unit(&self) -> Vec<u8> {
        self.fragments.iter().flat_map(|fragment| fragment.bytes.iter().copied()).collect()
    }

    /// Kinds of its fragments, without duplicates.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<&'static str> = self.fragments.iter().map(|fragment| fragment.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// Mutation of the recipe, or a cross with `other`.
    pub(super) fn changed(&self, other: &Self, rng: &mut ChaCha8Rng) -> Self {
        let mut recipe = self.clone();
        for _ in 0..=below(3, rng) {
            recipe.change(other, rng);
        }
        recipe.fragments.truncate(MOST_FRAGMENTS);
        recipe
    }

    fn change(&mut self, other: &Self, rng: &mut ChaCha8Rng) {
        let count = self.fragments.len();
        let (at, behind) = (below(count, rng), below(count + 1, rng));
        match rng.random_range(0..20_u32) {
            0..=3 => self.fragments.insert(behind, Fragment::new(rng)),
            4..=6 => self.fragments[at] = Fragment::new(rng),
            7..=9 => {
                if count > 1 {
                    self.fragments.remove(at);
                }
            }
            10..=11 => {
                let copy = self.fragments[at].clone();
                self.fragments.insert(behind, copy);
            }
            12 => {
                let partner = below(count, rng);
                self.fragments.swap(at, partner);
            }
            13..=16 => self.fragments[at].change(rng),
            17..=18 => {
                let from = below(other.fragments.len(), rng);
                self.fragments.truncate(behind);
                self.fragments.extend_from_slice(&other.fragments[from..]);
            }
            _ => self.text_format = TEXT_FORMATS[below(TEXT_FORMATS.len(), rng)],
        }
    }

    /// Recipe without this fragment. `None` when it has no such fragment, or no other.
    pub(super) fn without(&self, fragment: usize) -> Option<Self> {
        let mut recipe = self.clone();
        if fragment >= recipe.fragments.len() || recipe.fragments.len() == 1 {
            return None;
        }
        recipe.fragments.remove(fragment);
        Some(recipe)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_recipe_stays_one_however_it_is_changed() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut recipe = Recipe::new(&mut rng);
        for _ in 0..5000 {
            let other = Recipe::new(&mut rng);
            recipe = recipe.changed(&other, &mut rng);
            assert!((1..=MOST_FRAGMENTS).contains(&recipe.fragments.len()));
            assert!(!recipe.unit().is_empty() && !recipe.kinds().is_empty());
        }
        let count = recipe.fragments.len();
        assert!(recipe.without(count).is_none());
        assert!(count == 1 || recipe.without(0).unwrap().fragments.len() == count - 1);
    }
}
