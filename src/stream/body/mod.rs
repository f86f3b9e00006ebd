//! Inspection and masking of one body: which bytes of each chunk are forwarded, and which are held back.
//!
//! | kind | content |
//! |---|---|
//! | [`Plain`] | a text, or a sequence of texts such as lines, without framing in between |
//! | [`DualRead`] | protobuf or gRPC messages, inspected both field by field and as text |
//! | [`WebSocket`] | WebSocket frames |
//! | [`Base64`] | gRPC-Web text mode: messages in base64 |
//! | [`Upgrading`] | the request body of a WebSocket upgrade, until the upstream has responded |
//! | [`Encoded`] | any of these but frames, with a content encoding |
//!
//! Each kind accepts chunks of any size and preserves the length of the body. [`Encoded`] forwards the body decompressed.

mod base64;
mod dual_read;
mod encoded;
mod first_bytes;
mod format;
mod plain;
mod upgrading;
mod websocket;

use self::base64::Base64;
use self::dual_read::DualRead;
use self::encoded::Encoded;
use self::first_bytes::FirstBytes;
pub use self::first_bytes::MIN_FIRST_FORWARD;
pub use self::format::{BodyFormat, ContentType};
use self::plain::Plain;
use self::upgrading::Upgrading;
pub use self::websocket::Side;
use self::websocket::WebSocket;
use super::{Boundary, DecodeError, Decoder, Detection, Framing, Inspector, Sender, TextFormat};
use crate::mask::Style;
use crate::policy::{Content, Decisions, FindingDecisions, Location, Outcome, Policy};
use crate::verdict::Criteria;
use std::sync::Arc;

/// One body in progress.
///
/// Has no `Debug`, because it contains bytes of the body.
pub enum Body {
    /// A text, or a sequence of texts.
    Plain(Box<Plain>),
    /// Protobuf or gRPC messages.
    DualRead(Box<DualRead>),
    /// WebSocket frames.
    WebSocket(WebSocket),
    /// The request body of a WebSocket upgrade, before and after the upstream has agreed.
    Upgrading(Box<Upgrading>),
    /// gRPC-Web messages in base64.
    Base64(Box<Base64>),
    /// A body with a content encoding.
    Encoded(Encoded),
}

/// Configuration for one body, derived from the policy.
#[derive(Clone)]
pub struct BodyConfig {
    /// Strictest action for a finding.
    pub action: BodyAction,
    /// Decisions about the findings, if they differ.
    pub by_finding: Option<FindingDecisions>,
    /// Detection criteria.
    pub criteria: Arc<Criteria>,
    /// Mask style.
    pub style: Style,
    /// Maximum number of bytes that may be paused in the host at a time.
    pub pause_limit: usize,
    /// Whether an uninspectable message aborts the body.
    pub block_uninspectable: bool,
}

/// Action for a finding in a body, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BodyAction {
    /// Reports it. If no finding can get another action, every chunk is forwarded unchanged and at once.
    Observe,
    /// Masks it.
    Mask,
    /// Aborts the body before it.
    Block,
}

/// Instructions for the chunk that was pushed.
#[derive(Debug, PartialEq, Eq)]
pub struct BodyOutput {
    /// Bytes that replace the chunk; `None` leaves it unchanged.
    pub replacement: Option<Vec<u8>>,
    /// Whether the chunk is forwarded.
    pub flow: BodyFlow,
}

/// Progress of a body, from which the caller derives a [`HoldBack`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyProgress {
    /// How the sender marks the end of the body.
    pub sender: Sender,
    /// Number of bytes received.
    pub received: u64,
    /// Number of bytes forwarded.
    pub forwarded: u64,
    /// Whether the last callback delivered new bytes.
    pub is_fresh: bool,
    /// Whether the last callback also returned a paused chunk.
    pub was_paused: bool,
    /// Whether no byte is undecided, so that only the state of the host can require a pause.
    pub is_decided: bool,
}

/// Location of held-back bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldBack {
    /// In the host, masked, because trailers may follow: the host returns a paused chunk before them.
    InHost,
    /// In the filter.
    InFilter,
    /// In the filter although trailers may follow, because the buffer of the host could overflow.
    InFilterHostFull,
    /// Not held back: the body has ended, although the last callback did not signal it.
    EndOfBody,
    /// Not held back: forwarded masked, because they can neither be paused in the host nor follow later.
    ReleaseMasked,
}

/// Whether a body continues after a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFlow {
    /// Forward the chunk.
    Pass,
    /// Pause the chunk in the host, which returns it at the front of the next one.
    Pause,
    /// Forward nothing more, including this chunk.
    Abort(Abort),
    /// Forward the replacement, which contains a WebSocket close frame, and nothing more.
    Close(Abort),
}

