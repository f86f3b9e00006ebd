//! Evaluation of the detector: recall and false positives.
//!
//! A [`corpus`] is data: classes of templates in `integration/corpus/`, with a folder for each tier. [`fill`] turns a template
//! and a seed into a record with known positions of card numbers. [`detector`] returns the findings of panveil, [`tally`]
//! compares both, [`run`] measures every class, and [`report`] prints the results.
//!
//! ```text
//! corpus/*/*.toml ─ corpus ─ fill ──→ record ──→ detector ─┐
//!                             seed      └─── true spans ───┴─ tally ─ run ─ report ──→ terminal, JSON, docs/
//! ```

pub mod builtin;
pub mod corpus;
pub mod detector;
pub mod fill;
#[cfg(feature = "mutations")]
pub mod gate;
pub mod report;
pub mod run;
pub mod tally;
