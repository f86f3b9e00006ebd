//! How is it told what came out?

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

/// A share as a reader takes it in: all is all, and none is none.
fn percent(share: f64) -> String {
    match format!("{:.1} %", share * 100.0) {
        text if text == "100.0 %" && share < 1.0 => ">99.9 %".to_owned(),
        text if text == "0.0 %" && share > 0.0 => "<0.1 %".to_owned(),
        text => text,
    }
}

/// The name of a level in a policy.
fn level_name(level: Sensitivity) -> &'static str {
    match level {
        Sensitivity::Strict => "strict",
        Sensitivity::Balanced => "balanced",
        Sensitivity::Precise => "precise",
    }
}

/// What is told of each tier: its heading, and what its headline is.
fn heading(tier: Tier) -> (&'static str, &'static str) {
    match tier {
        Tier::Everyday => ("Card numbers as they are written every day", "found"),
        Tier::Hard => ("Card numbers that must be decoded or need their context", "found"),
        Tier::Evasion => ("Card numbers written to evade", "found"),
        Tier::Negative => ("Other numbers", "flagged"),
        Tier::Adversarial => ("Other numbers in an issuer's range that pass Luhn", "flagged"),
    }
}

/// The lowest and highest headline of a seed, when they differ as they are written.
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
