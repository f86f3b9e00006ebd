//! `panveil test`: cases that test a policy.

mod case;
pub mod case_file;
mod difference;
mod fields;
mod report;

use super::failure::Failure;
use super::manifest::files;
use super::{input, output, policy};
use case_file::{CaseFile, CasePolicy};
use clap::{Args, ValueHint};
use panveil::policy::Policy;
use report::{CaseResult, FileResult, TestFormat};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

/// Runs the cases of a policy through the filter and compares the results with the expected ones.
///
/// A case has a request, or a request and its response, the peers, and the expected result: the action, the rule that decides and the
/// masked texts. In a directory, files are read whose names end with policy-test.yaml. Digits that are not expected are printed as #.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil test policy-test.yaml
  panveil test envoy-config
  panveil test --format junit policy-test.yaml > results.xml
  kubectl kustomize overlays/shop | panveil test --policy - policy-test.yaml

Exit status: 0 if all cases pass, 1 if a case fails, 2 after an error.")]
pub struct Test {
    /// Files with cases, in YAML, or directories.
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,

    /// Policy, or file with one, in place of those that the files with cases name. - is standard input.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    policy: Option<PathBuf>,

    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: TestFormat,
}

/// End of the names of the files that are read in directories.
const FILE_NAME: &str = "policy-test.yaml";

impl Test {
    /// Runs the cases of all files.
    pub fn run(self) -> Result<ExitCode, Failure> {
        const FAILED: u8 = 1;

        input::only_one_stdin("the files with cases and --policy", self.paths.iter().chain(&self.policy))?;
        let given = self.policy.as_deref().map(policy::read).transpose()?.map(Rc::new);
        let mut results = Vec::new();
        for path in self.paths.iter().map(|path| paths(path)).collect::<Result<Vec<_>, _>>()?.concat() {
            let file = CaseFile::read(&path)?;
            let policy = match &given {
                Some(policy) => Rc::clone(policy),
                None => Rc::new(read_policy(&path, &file)?),
            };
            let results_of_file = file.cases.iter().map(|case| CaseResult::new(case, case.run(&policy)));
            results.push(FileResult { name: file.name.clone(), cases: results_of_file.collect() });
        }
        output::write(report::render(&results, self.format)?.as_bytes())?;
        let passed = results.iter().all(FileResult::passed);
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }
}

/// Files with cases at `path`.
fn paths(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let files = files::list(path).into_iter().collect::<Result<Vec<PathBuf>, String>>().map_err(Failure::Error)?;
    let named: Vec<PathBuf> = files.into_iter().filter(|file| file.to_string_lossy().ends_with(FILE_NAME)).collect();
    if named.is_empty() {
        let line = format!("{}: no file whose name ends with {FILE_NAME}", path.display());
        return Err(Failure::Error(line));
    }
    Ok(named)
}

/// Policy that a file names or contains.
fn read_policy(path: &Path, file: &CaseFile) -> Result<Policy, Failure> {
    match &file.policy {
        Some(CasePolicy::File(name)) => policy::read(&path.parent().unwrap_or(Path::new("")).join(name)),
        Some(CasePolicy::Inline(tree)) => {
            policy::from_tree(tree).map_err(|diagnostic| Failure::Error(diagnostic.in_file(&file.name)))
        }
        None => Err(Failure::Error(format!("{}: no policy; add policy: FILE, or use --policy FILE", file.name))),
    }
}
