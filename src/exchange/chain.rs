//! Who deals with an exchange when several panveils are in one chain?
//!
//! A plugin for a whole mesh and one of a namespace do not replace each other, they stack. The first that sees an exchange
//! says so in its filter state, which no client can set, and those behind it leave the exchange alone: it is inspected
//! once and counted once. Only a filter that acts does not leave it to one that merely watches. What is decided at the
//! first callback holds to the end, since responses pass the chain the other way around.

use super::Exchange;
use crate::audit::Line;
use crate::host::{Host, HostError, LogLevel};
use crate::policy::Mode;

/// The filter state that a filter claims which acts.
pub const ACTS: &str = "acts";

/// The filter state that says which mode the one that deals with the exchange is in.
const MODE: &str = "mode";
const PANVEIL_MODE: &str = "panveil.mode";

impl Exchange {
    /// Whether another panveil deals with this exchange. If not, this one does, and says so.
    pub(super) fn handled_elsewhere<H: Host>(&mut self, host: &mut H) -> bool {
        if let Some(aside) = self.aside {
            return aside;
        }
        let mode = self.policy.mode();
        let aside = is_dealt_with(host, mode).unwrap_or_else(|error| {
            host.log(LogLevel::Warn, &Line::HostCallFailed(error.call));
            false
        });
        if !aside {
            self.publish(host, MODE, mode.as_str());
        }
        self.aside = Some(aside);
        aside
    }
}

fn is_dealt_with<H: Host>(host: &mut H, mode: Mode) -> Result<bool, HostError> {
    match mode {
        Mode::Enforce => host.claim(ACTS, mode.as_str()).map(|claimed| !claimed),
        Mode::Monitor => host.property(&[PANVEIL_MODE]).map(|first| first.is_some()),
    }
}
