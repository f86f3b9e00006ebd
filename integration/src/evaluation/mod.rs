//! How much does the detector find, and how often is it wrong?
//!
//! A [`corpus`] is data: classes of templates in `integration/corpus/`, one folder a tier. [`fill`] turns a template and a seed
//! into a record that knows where its card numbers are; [`detector`] says where panveil finds some; [`tally`] counts both,
//! [`run`] does so for every class and [`report`] tells it.
//!
//! ```text
//! corpus/*/*.toml ─ corpus ─ fill ──→ record ──→ detector ─┐
//!                             seed      └─── true spans ───┴─ tally ─ run ─ report ──→ terminal, JSON, docs/
//! ```

pub mod corpus;
pub mod detector;
pub mod fill;
pub mod report;
pub mod run;
pub mod tally;
