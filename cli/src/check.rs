//! `panveil check`: validation of a policy, and its effective settings.

use super::failure::Failure;
use super::{output, policy};
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;

/// Validates a policy and prints its effective settings, defaults included.
///
/// A policy that this command accepts is accepted by the filter of the same version. An error is one line on standard
/// error: line, column, problem and expected values. It contains no value of the policy. A rule that allows or skips by
/// client-controlled attributes alone is valid, and a note on standard error names it. A manifest is read for the policy in it: an
/// Istio WasmPlugin or TrafficExtension, or an EnvoyExtensionPolicy of Envoy Gateway.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil check policy.yaml
  panveil check wasmplugin.yaml
  kubectl get wasmplugin panveil --output yaml | panveil check -

Exit status: 0 if the policy is valid, 2 otherwise.")]
pub struct Check {
    /// Policy, in YAML or JSON, or - for standard input.
    policy: PathBuf,
}

impl Check {
    /// Prints the effective settings.
    pub fn run(self) -> Result<(), Failure> {
        let policy = policy::read(&self.policy)?;
        let mut text = "policy is valid\n\n".to_owned();
        let fields = policy.effective();
        let width = fields.iter().map(|(path, _)| path.len()).max().unwrap_or_default();
        for (path, value) in fields {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{path:<width$} {value}");
        }
        output::write(text.as_bytes())?;
        for (rule, earlier) in policy.unreachable_rules() {
            output::note(&format!(
                "rule {rule} never matches: the earlier rule {earlier} matches all of its messages; move {rule} before it"
            ));
        }
        for rule in policy.client_controlled_rules() {
            output::note(&format!(
                "rule {rule}: any client can make it match, since it tests client-controlled attributes alone (host, path, \
                 method, content_type); add source, destination or tls: mutual"
            ));
        }
        Ok(())
    }
}
