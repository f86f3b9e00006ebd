//! Effective mode of mutual TLS.
//!
//! Source: `ComposePeerAuthentication` and `addPeerAuthentication` of istiod. The oldest policy of a level counts. A policy with a
//! selector in the root namespace does not count for modes.

use super::mesh::{Mesh, SECURITY};
use crate::manifest::{Labels, Resource};

/// Mode of mutual TLS for inbound connections.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum MtlsMode {
    Strict,
    Permissive,
    Disable,
}

/// Effective mode, and the policy that sets it.
pub struct EffectiveMtls<'m> {
    pub mode: MtlsMode,
    /// `None` if no policy sets a mode.
    pub source: Option<&'m Resource>,
    /// True if the mode is set for the workload or port, not for the namespace or mesh.
    pub is_own: bool,
}

impl MtlsMode {
    /// Name of the mode in Istio's resources.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "STRICT",
            Self::Permissive => "PERMISSIVE",
            Self::Disable => "DISABLE",
        }
    }

    /// Mode at these fields. `None` for UNSET and an absent mode, which inherit.
    pub fn at(policy: &Resource, fields: &[&str]) -> Option<Self> {
        match policy.node().text(fields)? {
            "STRICT" => Some(Self::Strict),
            "PERMISSIVE" => Some(Self::Permissive),
            "DISABLE" => Some(Self::Disable),
            _ => None,
        }
    }
}

impl<'m> EffectiveMtls<'m> {
    /// Effective mode for a port of a workload.
    pub fn of(mesh: &Mesh<'m>, namespace: &str, labels: &Labels<'_>, port: Option<u16>) -> Self {
        let policies = mesh.applying(SECURITY, "PeerAuthentication", namespace, labels);
        let has_selector =
            |policy: &Resource| policy.node().pairs(&["spec", "selector", "matchLabels"]).next().is_some();
        let first = |is_root: bool, with_selector: bool| {
            policies
                .iter()
                .find(|policy| (policy.namespace == mesh.root) == is_root && has_selector(policy) == with_selector)
                .copied()
        };
        let own = first(false, true);
        let at_port = port.and_then(|port| {
            let policy = own?;
            let mode = MtlsMode::at(policy, &["spec", "portLevelMtls", &port.to_string(), "mode"])?;
            Some(Self { mode, source: Some(policy), is_own: true })
        });
        let levels = [(own, true), (first(false, false), false), (first(true, false), false)];
        let inherited = || {
            levels.into_iter().find_map(|(policy, is_own)| {
                let mode = MtlsMode::at(policy?, &["spec", "mtls", "mode"])?;
                Some(Self { mode, source: policy, is_own })
            })
        };
        let default = Self { mode: MtlsMode::Permissive, source: None, is_own: false };
        at_port.or_else(inherited).unwrap_or(default)
    }
}
