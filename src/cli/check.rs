//! `panveil check`: is this policy valid, and what does it come to?

use super::failure::Failure;
use super::{input, output};
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;

/// Says whether a policy is valid, and what is in effect with its defaults.
///
/// A policy that is accepted here is accepted by the filter of the same version. One that is not is explained in one
/// line on standard error: where, what was found and what was expected. The line holds no value out of the policy.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil check policy.json
  kubectl get wasmplugin panveil --output json | jq .spec.pluginConfig | panveil check -")]
pub struct Check {
    /// The policy, a JSON file, or - for standard input.
    policy: PathBuf,
}

impl Check {
    /// Prints the verdict.
    pub fn run(self) -> Result<(), Failure> {
        let policy = input::policy(&self.policy)?;
        let mut text = "policy is valid\n\n".to_owned();
        let fields = policy.effective();
        let width = fields.iter().map(|(path, _)| path.len()).max().unwrap_or_default();
        for (path, value) in fields {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{path:<width$} {value}");
        }
        output::write(text.as_bytes())
    }
}
