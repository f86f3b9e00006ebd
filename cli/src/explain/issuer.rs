//! Issuer of a number, by its first digits and length.

use panveil::scan::{CandidateStarts, Digits, MAX_DIGITS, MIN_DIGITS, NextStart, View};
use panveil::verdict::{Brand, Tier, brand};

/// Description of the issuer range of `digits`.
pub fn explain(digits: &Digits) -> String {
    match brand::identify(digits) {
        Some((brand, Tier::Default)) => return format!("{}, by range and length", brand.as_str()),
        Some((brand, Tier::Extended)) => {
            return format!("{}, in a range or length that needs further evidence", brand.as_str());
        }
        Some((brand, Tier::Named)) => {
            return format!("{}, in a range of a country's issuers that needs the name of a card", brand.as_str());
        }
        None => {}
    }
    let mut brands: Vec<(Brand, Vec<String>)> = Vec::new();
    for length in MIN_DIGITS..=MAX_DIGITS {
        let Some(brand) = brand_at(digits, length) else { continue };
        match brands.iter_mut().find(|(known, _)| *known == brand) {
            Some((_, lengths)) => lengths.push(length.to_string()),
            None => brands.push((brand, vec![length.to_string()])),
        }
    }
    if brands.is_empty() {
        return "unknown range".to_owned();
    }
    let names = brands.iter().map(|(brand, lengths)| {
        format!("{} range, but numbers in it have {} digits", brand.as_str(), lengths.join(" or "))
    });
    names.collect::<Vec<String>>().join("; ")
}

/// Brand of a number with the first digits of `digits` and this `length`.
fn brand_at(digits: &Digits, length: usize) -> Option<Brand> {
    let mut text: Vec<u8> = digits.ascii().to_vec();
    text.resize(length, b'0');
    let mut starts = CandidateStarts::new(View::new(b"", &text, true, b'*'));
    let NextStart::Start(mut candidates) = starts.advance() else { return None };
    let (brand, tier) = brand::identify(candidates.next()?.digits())?;
    (tier != Tier::Named).then_some(brand)
}
