//! Statistics of a proxy, as far as they concern panveil.

use std::collections::BTreeMap;

/// Begin of the statistics about the delivery of a filter by discovery. The name of the filter follows.
const DISCOVERY: &str = "envoy_extension_config_discovery_http_filter_";
/// Parts of the name of `panveil_config_info` in a proxy without tag rules, where the labels are part of the name.
const UNLABELLED: (&str, &str, &str) = ("panveil_config_version___", "___mode___", "___info");

/// Page /stats/prometheus, as far as it concerns panveil.
#[derive(Default)]
pub struct ProxyStats {
    /// Configurations that panveil reports.
    pub reported: Vec<ReportedConfig>,
    /// Deliveries of panveil's filters by discovery, by [`filter_key`].
    pub deliveries: BTreeMap<String, DeliveryStats>,
    /// Number of updates of listeners that Envoy rejected since it started.
    pub rejected_listeners: u64,
    /// Reasons for which Istio's agent could not fetch modules.
    pub not_fetched: Vec<String>,
    /// True if panveil's metrics have labels.
    pub labelled: bool,
}

/// Configuration that panveil reports in `panveil_config_info`.
#[derive(Clone)]
pub struct ReportedConfig {
    /// Version of the module.
    pub version: String,
    /// `monitor` or `enforce`.
    pub mode: String,
    /// True if the configuration is active. One that excludes the proxy's namespace is not.
    pub is_active: bool,
}

/// Deliveries of a filter by discovery since Envoy started.
#[derive(Default)]
pub struct DeliveryStats {
    /// Number of accepted deliveries, also of those that Envoy skipped because they repeated the previous one.
    pub accepted: u64,
    /// Number of rejected deliveries.
    pub rejected: u64,
    /// Number of deliveries that differed from the previous one, whether accepted or rejected.
    pub loaded: u64,
    /// Time of the last accepted delivery, in milliseconds since 1970; 0 before the first one.
    pub accepted_at: u64,
}

impl ProxyStats {
    /// Number of deliveries of panveil's filters that Envoy rejected since it started.
    pub fn rejected_deliveries(&self) -> u64 {
        self.deliveries.values().fold(0, |sum, delivery| sum.saturating_add(delivery.rejected))
    }

    /// Reads the page. `None` if it has no sample of Envoy.
    pub fn read(text: &str) -> Option<Self> {
        let mut stats = Self { labelled: true, ..Self::default() };
        let mut of_envoy = false;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.trim_end().rsplit_once(' ') else { continue };
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let Ok(value) = value.parse::<f64>() else { continue };
            of_envoy |= name.starts_with("envoy_");
            stats.take(name, labels, value);
        }
        of_envoy.then_some(stats)
    }

    fn take(&mut self, name: &str, labels: &str, value: f64) {
        let count = || if value >= 1.0 { 1 } else { 0 };
        if name == "panveil_config_info" {
            let [version, mode] = ["version", "mode"].map(|name| label(labels, name).unwrap_or_default().to_owned());
            self.reported.push(ReportedConfig { version, mode, is_active: count() == 1 });
        } else if let Some((version, mode)) = unlabelled(name) {
            self.labelled = false;
            self.reported.push(ReportedConfig { version, mode, is_active: count() == 1 });
        } else if let Some(statistic) = name.strip_prefix(DISCOVERY) {
            self.take_delivery(statistic, whole(value));
        } else if name == "envoy_listener_manager_lds_update_rejected" {
            self.rejected_listeners = whole(value);
        } else if name == "istio_agent_wasm_remote_fetch_count" || name == "istio_agent_wasm_config_conversion_count" {
            let result = label(labels, "result").unwrap_or_default();
            if count() == 1 && !["success", "no_remote_load"].contains(&result) {
                self.not_fetched.push(result.to_owned());
            }
        }
    }

    fn take_delivery(&mut self, statistic: &str, value: u64) {
        let endings = ["_update_success", "_update_rejected", "_config_reload", "_update_time"];
        let named = |ending: &str| statistic.strip_suffix(ending).filter(|filter| filter.contains("panveil"));
        let Some((ending, filter)) = endings.iter().find_map(|&ending| Some((ending, named(ending)?))) else { return };
        let delivery = self.deliveries.entry(filter.to_owned()).or_default();
        match ending {
            "_update_success" => delivery.accepted = value,
            "_update_rejected" => delivery.rejected = value,
            "_config_reload" => delivery.loaded = value,
            _ => delivery.accepted_at = value,
        }
    }
}

/// Name of a filter in the names of its statistics.
pub fn filter_key(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

/// Counter in the format of Prometheus.
fn whole(value: f64) -> u64 {
    format!("{value:.0}").parse().unwrap_or_default()
}

/// Version and mode in the name of the metric.
fn unlabelled(name: &str) -> Option<(String, String)> {
    let (begin, between, end) = UNLABELLED;
    let (version, mode) = name.strip_prefix(begin)?.strip_suffix(end)?.split_once(between)?;
    Some((version.replace('_', "."), mode.to_owned()))
}

/// Value of a label.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let start = format!("{name}=\"");
    let own = |at: &usize| labels.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with(','));
    let (at, _) = labels.match_indices(&start).find(|(at, _)| own(at))?;
    labels.get(at.checked_add(start.len())?..)?.split('"').next()
}
