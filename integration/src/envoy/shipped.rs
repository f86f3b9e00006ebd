//! Shipped configurations for a standalone Envoy. All have the same structure.

use anyhow::{Context, Result};
use serde_json::Value;

/// Shipped file with a complete configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shipped {
    /// In front of an upstream.
    Sidecar,
    /// For requests that a service sends.
    Outbound,
    /// At the edge.
    Gateway,
    /// In front of an upstream, with the filter in a file of its own.
    Dynamic,
}

impl Shipped {
    /// Every shipped file.
    pub const ALL: [Self; 4] = [Self::Sidecar, Self::Outbound, Self::Gateway, Self::Dynamic];

    /// File name.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Sidecar => "sidecar.yaml",
            Self::Outbound => "outbound.yaml",
            Self::Gateway => "gateway.yaml",
            Self::Dynamic => "dynamic.yaml",
        }
    }

    /// Name of the listener in the file.
    pub(super) fn listener(self) -> &'static str {
        match self {
            Self::Sidecar | Self::Dynamic => "inbound",
            Self::Outbound => "outbound",
            Self::Gateway => "gateway",
        }
    }

    pub(super) fn read(self) -> Result<Value> {
        let text = match self {
            Self::Sidecar => include_str!("../../../envoy-config/standalone/sidecar.yaml"),
            Self::Outbound => include_str!("../../../envoy-config/standalone/outbound.yaml"),
            Self::Gateway => include_str!("../../../envoy-config/standalone/gateway.yaml"),
            Self::Dynamic => include_str!("../../../envoy-config/standalone/dynamic.yaml"),
        };
        serde_saphyr::from_str(text).context(self.file())
    }
}
