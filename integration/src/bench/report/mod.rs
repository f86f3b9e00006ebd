//! Report of the benchmark.

mod chart;
mod page;
mod table;

pub use chart::{cpu_chart, memory_chart};
pub use page::{failures, markdown};
pub use table::{events, footprints, scenario, workers};
