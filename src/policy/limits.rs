//! Limits on resources that traffic could exhaust.

use super::field::fields;
use super::kind::Whole;

fields! {
    derive(Clone, Copy, Debug, PartialEq, Eq)
    /// Limits on resources that traffic could exhaust.
    pub struct Limits {
        /// Bytes of one message that may be held back in Envoy at a time. Together with one more frame they must fit into the
        /// HTTP/2 stream window.
        // Edge proxies keep the initial window of HTTP/2, 64 KiB.
        pub paused_bytes: usize as Whole<{ 1 << 10 }, { 16 << 20 }> = 32 << 10;
        /// Decoded bytes per byte of a compressed message, once 1 MiB has been decoded.
        pub inflate_ratio: u32 as Whole<1, 1_000_000> = 100;
        /// Bytes that all streams of one Envoy worker together may use to decode compressed messages. When more are needed, the
        /// messages that hold the most are reset.
        pub memory_bytes: usize as Whole<{ 8 << 20 }, { 1 << 30 }> = 48 << 20;
        /// Findings in one message. A message with more is logged, and blocked with `uninspectable: block`.
        pub findings_per_message: u32 as Whole<1, 1_000_000> = 1000;
        /// Number of header or trailer fields. Blocks with more are not inspected.
        // Envoy itself passes at most 1024 fields and 1 MiB to a filter.
        pub header_count: usize as Whole<1, 1024> = 1000;
        /// Size of header or trailer fields in bytes. Larger blocks are not inspected.
        pub header_bytes: usize as Whole<{ 1 << 10 }, { 1 << 20 }> = 256 << 10;
    }
}

named! {
    /// A limit that traffic reached.
    pub enum Limit {
        /// [`Limits::paused_bytes`].
        PausedBytes = "paused_bytes",
        /// [`Limits::inflate_ratio`].
        InflateRatio = "inflate_ratio",
        /// [`Limits::memory_bytes`].
        MemoryBytes = "memory_bytes",
        /// [`Limits::findings_per_message`].
        FindingsPerMessage = "findings_per_message",
        /// [`Limits::header_count`].
        HeaderCount = "header_count",
        /// [`Limits::header_bytes`].
        HeaderBytes = "header_bytes",
    }
}
