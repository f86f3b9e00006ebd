//! Lines that panveil writes to the proxy's log.

use crate::policy::{Mode, PolicyError};
use std::fmt;

/// A line of the proxy's log. [`Host::log`](crate::host::Host::log) accepts no other text.
pub enum Line<'a> {
    /// A policy is active.
    PolicyAccepted(Mode),
    /// The active policy excludes the namespace of this proxy.
    NamespaceExcluded,
    /// The policy depends on the namespace, but the proxy's metadata does not contain it.
    NamespaceUnknown,
    /// A policy was rejected.
    PolicyRejected(&'a PolicyError),
    /// The host call of this name failed.
    HostCallFailed(&'static str),
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PolicyAccepted(mode) => {
                write!(f, "panveil {}: policy accepted, mode {}", env!("CARGO_PKG_VERSION"), mode.as_str())
            }
            Self::NamespaceExcluded => {
                f.write_str("panveil: the policy excludes this namespace; no traffic is inspected")
            }
            Self::NamespaceUnknown => f.write_str(
                "panveil: the proxy's metadata has no NAMESPACE, so the policy's namespaces have no effect; \
                 this proxy is treated as included",
            ),
            Self::PolicyRejected(error) => write!(f, "panveil {}: {error}", env!("CARGO_PKG_VERSION")),
            Self::HostCallFailed(call) => write!(f, "panveil: host call {call} failed"),
        }
    }
}
