//! Documents in YAML and JSON as trees, with the position of every value.

mod diagnostic;
mod node;
mod origin;
mod scalar;
mod yaml;

pub use diagnostic::{Diagnostic, Position};
pub use node::{Node, YamlValue};
pub use origin::Origin;
pub use yaml::{read, read_all};
