//! Decision table: outcome for a location by mode, intent and content.
//!
//! | content | `skip` | `allow` | `mask` | `block` |
//! |---|---|---|---|---|
//! | finding, enforce mode | clean | allowed | masked | blocked |
//! | finding, monitor mode | clean | allowed | reported | reported |
//! | uninspectable, `uninspectable` is `block`, enforce mode | uninspected | blocked | blocked | blocked |
//! | uninspectable, otherwise | uninspected | uninspected | uninspected | uninspected |

use super::{Intent, Mode, Uninspectable};

named! {
    /// Outcome for a finding, a message or a stream. Ordered from weakest to strongest.
    #[derive(PartialOrd, Ord)]
    pub enum Outcome {
        /// No finding, or the policy skips the location.
        Clean = "clean",
        /// A message, or a part of it, could not be inspected and was forwarded.
        Uninspected = "uninspected",
        /// A finding was reported in monitor mode, and the message was not changed.
        Reported = "reported",
        /// A finding was forwarded unchanged, because the policy allows it.
        Allowed = "allowed",
        /// A finding was masked.
        Masked = "masked",
        /// The message was stopped by a local reply or a reset.
        Blocked = "blocked",
    }
}

/// Content of a location, as far as the decision depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A card number or authentication data.
    Finding,
    /// Content that cannot be inspected, and its handling by the policy.
    Uninspectable(Uninspectable),
}

impl Content {
    /// Content that is unknown because a host call failed. No policy lets it pass in enforce mode.
    pub const UNAVAILABLE: Self = Self::Uninspectable(Uninspectable::Block);
}

impl Outcome {
    /// Outcome by the table.
    pub(super) fn of(mode: Mode, intent: Intent, content: Content) -> Self {
        match (content, mode, intent) {
            (Content::Finding, _, Intent::Skip) => Self::Clean,
            (Content::Finding, _, Intent::Allow) => Self::Allowed,
            (Content::Finding, Mode::Monitor, Intent::Mask | Intent::Block) => Self::Reported,
            (Content::Finding, Mode::Enforce, Intent::Mask) => Self::Masked,
            (Content::Finding, Mode::Enforce, Intent::Block) => Self::Blocked,
            (Content::Uninspectable(Uninspectable::Pass), _, _)
            | (Content::Uninspectable(_), Mode::Monitor, _)
            | (Content::Uninspectable(_), _, Intent::Skip) => Self::Uninspected,
            (Content::Uninspectable(Uninspectable::Block), Mode::Enforce, _) => Self::Blocked,
        }
    }

    /// True if the digits of a finding are not forwarded.
    pub fn protects(self) -> bool {
        matches!(self, Self::Masked | Self::Blocked)
    }

    /// Rank among possible outcomes for a finding, of which the strictest applies. A report is stricter than a permission.
    pub(super) fn strictness(self) -> u8 {
        match self {
            Self::Clean | Self::Uninspected => 0,
            Self::Allowed => 1,
            Self::Reported => 2,
            Self::Masked => 3,
            Self::Blocked => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Allowed, Blocked, Clean, Masked, Reported, Uninspected};

    #[test]
    fn every_decision_is_in_the_table() {
        const INTENTS: [Intent; 4] = [Intent::Skip, Intent::Allow, Intent::Mask, Intent::Block];
        const PASS: Content = Content::Uninspectable(Uninspectable::Pass);
        const BLOCK: Content = Content::Uninspectable(Uninspectable::Block);
        for (content, mode, expected) in [
            (Content::Finding, Mode::Enforce, [Clean, Allowed, Masked, Blocked]),
            (Content::Finding, Mode::Monitor, [Clean, Allowed, Reported, Reported]),
            (PASS, Mode::Enforce, [Uninspected; 4]),
            (PASS, Mode::Monitor, [Uninspected; 4]),
            (BLOCK, Mode::Enforce, [Uninspected, Blocked, Blocked, Blocked]),
            (BLOCK, Mode::Monitor, [Uninspected; 4]),
            (Content::UNAVAILABLE, Mode::Enforce, [Uninspected, Blocked, Blocked, Blocked]),
        ] {
            let outcomes = INTENTS.map(|intent| Outcome::of(mode, intent, content));
            assert_eq!(outcomes, expected, "{content:?} {mode:?}");
        }
    }

    #[test]
    fn outcomes_are_ordered() {
        assert!(Outcome::ALL.is_sorted());
        let strict_first = [Blocked, Masked, Reported, Allowed, Clean];
        assert!(strict_first.is_sorted_by_key(|outcome| u8::MAX - outcome.strictness()));
    }
}
