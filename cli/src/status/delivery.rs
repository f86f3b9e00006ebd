//! Outcome of the last delivery of a configuration: Envoy's pages show a delivered configuration also after its rejection.

use super::config_dump::{DeliveredFilter, DiscoveredFilter, FilterConfig};
use super::stats::{ProxyStats, filter_key};

/// Outcome of the last delivery of a filter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Accepted,
    Rejected,
    /// Envoy rejected a delivery and skipped a repeated one: this one or another.
    Unclear,
}

impl DeliveredFilter {
    /// Outcome of this delivery. A listener shows only accepted filters. `None` if the statistics about it are missing.
    pub fn outcome(&self, stats: &ProxyStats) -> Option<Outcome> {
        let Some(discovered) = &self.discovered else { return Some(Outcome::Accepted) };
        let is_invalid = matches!(self.config, FilterConfig::Module { policy_text: Some(Err(_)), .. });
        Some(match discovered.outcome(stats)? {
            Outcome::Unclear if is_invalid => Outcome::Rejected,
            outcome => outcome,
        })
    }
}

impl DiscoveredFilter {
    fn outcome(&self, stats: &ProxyStats) -> Option<Outcome> {
        let delivery = stats.deliveries.get(&filter_key(&self.name))?;
        // Envoy counts the repetition of a delivery as accepted, even where it rejected the first one.
        let is_repeated = delivery.accepted.saturating_add(delivery.rejected) > delivery.loaded;
        Some(match self.delivered_at {
            _ if delivery.rejected == 0 => Outcome::Accepted,
            Some(delivered_at) if delivery.accepted_at < delivered_at => Outcome::Rejected,
            Some(_) if !is_repeated => Outcome::Accepted,
            _ => Outcome::Unclear,
        })
    }
}

impl FilterConfig {
    /// Reason for which Envoy rejected this configuration, as far as the policy shows it.
    pub fn rejection(&self) -> String {
        match self {
            Self::Module { policy_text: Some(Err(error)), .. } => error.clone(),
            _ => "the policy is valid for this version of the command; see Envoy's log".to_owned(),
        }
    }
}
