//! State of panveil in a proxy.

use super::config_dump::{ConfigDump, DeliveredFilter, FilterConfig};
use super::delivery::Outcome;
use super::stats::ProxyStats;

/// State of panveil in a proxy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProxyState {
    /// The delivered configuration of panveil is active.
    Active,
    /// Envoy rejected the delivered configuration, and a previous one is active.
    Rejected,
    /// The policy excludes the proxy's namespace.
    LeftOut,
    /// panveil is not active.
    Off,
    /// The pages do not show whether the delivered configuration is active.
    Unknown,
}

impl ProxyState {
    /// Name of the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Rejected => "rejected",
            Self::LeftOut => "left out",
            Self::Off => "off",
            Self::Unknown => "unknown",
        }
    }
}

/// State of panveil in a proxy, with its configuration.
pub struct ProxyStatus {
    pub state: ProxyState,
    /// Active versions of the module.
    pub versions: Vec<String>,
    /// Active modes.
    pub modes: Vec<String>,
    /// Delivered policies that Envoy did not reject, by the beginning of their SHA-256.
    pub policies: Vec<String>,
    /// Delivered modules of configurations that Envoy did not reject, by digest or file.
    pub modules: Vec<String>,
    /// Reason for which panveil is not active, and other problems.
    pub notes: Vec<String>,
}

impl ProxyStatus {
    /// Status of a proxy with these pages.
    pub fn of(config: Option<&ConfigDump>, stats: Option<&ProxyStats>) -> Self {
        let (state, reason) = state(config, stats);
        let active = || stats.into_iter().flat_map(|stats| &stats.reported).filter(|reported| reported.is_active);
        let mut status = Self {
            state,
            versions: active().map(|reported| reported.version.clone()).collect(),
            modes: active().map(|reported| reported.mode.clone()).collect(),
            policies: Vec::new(),
            modules: Vec::new(),
            notes: reason.into_iter().collect(),
        };
        for delivered in config.into_iter().flat_map(|config| &config.delivered) {
            let is_rejected = stats.and_then(|stats| delivered.outcome(stats)) == Some(Outcome::Rejected);
            if let FilterConfig::Module { module, policy, .. } = &delivered.config
                && !is_rejected
            {
                status.modules.push(module.clone());
                status.policies.push(policy.clone());
            }
        }
        for list in [&mut status.versions, &mut status.modes, &mut status.policies, &mut status.modules] {
            list.sort();
            list.dedup();
        }
        status.add_notes(config, stats);
        status
    }

    /// True if the delivered configuration of panveil is active.
    pub fn is_active(&self) -> bool {
        self.state == ProxyState::Active
    }

    /// Adds problems that may exist although panveil is active.
    fn add_notes(&mut self, config: Option<&ConfigDump>, stats: Option<&ProxyStats>) {
        if let Some(config) = config {
            let opens = |config: &FilterConfig| matches!(config, FilterConfig::Module { fails_open: true, .. });
            if config.delivered.iter().any(|delivered| opens(&delivered.config)) {
                self.notes.push("FAIL_OPEN: requests pass unmasked if panveil fails".to_owned());
            }
            for listener in config.listeners.iter().filter(|listener| listener.without > 0) {
                let all = listener.with.saturating_add(listener.without);
                let (name, without) = (&listener.name, listener.without);
                self.notes.push(format!("listener {name}: {without} of {all} HTTP filter chains without panveil"));
            }
        }
        let Some(stats) = stats.filter(|_| self.is_active()) else { return };
        let outcomes: Vec<Option<Outcome>> =
            config.into_iter().flat_map(|config| &config.delivered).map(|delivered| delivered.outcome(stats)).collect();
        if outcomes.contains(&None) {
            self.notes
                .push("no statistics extension_config_discovery: the delivered policy may not be active".to_owned());
        }
        let rejected = stats.rejected_deliveries();
        if outcomes.contains(&Some(Outcome::Unclear)) {
            self.notes.push(format!(
                "updates rejected since the proxy started: {rejected}; the delivered policy may not be active, see Envoy's log"
            ));
        } else if rejected > 0 {
            self.notes.push(format!("updates rejected since the proxy started: {rejected}; a later one is active"));
        }
        for rejected in config.into_iter().flat_map(|config| &config.rejected) {
            self.notes.push(format!("listener {}: update rejected: {}", rejected.name, rejected.details));
        }
        if !stats.labelled {
            self.notes.push("metrics without labels; set stats_tags, or extraStatTags and restart the pod".to_owned());
        }
    }
}

