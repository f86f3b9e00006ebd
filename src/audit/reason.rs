//! Reasons for missing inspection.

named! {
    /// The reason why a message, or a part of it, was not inspected.
    pub enum Reason {
        /// The body has a content encoding that panveil cannot decode.
        Encoding = "encoding",
        /// The message is a range of a larger resource, so that a card number may cross its edges.
        Range = "range",
        /// The content type names a character set that panveil cannot read.
        Charset = "charset",
        /// A limit was reached.
        Limit = "limit",
        /// The connection was upgraded to another protocol.
        Upgrade = "upgrade",
        /// The policy's action is `skip`.
        Skipped = "skipped",
        /// The content type is binary, such as an image.
        Binary = "binary",
        /// Another filter released held-back bytes before they were decided. They were forwarded masked.
        Released = "released",
        /// Held-back bytes were not forwarded, because another filter kept the end of the body from panveil.
        Incomplete = "incomplete",
        /// A host call failed.
        HostCall = "host_call",
        /// `content-encoding` contains a name that is not a content encoding. The body was inspected without decoding.
        CodingName = "coding_name",
    }
}

impl Reason {
    /// True if the reason is not a gap: inspection was not wanted, or took place without decoding.
    pub const fn is_intended(self) -> bool {
        matches!(self, Self::Skipped | Self::Binary | Self::CodingName)
    }
}
