//! What does the filter itself write to the proxy's log?

use crate::policy::{Mode, PolicyError};
use std::fmt;

/// A line of the proxy's log. There is no other way to write one.
pub enum Line<'a> {
    /// A policy is in force.
    PolicyAccepted(Mode),
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
            Self::PolicyRefused(error) => write!(f, "panveil {}: {error}", env!("CARGO_PKG_VERSION")),
            Self::HostCallFailed(call) => write!(f, "panveil: host call {call} failed"),
        }
    }
}
