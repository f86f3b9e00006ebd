//! Thresholds of the corpus, in a small measurement. `make eval` makes a large one.

use std::fs;
use std::path::Path;

use panveil::mask::Style;
use panveil::stream::{Inspector, TextFormat};
use panveil::verdict::{Brand, Sensitivity};
use panveil_integration::evaluation::corpus::Corpus;
use panveil_integration::evaluation::run::{Plan, measure, misses};
use panveil_integration::evaluation::{fill, report};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// Records per class and seed. The margins of `at_least` and `at_most` assume 300 records per class.
const RECORDS: u64 = 100;

fn plan() -> Plan {
    Plan { seeds: vec![1, 2, 3], records: RECORDS, level: Sensitivity::Balanced }
}

#[test]
fn every_class_comes_out_as_the_corpus_says() {
    let corpus = Corpus::shipped().unwrap();
    let outcome = measure(&corpus, &plan(), || ()).unwrap();
    let breaches: Vec<String> = outcome.classes.iter().filter_map(|measured| measured.breach()).collect();
    assert!(breaches.is_empty(), "\n{}\nTo see texts: eval --misses CLASS\n", breaches.join("\n"));
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    let corpus = Corpus::shipped().unwrap();
    for class in &corpus.classes {
        let record = |seed, number| fill::record(class, &corpus.issuers, seed, number).unwrap().bytes().to_vec();
        assert!(record(7, 5) == record(7, 5), "{}", class.name);
        assert!((0..5).any(|number| record(7, number) != record(8, number)), "{}", class.name);
    }
}

#[test]
fn the_issuers_of_the_corpus_are_those_of_the_detector() {
    let corpus = Corpus::shipped().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for issuer in corpus.issuers.rows() {
        for _ in 0..50 {
            let number = issuer.number(&mut rng);
            let mut findings = Vec::new();
            let inspector = || Inspector::new(TextFormat::Text, Style::HIDE);
            inspector().preceded_by(b"card: ").inspect(number.as_bytes(), true, &mut findings);
            let brands: Vec<&str> =
                findings.iter().filter_map(|finding| finding.detection.kind.brand()).map(Brand::as_str).collect();
            assert!(brands == [issuer.brand.as_str()], "{} of {} digits: {brands:?}", issuer.brand, number.len());
            findings.clear();
            inspector().inspect(number.as_bytes(), true, &mut findings);
            let is_found = !findings.is_empty();
            assert!(is_found != issuer.is_extended, "{} of {} digits: wrong tier", issuer.brand, number.len());
        }
    }
}

#[test]
fn no_shown_record_holds_a_long_number() {
    let corpus = Corpus::shipped().unwrap();
    for class in &corpus.classes {
        for miss in misses(&corpus, class, &plan(), 20).unwrap() {
            let shown = report::shown(&miss.text, &miss.findings);
            let bare = shown.replace([' ', '-', '.', '[', ']'], "");
            let longest = bare.split(|sign: char| !sign.is_ascii_digit()).map(str::len).max();
            assert!(longest < Some(12), "{}: {longest:?} digits in a row", class.name);
        }
    }
}

#[test]
fn the_page_tells_of_every_class() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/evaluation.md");
    let page = fs::read_to_string(page).unwrap();
    let corpus = Corpus::shipped().unwrap();
    let names = corpus.classes.iter().map(|class| &class.name);
    let missing: Vec<&String> = names.filter(|name| !page.contains(&format!("| {name} "))).collect();
    assert!(missing.is_empty(), "docs/evaluation.md lacks {missing:?}; run: make eval");
}
