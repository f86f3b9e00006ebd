//! Gate of the evaluation: every rule of the detector matters to its results.
//!
//! The detector is measured with each rule disabled in turn, in a process of its own. At least one class must get worse than with all
//! rules. A rule without effect could be lost without notice.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use panveil::mask::Style;
use panveil::scan::mutation;
use panveil::stream::{Inspector, TextFormat};
use panveil::verdict::Brand;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::corpus::Corpus;
use super::run::{Plan, measure};

/// Rules that no text of the corpus needs at the level of the gate, each with the reason.
const WITHOUT_TEXT: &[(&str, &str)] = &[
    ("score:publisher", "at this level, the dash behind a word suffices; at strict it does not"),
    ("words:account", "the concept of accounts has these words too"),
];

/// Numbers for each issuer.
const NUMBERS: usize = 100;

/// Counts of one class: missed card numbers, and wrong findings.
type Counts = Vec<(String, u64, u64)>;

/// Rules, as `kind:name`.
pub fn rules() -> Vec<String> {
    let rule = |kind: &str, name: &str| format!("{kind}:{name}");
    let brands = Brand::WITH_RANGES.iter().map(|brand| rule("brand", brand.as_str()));
    let concepts = include_str!("../../../src/verdict/phrases.txt").lines().filter_map(|line| line.strip_prefix('='));
    let concepts = concepts.map(|concept| rule("concept", concept));
    let words = mutation::MEANINGS.iter().map(|meaning| rule("words", meaning));
    let others = mutation::RULES.iter().flat_map(|(kind, names)| names.iter().map(|name| rule(kind, name)));
    brands.chain(concepts).chain(words).chain(others).collect()
}

/// Prints the counts of every class and issuer as lines, with `rule` disabled if there is one.
///
/// # Errors
///
/// When the rule is unknown or a class cannot be filled.
pub fn print_counts(rule: &str, corpus: &Corpus, plan: &Plan) -> Result<()> {
    if let Some((kind, name)) = rule.split_once(':') {
        ensure!(rules().iter().any(|known| known == rule), "unknown rule {rule:?}");
        ensure!(mutation::disable(kind, name), "another rule is disabled");
    }
    for measured in measure(corpus, plan, || ())?.classes {
        let total = measured.total();
        println!("{}\t{}\t{}", measured.class.name, total.cards - total.found, total.false_findings);
    }
    for (name, missed) in missed_of_issuers(corpus) {
        println!("{name}\t{missed}\t0");
    }
    Ok(())
}

/// For each issuer, how many of its numbers are not found, or found as those of another brand.
fn missed_of_issuers(corpus: &Corpus) -> Vec<(String, usize)> {
    let issuers = corpus.issuers.rows().iter().enumerate();
    let missed = issuers.map(|(index, issuer)| {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let missed = (0..NUMBERS).filter(|_| {
            let mut findings = Vec::new();
            let mut inspector = Inspector::new(TextFormat::Text, Style::HIDE).preceded_by(b"card: ");
            inspector.inspect(issuer.number(&mut rng).as_bytes(), true, &mut findings);
            findings.first().and_then(|finding| finding.detection.kind.brand()).map(Brand::as_str)
                != Some(&issuer.brand)
        });
        (format!("issuer {index} ({})", issuer.brand), missed.count())
    });
    missed.collect()
}

/// Result of the gate.
#[derive(Debug)]
pub struct Verdict {
    /// For each rule, the class that gets worst without it, with the number of further wrong results.
    pub noticed: Vec<(String, String, u64)>,
    /// Rules without which no class gets worse.
    pub unnoticed: Vec<String>,
}

/// Measures the detector without each rule.
///
/// # Errors
///
/// When a measurement fails, or the list of rules without a text is wrong.
pub fn run(plan: &Plan) -> Result<Verdict> {
    let whole = counts("", plan)?;
    let mut verdict = Verdict { noticed: Vec::new(), unnoticed: Vec::new() };
    for rule in rules() {
        let without = counts(&rule, plan)?;
        ensure!(whole.len() == without.len(), "{rule}: other classes");
        let worse = whole.iter().zip(&without).map(|((class, missed, wrong), (_, missed_without, wrong_without))| {
            (class, missed_without.saturating_sub(*missed) + wrong_without.saturating_sub(*wrong))
        });
        match worse.max_by_key(|(_, worse)| *worse).filter(|(_, worse)| *worse > 0) {
            Some((class, worse)) => verdict.noticed.push((rule, class.clone(), worse)),
            None => verdict.unnoticed.push(rule),
        }
    }
    for (rule, _) in WITHOUT_TEXT {
        ensure!(
            verdict.unnoticed.iter().any(|other| other == rule),
            "{rule}: a text needs it now; remove it from the list"
        );
    }
    verdict.unnoticed.retain(|rule| WITHOUT_TEXT.iter().all(|(other, _)| other != rule));
    Ok(verdict)
}

/// Counts of a process without this rule.
fn counts(rule: &str, plan: &Plan) -> Result<Counts> {
    let seeds = plan.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    let output = Command::new(std::env::current_exe()?)
        .args([
            "--counts",
            rule,
            "--seeds",
            &seeds,
            "--records",
            &plan.records.to_string(),
            "--level",
            plan.level.as_str(),
        ])
        .output()?;
    ensure!(output.status.success(), "without {rule:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let line = |line: &str| {
        let mut columns = line.split('\t');
        let mut column = || columns.next().context("a column");
        Ok((column()?.to_owned(), column()?.parse()?, column()?.parse()?))
    };
    text.lines().map(line).collect()
}
