//! `panveil audit`: what could carry a card number past panveil.
//!
//! `input` reads resources, `mesh` and its parts model them as Istio treats them, `coverage` decides for each port which plugin
//! inspects it, `checks` adds further findings, and `report` prints them.

mod attachment;
mod checks;
mod coverage;
mod finding;
mod injector;
mod input;
mod mesh;
mod mtls;
mod plugin;
mod port;
mod proxy;
mod report;
mod rules;
mod suppression;
mod weakness;
mod workload;

use super::failure::Failure;
use super::input::only_one_stdin;
use super::{clock, output};
use clap::{Args, ValueHint};
use coverage::Coverage;
use input::AuditInput;
use mesh::{Mesh, MeshConfig};
use report::{AuditFormat, AuditReport};
use std::path::PathBuf;
use std::process::ExitCode;
use suppression::Suppression;

/// Finds ways around panveil in the manifests of a mesh, a dump of a cluster or the configuration of running proxies.
///
/// Prints for each port of a workload or gateway which plugin inspects it, or the reason why none does. Each finding has a location, a
/// problem, a remedy and the requirement of PCI DSS that it bears on. The input must be complete: a missing PeerAuthentication
/// and one that is not in the input look the same. Kustomizations and templates must be rendered first.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil audit manifests
  kubectl kustomize overlays/shop | panveil audit -
  panveil audit --format sarif cluster.yaml > audit.sarif
  panveil audit cluster.yaml web-1.json web-2.json

Exit status: 0 without findings, 1 with findings that are not suppressed, 2 if some input was not read.")]
pub struct Audit {
    /// Manifests, dumps of kubectl, pages /config_dump, directories, or - for standard input.
    #[arg(required_unless_present = "rules", value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,

    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: AuditFormat,

    /// Accepted findings, in YAML.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    suppress: Option<PathBuf>,

    /// Digest of a known release; can be repeated. Plugins with another digest are findings.
    #[arg(long = "digest", value_name = "SHA256")]
    digests: Vec<String>,

    /// List the rules instead.
    #[arg(long)]
    rules: bool,
}

impl Audit {
    /// Prints ports and findings.
    pub fn run(self) -> Result<ExitCode, Failure> {
        const FINDINGS: u8 = 1;
        const UNREAD: u8 = 2;

        if self.rules {
            output::write(rules::list().as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        only_one_stdin("the paths and --suppress", self.paths.iter().chain(&self.suppress))?;
        let suppressions = self.suppress.as_deref().map_or(Ok(Vec::new()), Suppression::read)?;
        let input = AuditInput::read(&self.paths);
        if input.resources.is_empty() && input.proxies.is_empty() && input.problems.is_empty() {
            return Err(Failure::Error("no Kubernetes resource and no configuration dump in the input".to_owned()));
        }
        let config = MeshConfig::find(&input);
        let mesh = Mesh::new(&input.resources, config.as_ref());
        let coverage = Coverage::all(&mesh);
        let findings = checks::findings(&mesh, &coverage, &input.proxies, &self.digests);
        let (findings, suppressed, notes) = suppression::apply(findings, &suppressions, clock::now());
        let report = AuditReport {
            coverage: &coverage,
            findings: &findings,
            suppressed: &suppressed,
            problems: &input.problems,
        };
        output::write(report.render(self.format).as_bytes())?;
        for note in input.problems.iter().chain(&input.notes).chain(&notes) {
            output::note(note);
        }
        Ok(if !input.problems.is_empty() {
            ExitCode::from(UNREAD)
        } else if !findings.is_empty() {
            ExitCode::from(FINDINGS)
        } else {
            ExitCode::SUCCESS
        })
    }
}
