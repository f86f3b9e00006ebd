//! panveil: masks or blocks payment card numbers in HTTP streams, inside Envoy.
//!
//! The modules are the stages of the flow, in order; each uses only the ones before it.
//!
//! ```text
//!            plugin ── exchange ── stream ──┬── scan ──── verdict ──── policy ──── mask ──→ bytes out
//! Envoy ⇄    (callbacks)  (one      (one    │  Candidate    Verdict     Action
//!            host/        message   body)   └────────────────────────── audit ──→ log metadata, counters, record
//!            (host calls)  pair)
//! ```
//!
//! | module | the question it answers | what it must not know |
//! |---|---|---|
//! | [`scan`] | where could a number be? | cards, HTTP |
//! | [`verdict`] | is it a card? | what is done about it |
//! | [`mask`] | what does it look like afterwards? | policy |
//! | [`policy`] | what does the operator want here? | bytes |
//! | [`stream`] | how does a body pass through? | hosts |
//! | [`audit`] | what may be said of it? | digits |
//! | [`host`] | what is needed of the proxy? | policy decisions |
//! | [`exchange`] | what happens to one request and its response? | Envoy |
//! | `plugin` | which callback does what? | logic |

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

pub mod scan;
pub mod verdict;

pub mod mask;
pub mod policy;

pub mod stream;

pub mod audit;

pub mod host;

pub mod exchange;

mod plugin;
