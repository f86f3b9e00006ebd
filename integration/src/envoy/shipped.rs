//! Which files does an operator copy for a plain Envoy? All of them are built alike.

use anyhow::{Context, Result};
use serde_json::Value;

/// One of the files that are a whole configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shipped {
    /// In front of a service.
    Sidecar,
    /// On what a service sends out.
    Outbound,
    /// At the edge.
    Gateway,
    /// In front of a service, with the filter in a file of its own.
    Dynamic,
}

impl Shipped {
    /// Each that there is.
    pub const ALL: [Self; 4] = [Self::Sidecar, Self::Outbound, Self::Gateway, Self::Dynamic];

    /// The name of its file.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Sidecar => "sidecar.yaml",
            Self::Outbound => "outbound.yaml",
            Self::Gateway => "gateway.yaml",
            Self::Dynamic => "dynamic.yaml",
        }
    }

    /// What the file calls its listener.
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
