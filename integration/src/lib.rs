//! Does panveil do what its policy says? To traffic in memory, and to real traffic in a real Envoy.
//!
//! A [`case`] is one exchange and what must come of it, written down as data. A *ring* is a place where cases can be run:
//! it turns a case into an [`observation`], and [`check`](observation::check) compares the two. There are three, each a
//! test target of its own:
//!
//! | ring | the filter | the proxy, the client and the service |
//! |---|---|---|
//! | `fake_host` | `panveil::exchange` on `panveil::host::FakeHost` | [`proxy`], in memory |
//! | `abi` | the whole of panveil, through its proxy-wasm entry points | [`proxy`], in memory |
//! | `envoy` | the built module | [`envoy`], [`client`] and [`upstream`], real |
//!
//! ```text
//!                      ┌───────────────── sidecar ─────────────────┐
//!  cases/*.toml ─ case ┤ client ──→ envoy (panveil.wasm) ──→ upstream ├─ observation ─ check
//!                      └───────── access log, counters, pages ─────┘         └─ silence
//! ```
//!
//! `case`, `observation` and `proxy` are all that a ring without Envoy needs.
//!
//! How much the detector finds, and how often it is wrong, is measured in [`evaluation`]. What a long time of mixed traffic
//! does to a proxy whose policy changes under it is tried in [`soak`]. What panveil costs is measured in `bench`, how
//! fast its detector reads in [`scan_speed`]. What it does between the services of a mesh is shown by `mesh`.

pub mod bar_chart;
#[cfg(feature = "envoy")]
pub mod bench;
pub mod case;
#[cfg(feature = "envoy")]
pub mod certificates;
pub mod client;
pub mod ending;
pub mod envoy;
pub mod evaluation;
mod fields;
pub mod figures;
pub mod istio;
#[cfg(feature = "envoy")]
pub mod leaks;
pub mod listening;
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
pub mod turns;
pub mod upstream;
