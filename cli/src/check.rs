//! `panveil check`: is this policy valid, and what does it come to?

use super::failure::Failure;
use super::{output, policy};
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;

/// Says whether a policy is valid, and what is in effect with its defaults.
///
/// A policy that is accepted here is accepted by the filter of the same version. One that is not is explained in one
/// line on standard error: at which line and column, what was found and what was expected. It holds no value out of the
/// policy. A rule that allows or skips by nothing but what the client chooses is valid, and a note on standard error names
/// it. A manifest of an Istio WasmPlugin or TrafficExtension, or of an EnvoyExtensionPolicy of Envoy Gateway, is a policy with
/// something around it.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil check policy.yaml
  panveil check wasmplugin.yaml
  kubectl get wasmplugin panveil --output yaml | panveil check -

Exit status: 0 when the policy is valid, 2 when it is not.")]
pub struct Check {
    /// The policy, YAML or JSON, or - for standard input.
    policy: PathBuf,
}

impl Check {
    /// Prints the verdict.
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
        for rule in policy.rules_up_to_the_client() {
            output::note(&format!(
                "rule {rule}: the client chooses all that it matches by (host, path, method, content_type), so any client \
                 can make it match; add source, destination or tls: mutual"
            ));
        }
        Ok(())
    }
}