/// Reason to abort a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abort {
    /// The body contains a finding, and the policy blocks it.
    Card,
    /// Trailers arrived while held-back bytes could no longer be forwarded.
    HeldBackAtTrailers,
    /// The body cannot be inspected, or its new bytes cannot be identified, and the policy blocks that.
    Uninspectable,
}

impl BodyConfig {
    /// Creates the configuration by the decisions for a message; `None` if its body is not inspected.
    pub fn of(policy: &Policy, decisions: &Decisions) -> Option<Self> {
        let uninspectable = Content::Uninspectable(policy.uninspectable());
        let strictest = decisions.outcome_at(Location::Body, Content::Finding);
        if strictest == Outcome::Clean {
            return None;
        }
        Some(Self {
            action: strictest.into(),
            by_finding: policy.finding_decisions(decisions, Location::Body),
            criteria: policy.criteria(),
            style: policy.mask_style(),
            pause_limit: policy.limits().paused_bytes,
            block_uninspectable: decisions.outcome_at(Location::Body, uninspectable) == Outcome::Blocked,
        })
    }

    /// Action for a finding.
    fn action_for(&self, detection: &Detection) -> BodyAction {
        let outcome = |decisions: &FindingDecisions| decisions.outcome(&detection.attributes()).into();
        self.by_finding.as_ref().map_or(self.action, outcome)
    }

    /// Creates an inspector for a text.
    fn inspector(&self, text_format: TextFormat) -> Inspector {
        Inspector::new(text_format, self.style).with_criteria(Arc::clone(&self.criteria))
    }

    /// Creates an inspector for a text in which rules may test fields.
    fn inspector_of_fields(&self, text_format: TextFormat, boundary: Option<Boundary>) -> Inspector {
        let inspector = self.inspector(text_format);
        match &self.by_finding {
            Some(decisions) if decisions.test_fields() => inspector.with_field_paths(boundary, Some(decisions.clone())),
            _ => inspector,
        }
    }
}

impl From<Outcome> for BodyAction {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Masked => Self::Mask,
            Outcome::Blocked => Self::Block,
            Outcome::Clean | Outcome::Uninspected | Outcome::Reported | Outcome::Allowed => Self::Observe,
        }
    }
}

impl Body {
    /// Creates a body without a content encoding.
    pub fn new(format: BodyFormat, config: BodyConfig) -> Self {
        match format.framing {
            _ if format.base64 => Self::Base64(Box::new(Base64::new(format, config))),
            Framing::Protobuf | Framing::Grpc(_) => Self::DualRead(Box::new(DualRead::new(format, config))),
            Framing::Whole | Framing::Lines | Framing::Events => Self::Plain(Box::new(Plain::new(format, config))),
        }
    }

    /// Creates a body with a content encoding. `format` describes the decoded body, which is forwarded decompressed.
    pub fn encoded(decoder: Decoder, format: BodyFormat, config: BodyConfig) -> Self {
        Self::Encoded(Encoded::new(decoder, format, config))
    }

    /// Creates the frames that `side` sends in a WebSocket.
    pub fn of_websocket(side: Side, config: BodyConfig) -> Self {
        Self::WebSocket(WebSocket::new(side, config))
    }

    /// Creates the request body of a WebSocket upgrade: frames, or a text in this format.
    pub fn upgrading(format: BodyFormat, config: BodyConfig) -> Self {
        Self::Upgrading(Box::new(Upgrading::new(format, config)))
    }

    /// Continues the body as frames, because the upstream has accepted the upgrade. Returns false when the bytes so far are not
    /// frames. Calls `report` for each finding that this decides.
    pub fn upgrade(&mut self, report: &mut dyn FnMut(Detection)) -> Result<bool, Abort> {
        match self {
            Self::Upgrading(body) => body.upgrade(report),
            Self::WebSocket(_) => Ok(true),
            Self::Plain(_) | Self::DualRead(_) | Self::Base64(_) | Self::Encoded(_) => Ok(false),
        }
    }

    /// True for a body with a content encoding, whose chunks can be much longer decoded.
    pub fn is_encoded(&self) -> bool {
        matches!(self, Self::Encoded(_))
    }

    /// True for a body with a content encoding whose next byte would begin another member or frame.
    pub fn is_between_members(&self) -> bool {
        matches!(self, Self::Encoded(body) if body.is_between_members())
    }

    /// True when a part of the body was forwarded uninspected.
    pub fn passed_uninspected(&self) -> bool {
        match self {
            Self::Plain(body) => body.passed_uninspected(),
            Self::DualRead(body) => body.passed_uninspected(),
            Self::WebSocket(body) => body.passed_uninspected(),
            Self::Upgrading(body) => body.passed_uninspected(),
            Self::Base64(body) => body.passed_uninspected(),
            Self::Encoded(body) => body.decoded().passed_uninspected(),
        }
    }

