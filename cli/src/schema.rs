//! `panveil schema`: what may be written in a policy, and what stands in a record?

mod json;
mod page;

use super::failure::Failure;
use super::output;
use clap::{Args, ValueEnum};
use panveil::{audit, policy};

/// Prints the JSON Schema of policies or of records.
///
/// Editors complete and check a policy by it. What it allows may still be refused for what a schema cannot say, such as a path
/// with a query: panveil check has the last word.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil schema > policy.schema.json
  panveil schema --of record
  panveil schema --format markdown")]
pub struct Schema {
    /// What it describes.
    #[arg(long, value_enum, default_value = "policy")]
    of: SchemaSubject,

    /// As a schema, or as a page to read.
    #[arg(long, value_enum, default_value = "json")]
    format: SchemaFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum SchemaSubject {
    /// The configuration of the filter.
    Policy,
    /// What the log tells of one exchange.
    Record,
}

#[derive(Clone, Copy, ValueEnum)]
enum SchemaFormat {
    Json,
    Markdown,
}

impl Schema {
    /// Prints it.
    pub fn run(self) -> Result<(), Failure> {
        let schema = match self.of {
            SchemaSubject::Policy => json::document(&policy::SPEC, "panveil policy", true),
            // Later versions add fields.
            SchemaSubject::Record => json::document(&audit::RECORD_SPEC, "panveil audit record", false),
        };
        let text = match self.format {
            SchemaFormat::Json => format!("{schema:#}\n"),
            SchemaFormat::Markdown => page::of(&schema),
        };
        output::write(text.as_bytes())
    }
}
