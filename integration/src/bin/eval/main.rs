//! `make eval`: recall and false positives of the detector on the corpus in `integration/corpus/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use panveil::verdict::Sensitivity;
use panveil_integration::evaluation::builtin;
use panveil_integration::evaluation::corpus::Corpus;
#[cfg(feature = "mutations")]
use panveil_integration::evaluation::gate;
use panveil_integration::evaluation::report;
use panveil_integration::evaluation::run::{Outcome, Plan, measure, misses};
use panveil_integration::page;
use panveil_integration::termination::exit_code;

/// Measure panveil's detector on generated texts.
#[derive(Debug, Parser)]
#[command(name = "eval")]
struct Arguments {
    /// Seeds of the texts; a seed always gives the same texts.
    #[arg(long, value_name = "NUMBER,…", value_delimiter = ',', default_values_t = [1, 2, 3])]
    seeds: Vec<u64>,
    /// Number of texts of each class for each seed.
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    records: u64,
    /// Required evidence, as in a policy.
    #[arg(long, value_enum, default_value_t = LevelArgument::Balanced)]
    level: LevelArgument,
    /// Print one JSON document instead of tables.
    #[arg(long)]
    json: bool,
    /// Also write the results into evaluation.md and evaluation.svg in this folder.
    #[arg(long, value_name = "FOLDER", conflicts_with = "misses")]
    docs: Option<PathBuf>,
    /// Show texts of this class with a missed card number or a false finding. Numbers are truncated.
    #[arg(long, value_name = "CLASS", conflicts_with = "json")]
    misses: Option<String>,
    /// Disable each rule of the detector in turn, and fail if one makes no difference.
    #[cfg(feature = "mutations")]
    #[arg(long, conflicts_with_all = ["docs", "json", "misses"])]
    gate: bool,
    /// Print the counts of each class without this rule, for --gate.
    #[cfg(feature = "mutations")]
    #[arg(long, value_name = "RULE", hide = true)]
    counts: Option<String>,
    /// Maximum number of shown texts.
    #[arg(long, value_name = "COUNT", default_value_t = 8, requires = "misses")]
    most: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LevelArgument {
    Strict,
    Balanced,
    Precise,
}

/// All levels, in the order of the page.
const LEVELS: [Sensitivity; 3] = [Sensitivity::Strict, Sensitivity::Balanced, Sensitivity::Precise];

fn main() -> ExitCode {
    exit_code("eval", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<bool> {
    let corpus = Corpus::shipped()?;
    let level = match arguments.level {
        LevelArgument::Strict => Sensitivity::Strict,
        LevelArgument::Balanced => Sensitivity::Balanced,
        LevelArgument::Precise => Sensitivity::Precise,
    };
    let plan = Plan { seeds: arguments.seeds.clone(), records: arguments.records, level };
    #[cfg(feature = "mutations")]
    if let Some(rule) = &arguments.counts {
        return gate::print_counts(rule, &corpus, &plan).map(|()| true);
    } else if arguments.gate {
        return pass_gate(&plan);
    }
    if let Some(name) = &arguments.misses {
        return show_misses(&corpus, name, &plan, arguments.most).map(|()| true);
    }
    let outcome = measure_all(&corpus, &plan)?;
    if arguments.json {
        println!("{:#}", report::json(&outcome));
    } else {
        print!("{}", report::text(&outcome));
    }
    arguments.docs.as_ref().map_or(Ok(()), |folder| write_page(&corpus, &outcome, folder))?;
    Ok(true)
}

/// Prints the class that notices each rule; false if a rule makes no difference.
#[cfg(feature = "mutations")]
fn pass_gate(plan: &Plan) -> Result<bool> {
    let verdict = gate::run(plan)?;
    for (rule, class, worse) in &verdict.noticed {
        println!("{rule:<28} {worse:>6} more wrong results in {class}");
    }
    for rule in &verdict.unnoticed {
        eprintln!("eval: without {rule} no class gets worse; add a text to integration/corpus/ that needs it");
    }
    println!("{} rules noticed, {} not", verdict.noticed.len(), verdict.unnoticed.len());
    Ok(verdict.unnoticed.is_empty())
}

/// Measures every class, with a progress bar on a terminal.
fn measure_all<'c>(corpus: &'c Corpus, plan: &Plan) -> Result<Outcome<'c>> {
    // Hidden unless standard error is a terminal.
    let bar = ProgressBar::new(corpus.classes.len() as u64);
    bar.set_style(ProgressStyle::with_template("{bar:24} {pos} of {len} classes, {eta} left")?);
    let outcome = measure(corpus, plan, || bar.inc(1));
    bar.finish_and_clear();
    outcome
}

fn show_misses(corpus: &Corpus, name: &str, plan: &Plan, most: usize) -> Result<()> {
    let class = corpus.classes.iter().find(|class| class.name == name);
    let class = class.with_context(|| format!("no class {name:?}; the names are those in the tables"))?;
    let missed = misses(corpus, class, plan, most)?;
    if missed.is_empty() {
        println!("{name}: every card found, and nothing else");
    }
    for miss in missed {
        println!("{}", report::shown(&miss.text, &miss.findings));
    }
    Ok(())
}

/// Writes the results of every level, and of the classes at the requested level.
fn write_page(corpus: &Corpus, outcome: &Outcome<'_>, folder: &Path) -> Result<()> {
    let mut levels = Vec::new();
    for level in LEVELS {
        levels.push(measure_all(corpus, &Plan { level, ..outcome.plan.clone() })?);
    }
    let patterns = builtin::measure(corpus, &outcome.plan)?;
    let path = folder.join("evaluation.md");
    ensure!(path.exists(), "{} does not exist", path.display());
    page::rewrite(&path, "make eval", &report::markdown(&levels, outcome, &patterns))?;
    let path = folder.join("evaluation.svg");
    fs::write(&path, report::chart(outcome)).with_context(|| format!("cannot write {}", path.display()))
}
