//! Coordination of several panveil filters in one chain.
//!
//! A plugin for the whole mesh and one for a namespace are both in the chain. The first filter of a stream claims it in the filter
//! state, which clients cannot set, and the others leave the stream alone: it is inspected and counted once. A filter in enforce
//! mode ignores the claims of filters in monitor mode. The decision at the first callback holds for the whole stream, because
//! responses pass the chain in reverse order.

use super::Exchange;
use super::access_log::set;
use crate::audit::Line;
use crate::host::{Host, HostError, LogLevel};
use crate::policy::Mode;

/// The filter state that a filter in enforce mode claims.
pub const ACTS: &str = "acts";

/// The filter state with the mode of the filter that handles the stream.
const MODE: &str = "mode";
const PANVEIL_MODE: &str = "panveil.mode";

impl Exchange {
    /// True if another panveil filter handles this stream. If not, this one claims it.
    pub(super) fn handled_elsewhere(&mut self, host: &mut dyn Host) -> bool {
        if let Some(elsewhere) = self.handled_elsewhere {
            return elsewhere;
        }
        let mode = self.policy.mode();
        let elsewhere = is_claimed(host, mode).unwrap_or_else(|error| {
            host.log(LogLevel::Warn, &Line::HostCallFailed(error.call));
            false
        });
        if !elsewhere {
            set(host, MODE, mode.as_str());
        }
        self.handled_elsewhere = Some(elsewhere);
        elsewhere
    }
}

/// True if another filter has claimed the stream.
fn is_claimed(host: &mut dyn Host, mode: Mode) -> Result<bool, HostError> {
    match mode {
        Mode::Enforce => host.claim(ACTS, mode.as_str()).map(|claimed| !claimed),
        Mode::Monitor => host.property(&[PANVEIL_MODE]).map(|first| first.is_some()),
    }
}
