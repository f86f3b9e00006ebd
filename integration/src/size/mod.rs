//! What are the module's bytes made of?

mod module;
mod owner;
mod report;

pub use module::{Function, Module};
pub use report::{markdown, text};
