//! State of panveil in a proxy.

use super::config_dump::{ConfigDump, DeliveredFilter};
use super::stats::ProxyStats;

/// State of panveil in a proxy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProxyState {
    /// A configuration of panveil is active.
    Active,
    /// The policy excludes the proxy's namespace.
    LeftOut,
    /// panveil is not active.
    Off,
    /// The statistics of the proxy are missing.
    Unknown,
}

impl ProxyState {
    /// Name of the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
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
    /// Delivered policies, by the beginning of their SHA-256.
    pub policies: Vec<String>,
    /// Delivered modules, by digest or file.
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
            if let DeliveredFilter::Module { module, policy, .. } = delivered {
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

    /// True if panveil is active.
    pub fn is_active(&self) -> bool {
        self.state == ProxyState::Active
    }

    /// Adds problems that may exist although panveil is active.
    fn add_notes(&mut self, config: Option<&ConfigDump>, stats: Option<&ProxyStats>) {
        if let Some(config) = config {
            let opens =
                |delivered: &DeliveredFilter| matches!(delivered, DeliveredFilter::Module { fails_open: true, .. });
            if config.delivered.iter().any(opens) {
                self.notes.push("FAIL_OPEN: requests pass unmasked if panveil fails".to_owned());
            }
            for listener in config.listeners.iter().filter(|listener| listener.without > 0) {
                let all = listener.with.saturating_add(listener.without);
                let (name, without) = (&listener.name, listener.without);
                self.notes.push(format!("listener {name}: {without} of {all} HTTP filter chains without panveil"));
            }
        }
        let Some(stats) = stats.filter(|_| self.is_active()) else { return };
        if stats.rejected_policies > 0 {
            let rejected = stats.rejected_policies;
            self.notes.push(format!(
                "updates rejected since the proxy started: {rejected}; the delivered policy may not be active"
            ));
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
        let module = |delivered: &DeliveredFilter| matches!(delivered, DeliveredFilter::Module { .. });
        return match config {
            Some(config) if named && !config.delivered.is_empty() && config.delivered.iter().all(module) => {
                (ProxyState::Unknown, Some("delivered; /stats/prometheus shows whether it is active".to_owned()))
            }
            _ => (ProxyState::Off, Some(reason(config, None))),
        };
    };
    let delivered = config.into_iter().flat_map(|config| &config.delivered);
    let replaced = delivered.into_iter().any(|delivered| !matches!(delivered, DeliveredFilter::Module { .. }));
    let active = stats.reported.iter().any(|reported| reported.is_active);
    match () {
        () if active && !named => because("no listener references its filter; the listener that did is being drained"),
        () if replaced || !named || stats.reported.is_empty() => (ProxyState::Off, Some(reason(config, Some(stats)))),
        () if active => (ProxyState::Active, None),
        () => (ProxyState::LeftOut, Some("the policy excludes the namespace".to_owned())),
    }
}

/// Reason for which panveil is not active, as far as the pages show it.
fn reason(config: Option<&ConfigDump>, stats: Option<&ProxyStats>) -> String {
    if let Some(config) = config {
        for delivered in &config.delivered {
            match delivered {
                DeliveredFilter::Module { .. } => {}
                DeliveredFilter::DenyAll => return "module not fetched: every request is denied with 403".to_owned(),
                DeliveredFilter::AllowAll => {
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
        Some(stats) if stats.rejected_policies > 0 => "first policy rejected: every request fails with 500".to_owned(),
        Some(stats) if stats.rejected_listeners > 0 && config.is_none() => "Envoy rejected a listener".to_owned(),
        _ => "no configuration of panveil is active".to_owned(),
    }
}
