//! Which inputs are the slowest that were found? From `make hostile`, each made as short as it got.

use panveil::stream::Document;

/// An input by what it repeats.
#[derive(Clone, Copy, Debug)]
pub struct Hostile {
    /// What it is made of.
    pub name: &'static str,
    /// The notation that the detector is told.
    pub document: Document,
    /// What stands there again and again.
    pub unit: &'static [u8],
}

/// The slowest first, when they were found.
pub const HOSTILE: &[Hostile] = &[];
