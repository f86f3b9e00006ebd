//! What does the filter itself write to the proxy's log?

use super::Reason;
use crate::policy::{Direction, Mode, PolicyError};
use std::fmt;

/// A line of the proxy's log. There is no other way to write one.
pub enum Line<'a> {
    /// A policy is in force.
    PolicyAccepted(Mode),
    /// A policy was refused.
    PolicyRefused(&'a PolicyError),
    /// The host did not answer the call of that name.
    HostCallFailed(&'static str),
    /// A message was passed on or refused without being read, for a reason that is nobody's intent.
    Uninspected(Direction, Reason),
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PolicyAccepted(mode) => {
                write!(f, "panveil {}: policy accepted, mode {}", env!("CARGO_PKG_VERSION"), mode.as_str())
            }
            Self::PolicyRefused(error) => write!(f, "panveil {}: {error}", env!("CARGO_PKG_VERSION")),
            Self::HostCallFailed(call) => write!(f, "panveil: host call {call} failed"),
            Self::Uninspected(direction, reason) => {
                write!(f, "panveil: {} not inspected: {}", direction.as_str(), reason.as_str())
            }
        }
    }
}
