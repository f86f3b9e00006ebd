//! Whether panveil is active in a proxy.

use super::config_dump::{ConfigDump, DeliveredFilter};
use super::stats::ProxyStats;

/// Whether panveil is active.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProxyState {
    /// A configuration of panveil's is in force.
    Active,
    /// Its policy leaves the proxy's namespace out.
    LeftOut,
    /// It is not there.
    Off,
    /// The statistics of the proxy were not given.
    Unknown,
}

impl ProxyState {
    /// The state in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::LeftOut => "left out",
            Self::Off => "off",
            Self::Unknown => "unknown",
        }
    }
}

/// What is known of panveil in a proxy.
pub struct ProxyStatus {
    pub state: ProxyState,
    /// The versions of the module that are in force, and the modes.
    pub versions: Vec<String>,
    pub modes: Vec<String>,
    /// Of what was delivered: the beginning of the policy's SHA-256, and the module's digest or file.
    pub policies: Vec<String>,
    pub modules: Vec<String>,
    /// The reason when it is not active, and what else is not as it should be.
    pub notes: Vec<String>,
}

impl ProxyStatus {
    /// The verdict on a proxy with these pages.
    pub fn on(config: Option<&ConfigDump>, stats: Option<&ProxyStats>) -> Self {
        let (state, reason) = state(config, stats);
        let in_force = || stats.into_iter().flat_map(|stats| &stats.reported).filter(|reported| reported.in_force);
        let mut status = Self {
            state,
            versions: in_force().map(|reported| reported.version.clone()).collect(),
            modes: in_force().map(|reported| reported.mode.clone()).collect(),
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

    /// Whether panveil is active.
    pub fn is_active(&self) -> bool {
        self.state == ProxyState::Active
    }

    /// Adds what is not as it should be although panveil may be active.
    fn add_notes(&mut self, config: Option<&ConfigDump>, stats: Option<&ProxyStats>) {
        if let Some(config) = config {
            let opens =
                |delivered: &DeliveredFilter| matches!(delivered, DeliveredFilter::Module { fails_open: true, .. });
            if config.delivered.iter().any(opens) {
                self.notes.push("FAIL_OPEN: requests pass unmasked when panveil fails".to_owned());
            }
            for listener in config.listeners.iter().filter(|listener| listener.without > 0) {
                let all = listener.with.saturating_add(listener.without);
                let (name, without) = (&listener.name, listener.without);
                self.notes.push(format!("listener {name}: {without} of {all} HTTP filter chains without panveil"));
            }
        }
        let Some(stats) = stats.filter(|_| self.is_active()) else { return };
        if stats.refused > 0 {
            let refused = stats.refused;
            self.notes
                .push(format!("updates refused since it started: {refused}; the policy delivered may not be in force"));
        }
        for rejected in config.into_iter().flat_map(|config| &config.rejected) {
            self.notes.push(format!("an update of listener {} was rejected: {}", rejected.name, rejected.details));
        }
        if !stats.labelled {
            self.notes.push("metrics without labels: set stats_tags, or extraStatTags and restart the pod".to_owned());
        }
    }
}

/// The state, and the reason when it is not active.
fn state(config: Option<&ConfigDump>, stats: Option<&ProxyStats>) -> (ProxyState, Option<String>) {
    let because = |reason: &str| (ProxyState::Off, Some(reason.to_owned()));
    let named = config.is_none_or(|config| !config.listeners.is_empty());
    let Some(stats) = stats else {
        let module = |delivered: &DeliveredFilter| matches!(delivered, DeliveredFilter::Module { .. });
        return match config {
            Some(config) if named && !config.delivered.is_empty() && config.delivered.iter().all(module) => {
                (ProxyState::Unknown, Some("delivered; /stats/prometheus shows whether it is in force".to_owned()))
            }
            _ => (ProxyState::Off, Some(reason(config, None))),
        };
    };
    let instead = config.into_iter().flat_map(|config| &config.delivered);
    let replaced = instead.into_iter().any(|delivered| !matches!(delivered, DeliveredFilter::Module { .. }));
    let in_force = stats.reported.iter().any(|reported| reported.in_force);
    match () {
        () if in_force && !named => because("no listener names its filter; the listener that did is being drained"),
        () if replaced || !named || stats.reported.is_empty() => (ProxyState::Off, Some(reason(config, Some(stats)))),
        () if in_force => (ProxyState::Active, None),
        () => (ProxyState::LeftOut, Some("the policy leaves the namespace out".to_owned())),
    }
}

/// Why panveil is not there, as far as the pages show it.
fn reason(config: Option<&ConfigDump>, stats: Option<&ProxyStats>) -> String {
    if let Some(config) = config {
        for delivered in &config.delivered {
            match delivered {
                DeliveredFilter::Module { .. } => {}
                DeliveredFilter::DenyAll => return "module not fetched: every request is refused with 403".to_owned(),
                DeliveredFilter::AllowAll => {
                    return "module not fetched, and FAIL_OPEN: every request passes unmasked".to_owned();
                }
            }
        }
        if config.listeners.is_empty() {
            return match config.rejected.first() {
                Some(rejected) => format!("listener {} was rejected: {}", rejected.name, rejected.details),
                None => "no listener names its filter".to_owned(),
            };
        }
    }
    match stats {
        Some(stats) if !stats.not_fetched.is_empty() => {
            format!("module not fetched ({}): every request is refused with 403", stats.not_fetched.join(", "))
        }
        Some(stats) if stats.refused > 0 => "first policy refused: every request is refused with 500".to_owned(),
        Some(stats) if stats.rejected_listeners > 0 && config.is_none() => "Envoy rejected a listener".to_owned(),
        _ => "no configuration of panveil's is in force".to_owned(),
    }
}