    /// Error of the content decoder.
    pub fn decode_error(&self) -> Option<DecodeError> {
        match self {
            Self::Encoded(body) => body.decode_error(),
            Self::Plain(_) | Self::DualRead(_) | Self::WebSocket(_) | Self::Upgrading(_) | Self::Base64(_) => None,
        }
    }

    /// The only kind of body that pauses chunks in the host.
    fn plain(&self) -> Option<&Plain> {
        match self {
            Self::Plain(body) => Some(body),
            Self::DualRead(_) | Self::WebSocket(_) | Self::Upgrading(_) | Self::Base64(_) | Self::Encoded(_) => None,
        }
    }

    /// True when the filter holds back bytes that are neither forwarded nor paused in the host.
    pub fn holds_back(&self) -> bool {
        match self {
            Self::WebSocket(_) | Self::Upgrading(_) => false,
            Self::Plain(body) => body.holds_back(),
            Self::DualRead(body) => body.holds_back(),
            Self::Base64(body) => body.holds_back(),
            Self::Encoded(body) => body.holds_back(),
        }
    }

    /// True when the pause limit forced bytes into the filter that should have been paused in the host.
    pub fn exceeded_pause_limit(&self) -> bool {
        self.plain().is_some_and(Plain::exceeded_pause_limit)
    }

    /// True when held-back bytes were forwarded masked, because another filter continued the stream.
    pub fn was_released(&self) -> bool {
        self.plain().is_some_and(Plain::was_released)
    }

    /// Number of bytes that are paused in the host, unless another filter has continued the stream.
    pub fn paused_len(&self) -> usize {
        self.plain().map_or(0, Plain::paused_len)
    }

    /// Length of the paused chunk at the front of `chunk`, which is the whole buffer of the host.
    pub fn returned_len(&self, chunk: &[u8]) -> usize {
        self.plain().map_or(0, |body| body.returned_len(chunk))
    }

    /// Processes the next chunk, which is the whole buffer of the host. After a [`BodyFlow::Pause`] it begins with the paused
    /// chunk, unless another filter has continued the stream. `end` means that nothing follows, including trailers. Calls
    /// `report` for each finding, in order, and `hold_back` for the location of undecided bytes.
    pub fn push(
        &mut self,
        chunk: Vec<u8>,
        end: bool,
        report: &mut dyn FnMut(Detection),
        hold_back: &mut dyn FnMut(BodyProgress) -> HoldBack,
    ) -> BodyOutput {
        match self {
            Self::Plain(body) => body.push_chunk(chunk, end, report, hold_back),
            Self::DualRead(body) => body.push(chunk, end, report),
            Self::WebSocket(body) => body.push(chunk, end, report),
            Self::Upgrading(body) => body.push(chunk, end, report),
            Self::Base64(body) => body.push(chunk, end, report),
            Self::Encoded(body) => body.push(&chunk, end, report),
        }
    }

    /// Ends the body, because trailers have begun. `paused` is the chunk that is paused in the host, or empty.
    pub fn finish_before_trailers(&mut self, paused: Vec<u8>, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        match self {
            Self::Plain(body) => body.finish_before_trailers(paused, report),
            Self::DualRead(body) => body.finish_before_trailers(report),
            Self::WebSocket(body) => body.finish_before_trailers(report),
            Self::Upgrading(body) => body.finish_before_trailers(report),
            Self::Base64(body) => body.finish_before_trailers(report),
            Self::Encoded(body) => body.finish_before_trailers(report),
        }
    }
}

impl BodyOutput {
    /// Forwards the chunk unchanged.
    const UNCHANGED: Self = Self { replacement: None, flow: BodyFlow::Pass };

    /// Forwards `bytes` instead of the chunk.
    fn replaced_by(bytes: Vec<u8>) -> Self {
        Self { replacement: Some(bytes), flow: BodyFlow::Pass }
    }

    /// Forwards nothing more.
    fn abort(abort: Abort) -> Self {
        Self { replacement: None, flow: BodyFlow::Abort(abort) }
    }

    /// The bytes that are forwarded of `chunk`, for a body that never pauses in the host.
    fn into_forwarded(self, chunk: Vec<u8>) -> Result<Vec<u8>, Abort> {
        match self.flow {
            BodyFlow::Pass | BodyFlow::Pause => Ok(self.replacement.unwrap_or(chunk)),
            BodyFlow::Abort(abort) | BodyFlow::Close(abort) => Err(abort),
        }
    }

    /// Aborts if bytes would have to be forwarded, because nothing can be inserted once trailers have begun.
    fn before_trailers(self) -> Self {
        match self.replacement {
            Some(rest) if !rest.is_empty() => Self::abort(Abort::HeldBackAtTrailers),
            _ => Self { replacement: None, ..self },
        }
    }
}
