//! Integration tests of panveil: traffic in memory, and real traffic in a real Envoy.
//!
//! A [`case`] is one stream (a request and its response) and its expected result, as data. A *test tier* runs cases: it
//! turns a case into an [`observation`], and [`check`](observation::check) compares the two. Each of the three tiers is a
//! test target:
//!
//! | test tier | filter | proxy, client and upstream |
//! |---|---|---|
//! | `fake_host` | `panveil::exchange` on `panveil::host::FakeHost` | [`proxy`], in memory |
//! | `abi` | complete panveil, through its proxy-wasm entry points | [`proxy`], in memory |
//! | `envoy` | built module | [`envoy`], [`client`] and [`upstream`], real |
//!
//! ```text
//!                      ┌───────────────── sidecar ─────────────────┐
//!  cases/*.toml ─ case ┤ client ──→ envoy (panveil.wasm) ──→ upstream ├─ observation ─ check
//!                      └───────── access log, counters, pages ─────┘         └─ silence
//! ```
//!
//! A test tier without Envoy needs only `case`, `observation` and `proxy`.
//!
//! [`evaluation`] measures recall and false positives of the detector, `bench` the cost of panveil, and [`scan_speed`] the
//! speed of the detector. [`soak`] sends mixed traffic for a long time during policy changes. `leaks` searches all output
//! for card numbers. `mesh` demonstrates panveil between the services of a mesh.

pub mod access_log;
pub mod bar_chart;
#[cfg(feature = "envoy")]
pub mod bench;
pub mod case;
#[cfg(feature = "envoy")]
pub mod certificates;
pub mod client;
#[cfg(feature = "envoy")]
pub mod collector;
pub mod envoy;
pub mod evaluation;
mod fields;
pub mod figures;
pub mod istio;
#[cfg(feature = "envoy")]
pub mod leaks;
pub mod listening;
#[cfg(feature = "envoy")]
pub mod log_collector;
pub mod measurement;
#[cfg(feature = "envoy")]
pub mod mesh;
pub mod observation;
pub mod page;
#[cfg(feature = "envoy")]
pub mod peers;
pub mod policies;
mod process;
pub mod prometheus;
pub mod proxy;
pub mod sample;
pub mod scan_speed;
pub mod sidecar;
pub mod silence;
pub mod size;
pub mod soak;
pub mod terminal;
pub mod termination;
pub mod test_cards;
pub mod upstream;
