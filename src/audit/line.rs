//! What does the filter itself write to the proxy's log?

use crate::policy::{Mode, PolicyError};
use std::fmt;

/// A line of the proxy's log. There is no other way to write one.
pub enum Line<'a> {
    /// A policy is in force.
    PolicyAccepted(Mode),
    /// The policy in force does nothing in this namespace.
    NamespaceLeftOut,
    /// The policy depends on the namespace, and the proxy does not say which that is.
    NamespaceUnknown,
    /// A policy was refused.
    PolicyRefused(&'a PolicyError),
    /// The host did not answer the call of that name.
    HostCallFailed(&'static str),
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PolicyAccepted(mode) => {
                write!(f, "panveil {}: policy accepted, mode {}", env!("CARGO_PKG_VERSION"), mode.as_str())
            }
            Self::NamespaceLeftOut => {
                f.write_str("panveil: namespaces of the policy leaves this namespace out; nothing is looked at")
            }
            Self::NamespaceUnknown => f.write_str(
                "panveil: namespaces of the policy cannot be told apart, since the proxy's metadata has no NAMESPACE; \
                 acting as in a namespace that is included",
            ),
            Self::PolicyRefused(error) => write!(f, "panveil {}: {error}", env!("CARGO_PKG_VERSION")),
            Self::HostCallFailed(call) => write!(f, "panveil: host call {call} failed"),
        }
    }
}
