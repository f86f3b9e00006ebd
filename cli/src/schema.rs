//! `panveil schema`: JSON Schemas of policies and records.

mod constraints;
mod json;
mod manifest;
mod page;

use super::failure::Failure;
use super::output;
use clap::{Args, ValueEnum};
use panveil::{audit, policy};
use serde_json::Value;

/// Prints the JSON Schema of policies, of manifests and test cases with a policy, or of records.
///
/// Editors complete and check a policy with it. The filter is stricter than the schema: it also rejects values that a schema
/// cannot describe, such as a path with a query. Run panveil check before a policy is deployed.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil schema > policy.schema.json
  panveil schema --of plugin > plugin.schema.json
  panveil schema --format markdown")]
pub struct Schema {
    /// Document that the schema describes.
    #[arg(long, value_enum, default_value = "policy")]
    of: SchemaSubject,

    /// Output format: a JSON Schema, or a page in Markdown.
    #[arg(long, value_enum, default_value = "json")]
    format: SchemaFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum SchemaSubject {
    /// Configuration of the filter.
    Policy,
    /// WasmPlugin, TrafficExtension or EnvoyExtensionPolicy with a policy.
    Plugin,
    /// Cases of panveil test.
    PolicyTest,
    /// Audit record of one stream in the access log.
    Record,
}

#[derive(Clone, Copy, ValueEnum)]
enum SchemaFormat {
    Json,
    Markdown,
}

impl Schema {
    /// Prints the schema.
    pub fn run(self) -> Result<(), Failure> {
        let schema = match self.of {
            SchemaSubject::Policy => policy_schema(),
            SchemaSubject::Plugin => manifest::plugin(&policy_schema()),
            SchemaSubject::PolicyTest => manifest::cases(&policy_schema()),
            // Later versions add fields.
            SchemaSubject::Record => json::document(&audit::RECORD_SPEC, "record", "panveil audit record", false),
        };
        let text = match self.format {
            SchemaFormat::Json => format!("{schema:#}\n"),
            SchemaFormat::Markdown => page::of(&schema),
        };
        output::write(text.as_bytes())
    }
}

fn policy_schema() -> Value {
    let mut schema = json::document(&policy::SPEC, "policy", "panveil policy", true);
    constraints::add(&mut schema);
    schema
}
