//! Reasons for missing inspection.

/// The reason why a message, or a part of it, was not inspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The body has a content encoding that panveil cannot decode.
    Encoding,
    /// The message is a range of a larger resource, so that a card number may cross its edges.
    Range,
    /// The content type names a character set that panveil cannot read.
    Charset,
    /// A limit was reached.
    Limit,
    /// The connection was upgraded to another protocol.
    Upgrade,
    /// The policy's action is `skip`.
    Skipped,
    /// The content type is binary, such as an image.
    Binary,
    /// Another filter released held-back bytes before they were decided. They were forwarded masked.
    Released,
    /// Held-back bytes were not forwarded, because another filter kept the end of the body from panveil.
    Incomplete,
    /// A host call failed.
    HostCall,
    /// `content-encoding` contains a name that is not a content encoding. The body was inspected without decoding.
    CodingName,
}

impl Reason {
    /// All reasons.
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

    /// True if the reason is not a gap: inspection was not wanted, or took place without decoding.
    pub const fn is_intended(self) -> bool {
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
