//! Reports of the evaluation: terminal, JSON and page.

mod chart;
mod json;
mod page;
mod shown;
mod table;

pub use chart::chart;
pub use json::json;
pub use page::markdown;
pub use shown::shown;
pub use table::text;

use panveil::verdict::Sensitivity;

use super::corpus::Tier;
use super::run::Measured;

/// Share in per cent. Only exact values read 0 % and 100 %.
fn percent(share: f64) -> String {
    match format!("{:.1} %", share * 100.0) {
        text if text == "100.0 %" && share < 1.0 => ">99.9 %".to_owned(),
        text if text == "0.0 %" && share > 0.0 => "<0.1 %".to_owned(),
        text => text,
    }
}

/// Name of a level in a policy.
fn level_name(level: Sensitivity) -> &'static str {
    match level {
        Sensitivity::Strict => "strict",
        Sensitivity::Balanced => "balanced",
        Sensitivity::Precise => "precise",
    }
}

/// Heading of a tier, and the name of its main figure.
fn heading(tier: Tier) -> (&'static str, &'static str) {
    match tier {
        Tier::Everyday => ("Card numbers in everyday notations", "found"),
        Tier::Hard => ("Card numbers that need decoding or context", "found"),
        Tier::Evasion => ("Card numbers written to evade detection", "found"),
        Tier::Negative => ("Other numbers", "flagged"),
        Tier::Adversarial => ("Other numbers in an issuer's range that pass Luhn", "flagged"),
    }
}

/// Lowest and highest main figure among the seeds, when their texts differ.
fn spread(measured: &Measured<'_>) -> String {
    let (low, high) = measured.spread();
    let (low, high) = (percent(low), percent(high));
    if low == high { String::new() } else { format!("{}–{high}", low.trim_end_matches(" %")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn almost_all_is_not_all() {
        for (share, expected) in
            [(1.0, "100.0 %"), (0.9999, ">99.9 %"), (0.5, "50.0 %"), (0.0001, "<0.1 %"), (0.0, "0.0 %")]
        {
            assert_eq!(percent(share), expected);
        }
    }
}
