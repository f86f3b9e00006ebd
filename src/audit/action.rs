//! What was done, and why was something not looked at?

use crate::policy::{Decision, Intent, Mode};

/// What was done about a card, or about a whole exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Nothing was found.
    Clean,
    /// A message, or a part of it, could not be read and was passed on.
    Uninspected,
    /// Found in monitor mode: the policy would have acted.
    Reported,
    /// Found where the policy allows cards.
    Allowed,
    /// Masked.
    Masked,
    /// Refused or cut.
    Blocked,
}

/// Why something was not inspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is compressed or encrypted in a way that panveil does not read.
    Encoding,
    /// It is a part of something whose other parts are not there.
    Range,
    /// Its content type names a character set that panveil does not read.
    Charset,
    /// A limit was reached.
    Limit,
    /// The connection was turned over to another protocol.
    Upgrade,
    /// The policy says `skip`.
    Skipped,
    /// Its content type says that it holds no text.
    Binary,
    /// Another filter took along bytes that were held back undecided: they were forwarded masked.
    Released,
    /// Bytes that were held back at its end were never forwarded: another filter kept the end from this one.
    Incomplete,
    /// The host refused a call.
    HostCall,
    /// Its `content-encoding` names no content coding. It was inspected as it stands.
    CodingName,
}

impl Action {
    /// Each that there is, the weakest first.
    pub const ALL: [Self; 6] =
        [Self::Clean, Self::Uninspected, Self::Reported, Self::Allowed, Self::Masked, Self::Blocked];

    /// What `decision` does to a card that was found.
    pub fn of(decision: Decision<'_>) -> Self {
        match (decision.mode, decision.intent) {
            (_, Intent::Skip) => Self::Clean,
            (_, Intent::Allow) => Self::Allowed,
            (Mode::Monitor, Intent::Mask | Intent::Block) => Self::Reported,
            (Mode::Enforce, Intent::Block) => Self::Blocked,
            (Mode::Enforce, Intent::Mask) => Self::Masked,
        }
    }

    /// The name in logs, records and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Uninspected => "uninspected",
            Self::Reported => "reported",
            Self::Allowed => "allowed",
            Self::Masked => "masked",
            Self::Blocked => "blocked",
        }
    }
}

impl Reason {
    /// Each that there is.
    pub const ALL: [Self; 11] = [
        Self::Encoding,
        Self::Range,
        Self::Charset,
        Self::Limit,
        Self::Upgrade,
        Self::Skipped,
        Self::Binary,
        Self::Released,
        Self::Incomplete,
        Self::HostCall,
        Self::CodingName,
    ];

    /// True when nothing is wrong: it was not inspected because it need not be, or it was inspected as it stands.
    pub const fn is_meant(self) -> bool {
        matches!(self, Self::Skipped | Self::Binary | Self::CodingName)
    }

    /// The name in logs, records and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::Range => "range",
            Self::Charset => "charset",
            Self::Limit => "limit",
            Self::Upgrade => "upgrade",
            Self::Skipped => "skipped",
            Self::Binary => "binary",
            Self::Released => "released",
            Self::Incomplete => "incomplete",
            Self::HostCall => "host_call",
            Self::CodingName => "coding_name",
        }
    }
}
