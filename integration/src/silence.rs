//! Search for card digits and other secrets in Envoy's output: the files that it writes, and its admin pages.

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

use crate::envoy::{Envoy, PAGES};
use crate::observation::dense;

/// Number of consecutive digits that counts as a leak. Fewer may be a time, a port or a size.
const TELLING: usize = 9;
/// Number of consecutive digits that counts as a leak in panveil's own output, which has no times and ports.
const TELLING_IN_REPORTS: usize = 5;

/// Locations of digits of these cards, or of these secrets, in the output of this Envoy. Empty when there are none.
///
/// # Errors
///
/// When a file or a page cannot be read.
pub async fn leaks(envoy: &Envoy, cards: &[String], secrets: &[String]) -> Result<Vec<String>> {
    let mut places = Vec::new();
    for (path, bytes) in envoy.written()? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        places.push((name, String::from_utf8_lossy(&bytes).into_owned(), TELLING));
    }
    for page in PAGES {
        let text = envoy.page(page).await?;
        places.push((page.to_owned(), text.lines().map(without_fraction).collect::<Vec<_>>().join("\n"), TELLING));
    }
    for (number, line) in envoy.access_log(0).await?.iter().enumerate() {
        places.extend(reports(line).map(|(field, value)| {
            (format!("access log line {}, field {field}", number + 1), value, TELLING_IN_REPORTS)
        }));
    }
    let digits = places.iter().filter_map(|(place, text, telling)| leak(place, text, cards, *telling));
    let told = places.iter().filter(|(_, text, _)| secrets.iter().any(|secret| text.contains(secret)));
    Ok(digits.chain(told.map(|(place, ..)| format!("{place} holds a secret"))).collect())
}

/// Checks that Envoy runs, and has logged `count` lines and no digits of `card`. Returns the last line.
///
/// # Errors
///
/// When a check fails.
pub async fn unharmed(envoy: &mut Envoy, card: &str, count: usize) -> Result<Map<String, Value>> {
    ensure!(envoy.is_alive()?, "Envoy died: {}", envoy.log());
    let mut lines = envoy.access_log(count).await?;
    let leaks = leaks(envoy, &[card.to_owned()], &[]).await?;
    ensure!(leaks.is_empty(), "{}", leaks.join("\n"));
    lines.pop().context("no line")
}

/// Line without the fraction of Envoy's total duration, which has up to thirty digits.
pub(crate) fn without_fraction(line: &str) -> &str {
    let sum = line.split_once(['{', ' ']).is_some_and(|(name, _)| name.ends_with("_sum"));
    line.rsplit_once('.').filter(|_| sum).map_or(line, |(whole, _)| whole)
}

/// panveil's columns of a log line.
fn reports(line: &Map<String, Value>) -> impl Iterator<Item = (String, String)> {
    let own = |name: &String| name == "path" || name.starts_with("panveil_");
    line.iter()
        .filter(move |(name, _)| own(name))
        .map(|(name, value)| (name.clone(), String::from_utf8_lossy(&dense(value.to_string().as_bytes())).into_owned()))
}

/// Whether a text holds nine or more consecutive digits of this card.
#[must_use]
pub fn holds_digits(text: &str, card: &str) -> bool {
    leak("", text, &[card.to_owned()], TELLING).is_some()
}

fn leak(place: &str, text: &str, cards: &[String], telling: usize) -> Option<String> {
    let mut fragments = cards.iter().flat_map(|card| card.as_bytes().windows(telling.min(card.len())));
    let found = fragments.any(|fragment| std::str::from_utf8(fragment).is_ok_and(|digits| text.contains(digits)));
    found.then(|| format!("{place} holds {telling} or more digits of a card"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_is_a_leak_and_a_time_is_none() {
        let cards = ["4242424242424242".to_owned()];
        assert!(leak("x", "at 424242424 bytes", &cards, TELLING).is_some());
        assert!(leak("x", "at 42424242 bytes", &cards, TELLING).is_none());
        assert!(leak("x", "1732172345678", &cards, TELLING).is_none());
        assert!(leak("x", "42424", &cards, TELLING_IN_REPORTS).is_some());
    }

    #[test]
    fn only_panveils_own_fields_are_reports() {
        let line: Value = serde_json::json!({"time": "42424", "path": "/a-4 2", "panveil_found": "1", "bytes": 42424});
        let mut fields: Vec<_> = reports(line.as_object().unwrap()).collect();
        fields.sort();
        assert_eq!(fields, [("panveil_found".into(), "\"1\"".into()), ("path".into(), "\"/a42\"".into())]);
    }

    #[test]
    fn only_sums_of_times_lose_their_fraction() {
        for (line, kept) in [
            (r#"envoy_rq_time_sum{cluster="a"} 11935.105609398337037"#, r#"envoy_rq_time_sum{cluster="a"} 11935"#),
            ("envoy_rq_time_sum{} 11935", "envoy_rq_time_sum{} 11935"),
            ("envoy_rq_time_bucket{le=\"0.5\"} 3", "envoy_rq_time_bucket{le=\"0.5\"} 3"),
        ] {
            assert_eq!(without_fraction(line), kept);
        }
    }
}
