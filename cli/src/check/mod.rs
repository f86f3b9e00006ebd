//! `panveil check`: validation of policies, and their effective settings.

mod report;
mod rules;

use super::failure::Failure;
use super::manifest::files;
use super::policy::PolicyFile;
use super::{input, output};
use clap::{Args, ValueHint};
use report::CheckReport;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Validates policies and prints their effective settings and rules.
///
/// A policy that this command accepts is accepted by the filter of the same version. Policies are found in manifests (WasmPlugin,
/// TrafficExtension, EnvoyExtensionPolicy, EnvoyFilter, ConfigMap), in lists and dumps of kubectl, in patches of a kustomization, and in
/// bootstraps, listeners and dumps of Envoy. A file that is none of these is read as a policy.
///
/// An error is one line on standard error: file, line, column, problem and expected values. It contains no value of the policy. A file
/// or directory without a policy is an error. Warnings on standard error name rules that never match, that have expired, or that any
/// client can make match.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil check policy.yaml
  panveil check manifests envoy.yaml
  kubectl kustomize overlays/shop | panveil check -

Exit status: 0 if all policies are valid, 2 otherwise.")]
pub struct Check {
    /// Policies, manifests, configurations of Envoy, directories, or - for standard input.
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,
}

impl Check {
    /// Prints a line for each policy. A single policy is printed with its settings.
    pub fn run(self) -> Result<ExitCode, Failure> {
        const ERROR: u8 = 2;

        input::only_one_stdin("the paths", &self.paths)?;
        let mut report = CheckReport::default();
        for path in &self.paths {
            check(path, &mut report)?;
        }
        output::write(report.text().as_bytes())?;
        for line in report.notes() {
            output::note(line);
        }
        Ok(if report.has_errors() { ExitCode::from(ERROR) } else { ExitCode::SUCCESS })
    }
}

/// Checks the policies of a file or directory.
fn check(path: &Path, report: &mut CheckReport) -> Result<(), Failure> {
    let before = report.count();
    let is_directory = path.is_dir();
    let mut without_policy = format!("{}: no panveil policy in its files of YAML and JSON", path.display());
    for file in files::list(path) {
        let read = match file {
            Err(problem) => Err(Failure::Error(problem)),
            Ok(file) if is_directory => PolicyFile::read_in_directory(&file),
            Ok(file) => PolicyFile::read(&file),
        };
        match read {
            Ok(file) => {
                report.add(&file);
                if !is_directory {
                    without_policy = file.without_policy();
                }
            }
            Err(Failure::Error(line)) => report.error(line),
            Err(other) => return Err(other),
        }
    }
    if report.count() == before {
        report.error(without_policy);
    }
    Ok(())
}