/// State, and the reason if it is not active.
fn state(config: Option<&ConfigDump>, stats: Option<&ProxyStats>) -> (ProxyState, Option<String>) {
    let because = |reason: &str| (ProxyState::Off, Some(reason.to_owned()));
    let named = config.is_none_or(|config| !config.listeners.is_empty());
    let Some(stats) = stats else {
        return match config {
            Some(config) if named && !config.delivered.is_empty() && !is_replaced(config) => {
                (ProxyState::Unknown, Some("delivered; /stats/prometheus shows whether it is active".to_owned()))
            }
            _ => (ProxyState::Off, Some(reason(config, None))),
        };
    };
    let active = stats.reported.iter().any(|reported| reported.is_active);
    match () {
        () if active && !named => because("no listener references its filter; the listener that did is being drained"),
        () if config.is_some_and(is_replaced) || !named || stats.reported.is_empty() => {
            (ProxyState::Off, Some(reason(config, Some(stats))))
        }
        () => unconfirmed(config, stats).unwrap_or_else(|| match active {
            true => (ProxyState::Active, None),
            false => (ProxyState::LeftOut, Some("the policy excludes the namespace".to_owned())),
        }),
    }
}

/// True if Istio's agent replaced a module that it could not fetch.
fn is_replaced(config: &ConfigDump) -> bool {
    config.delivered.iter().any(|delivered| !matches!(delivered.config, FilterConfig::Module { .. }))
}

/// Filter whose last delivery Envoy rejected.
fn rejected<'a>(config: &'a ConfigDump, stats: &ProxyStats) -> Option<&'a DeliveredFilter> {
    config.delivered.iter().find(|delivered| delivered.outcome(stats) == Some(Outcome::Rejected))
}

/// State of a proxy in which panveil runs, if the delivered configuration is not active or perhaps not active.
fn unconfirmed(config: Option<&ConfigDump>, stats: &ProxyStats) -> Option<(ProxyState, Option<String>)> {
    let Some(config) = config else {
        return (stats.rejected_deliveries() > 0).then(|| {
            let reason = "an update was rejected; /config_dump shows whether the delivered configuration is active";
            (ProxyState::Unknown, Some(reason.to_owned()))
        });
    };
    for rejected in &config.rejected {
        let is_active = |own: &FilterConfig| config.delivered.iter().any(|delivered| delivered.config == *own);
        if let Some(own) = rejected.filters.iter().find(|own| !is_active(own)) {
            let (name, details, cause) = (&rejected.name, &rejected.details, own.rejection());
            let reason = format!("listener {name}: the previous configuration stays active: {details}; {cause}");
            return Some((ProxyState::Rejected, Some(reason)));
        }
    }
    let rejected = rejected(config, stats)?;
    let reason = format!("the previous configuration stays active: {}", rejected.config.rejection());
    Some((ProxyState::Rejected, Some(reason)))
}

/// Reason for which panveil is not active, as far as the pages show it.
fn reason(config: Option<&ConfigDump>, stats: Option<&ProxyStats>) -> String {
    if let Some(config) = config {
        for delivered in &config.delivered {
            match delivered.config {
                FilterConfig::Module { .. } => {}
                FilterConfig::DenyAll => return "module not fetched: every request is denied with 403".to_owned(),
                FilterConfig::AllowAll => {
                    return "module not fetched, and FAIL_OPEN: every request passes unmasked".to_owned();
                }
            }
        }
        if config.listeners.is_empty() {
            return match config.rejected.first() {
                Some(rejected) => format!("listener {}: rejected: {}", rejected.name, rejected.details),
                None => "no listener references its filter".to_owned(),
            };
        }
    }
    match stats {
        Some(stats) if !stats.not_fetched.is_empty() => {
            format!("module not fetched ({}): every request is denied with 403", stats.not_fetched.join(", "))
        }
        Some(stats) if stats.rejected_deliveries() > 0 => {
            let rejected = config.and_then(|config| rejected(config, stats));
            let cause = rejected.map(|delivered| format!("; {}", delivered.config.rejection()));
            format!("first policy rejected: every request fails with 500{}", cause.unwrap_or_default())
        }
        Some(stats) if stats.rejected_listeners > 0 && config.is_none() => "Envoy rejected a listener".to_owned(),
        _ => "no configuration of panveil is active".to_owned(),
    }
}
