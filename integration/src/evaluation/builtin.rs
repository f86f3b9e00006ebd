//! False positives of the built-in patterns.

use std::sync::Arc;

use anyhow::Result;
use panveil::verdict::Criteria;
use panveil::verdict::builtin_patterns::BuiltInPattern;
use panveil::verdict::pattern_set::PatternSet;

use super::corpus::Corpus;
use super::detector;
use super::fill;
use super::run::Plan;

/// Results of one built-in pattern.
#[derive(Debug)]
pub struct Measured {
    /// Pattern.
    pub pattern: BuiltInPattern,
    /// Records without a value of the pattern.
    pub records: u64,
    /// Those of them with a finding.
    pub flagged: u64,
    /// Class with most of them, if there are any, and their number.
    pub worst: Option<(String, u64)>,
    /// Class whose records have values of the pattern.
    pub own: Option<&'static str>,
}

/// Class of the corpus whose records have values of the pattern.
const fn own_class(pattern: BuiltInPattern) -> Option<&'static str> {
    match pattern {
        BuiltInPattern::Iban => Some("iban"),
        BuiltInPattern::UsSsn => Some("person"),
        BuiltInPattern::Jwt => Some("jwt"),
        BuiltInPattern::UsAba | BuiltInPattern::AwsAccessKey | BuiltInPattern::PrivateKey => None,
    }
}

/// Measures every built-in pattern on all classes of `corpus`.
///
/// # Errors
///
/// When a class cannot be filled.
///
/// # Panics
///
/// When a built-in pattern does not compile.
pub fn measure(corpus: &Corpus, plan: &Plan) -> Result<Vec<Measured>> {
    let criteria = BuiltInPattern::ALL.map(|pattern| {
        let set = PatternSet::compile(&pattern.patterns()).expect("built-in patterns compile");
        Arc::new(Criteria { patterns: vec![set], authentication_data: None, ..Criteria::with_sensitivity(plan.level) })
    });
    let mut all: Vec<Measured> = BuiltInPattern::ALL
        .map(|pattern| Measured { pattern, records: 0, flagged: 0, worst: None, own: own_class(pattern) })
        .into();
    for class in &corpus.classes {
        let mut flagged = vec![0; all.len()];
        for seed in &plan.seeds {
            for number in 0..plan.records {
                let text = fill::record(class, &corpus.issuers, *seed, number)?;
                for (count, criteria) in flagged.iter_mut().zip(&criteria) {
                    let findings = detector::findings(&text, &class.place, criteria);
                    *count += u64::from(findings.iter().any(|finding| finding.detection.kind.pattern().is_some()));
                }
            }
        }
        let records = plan.records * plan.seeds.len() as u64;
        for (measured, flagged) in all.iter_mut().zip(flagged) {
            if measured.own == Some(&class.name) {
                continue;
            }
            measured.records += records;
            measured.flagged += flagged;
            if flagged > measured.worst.as_ref().map_or(0, |(_, most)| *most) {
                measured.worst = Some((class.name.clone(), flagged));
            }
        }
    }
    Ok(all)
}
