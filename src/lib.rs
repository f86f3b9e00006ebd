//! panveil: masks or blocks payment card numbers in HTTP streams, inside Envoy.
//!
//! The modules are stages, in the order of the table. Each uses only the ones above it.
//!
//! | stage | module | responsibility | must not know |
//! |---|---|---|---|
//! | 1 | [`scan`] | candidates: digit runs in text and its escapes | cards, HTTP |
//! | 2 | [`verdict`] | classification of a candidate: card number or not | actions |
//! | 3 | [`mask`] | masking in place, with the same length | policy |
//! | 4 | [`policy`] | parsing of the policy, decisions and outcomes for each location | bytes of messages |
//! | 5 | [`stream`] | inspection of a body in chunks, decoding, held-back bytes | hosts |
//! | 6 | [`audit`] | logs, metrics and records without card digits | message content |
//! | 7 | [`host`] | calls to the proxy | policy decisions |
//! | 8 | [`exchange`] | one HTTP stream: its headers, bodies, trailers, local replies and log fields | Envoy |
//! | 9 | `plugin` | entry points of the proxy-wasm ABI | logic |
//!
//! A chunk of a body flows through them like this:
//!
//! ```text
//! Envoy → plugin → exchange → stream → scan → verdict → mask → stream → exchange → host → Envoy
//!                     ↑                 Candidate  Verdict                  ↓
//!                  policy (decisions)                                     audit → log fields, counters, record
//! ```
//!
//! `docs/glossary.md` defines the terms.

#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::string_slice,
        reason = "a test that panics has failed, which is its purpose"
    )
)]

#[cfg(all(feature = "fuzzing", target_family = "wasm"))]
compile_error!("the feature `fuzzing` is for tests and never a part of the wasm");

#[cfg(all(feature = "mutations", target_family = "wasm"))]
compile_error!("the feature `mutations` is for the evaluation and never a part of the wasm");

#[macro_use]
mod named;

pub mod scan;
pub mod verdict;

pub mod mask;
pub mod policy;

pub mod stream;

pub mod audit;

pub mod host;

pub mod exchange;

mod plugin;
