//! How much of anything, at most?

use super::document::Document;
use super::error::PolicyError;
#[cfg(feature = "cli")]
use super::schema;

/// What is allowed of each thing that traffic could have too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema), schemars(transform = schema::object))]
pub struct Limits {
    /// Bytes of one message that are held back in Envoy at a time. With one more frame they must fit the HTTP/2 stream
    /// window.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::whole::<1024, 16_777_216>", extend("default" = 32_768)))]
    pub paused_bytes: usize,
    /// Decompressed bytes of a message per compressed byte, after 1 MiB of output.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::whole::<1, 1_000_000>", extend("default" = 100)))]
    pub inflate_ratio: u32,
    /// Memory for decompression in all streams of a worker. Beyond it, the messages that use most memory are blocked.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::whole::<8_388_608, 1_073_741_824>", extend("default" = 50_331_648)))]
    pub memory_bytes: usize,
    /// Findings in one message. A message with more is reported, and blocked with `uninspectable: block`.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::whole::<1, 1_000_000>", extend("default" = 1000)))]
    pub findings_per_message: u32,
    /// Fields in headers or trailers. Larger ones are not inspected.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::whole::<1, 1024>", extend("default" = 1000)))]
    pub header_count: usize,
    /// Bytes in headers or trailers. Larger ones are not inspected.
    #[cfg_attr(feature = "cli", schemars(schema_with = "schema::whole::<1024, 1_048_576>", extend("default" = 262_144)))]
    pub header_bytes: usize,
}

/// A limit that traffic reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::paused_bytes`].
    PausedBytes,
    /// [`Limits::inflate_ratio`].
    InflateRatio,
    /// [`Limits::memory_bytes`].
    MemoryBytes,
    /// [`Limits::findings_per_message`].
    FindingsPerMessage,
    /// [`Limits::header_count`].
    HeaderCount,
    /// [`Limits::header_bytes`].
    HeaderBytes,
}

impl Limits {
    pub(super) fn read(document: &Document) -> Result<Self, PolicyError> {
        let [paused_bytes, inflate_ratio, memory_bytes, findings_per_message, header_count, header_bytes] = document
            .fields([
                "paused_bytes",
                "inflate_ratio",
                "memory_bytes",
                "findings_per_message",
                "header_count",
                "header_bytes",
            ])?;
        // Lossless, by the bounds.
        let up_to_a_million = |value: &Document| value.whole_number(1, 1_000_000).map(|number| number as u32);
        Ok(Self {
            // With one frame more it must fit the stream window that HTTP/2 begins with, which edge proxies keep.
            paused_bytes: paused_bytes.or(32 << 10, |value| value.whole_number(1 << 10, 16 << 20))?,
            inflate_ratio: inflate_ratio.or(100, up_to_a_million)?,
            memory_bytes: memory_bytes.or(48 << 20, |value| value.whole_number(8 << 20, 1 << 30))?,
            findings_per_message: findings_per_message.or(1000, up_to_a_million)?,
            // What Envoy itself hands over at most is 1024 fields and 1 MiB.
            header_count: header_count.or(1000, |value| value.whole_number(1, 1024))?,
            header_bytes: header_bytes.or(256 << 10, |value| value.whole_number(1 << 10, 1 << 20))?,
        })
    }
}

impl Limit {
    /// Each that there is.
    pub const ALL: [Self; 6] = [
        Self::PausedBytes,
        Self::InflateRatio,
        Self::MemoryBytes,
        Self::FindingsPerMessage,
        Self::HeaderCount,
        Self::HeaderBytes,
    ];

    /// The name in policies, records and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PausedBytes => "paused_bytes",
            Self::InflateRatio => "inflate_ratio",
            Self::MemoryBytes => "memory_bytes",
            Self::FindingsPerMessage => "findings_per_message",
            Self::HeaderCount => "header_count",
            Self::HeaderBytes => "header_bytes",
        }
    }
}
