//! Validity of every case file. It runs without Envoy, so that errors in a case show early.

use std::collections::BTreeSet;
use std::path::Path;

use panveil_integration::case::read_folder;

#[test]
fn every_case_is_valid_and_says_why_it_exists() {
    let cases = read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")).unwrap();
    let titles: BTreeSet<String> = cases.iter().map(|case| case.title()).collect();
    assert_eq!(titles.len(), cases.len());
    for case in &cases {
        assert!(case.about.len() > 10, "{}: about", case.title());
    }
}

#[test]
fn who_expects_a_finding_names_what_must_not_be_logged() {
    for case in read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")).unwrap() {
        let found = case.expect.log.values.contains_key("found");
        assert!(!found || !case.cards.is_empty() || !case.secrets.is_empty(), "{}: cards or secrets", case.title());
    }
}
