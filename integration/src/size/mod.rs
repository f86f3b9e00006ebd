//! Size of the module, by section, crate and function.

mod module;
mod owner;
mod report;

pub use module::{Function, Module};
pub use report::{markdown, text};
