//! What of a chunk is forwarded, what waits, and when is the body cut?
//!
//! | the body is | its bytes are |
//! |---|---|
//! | [plain](Plain) | the text itself, or lines of it |
//! | [read twice](Twice) | messages with framing between them, or a text that only is called so |
//! | [in frames](WebSocket) | what websockets send: frames, those of a client scrambled |
//! | [in base64](Base64) | gRPC-Web's way through proxies that only let text pass |
//! | [on its way to frames](Upgrading) | what a client sends before it is known whether these are frames |
//! | [encoded](Encoded) | any of these but frames, compressed |
//!
//! Each kind takes chunks of any size and forwards as many bytes as it took in the end; of what was compressed, what it says.

mod base64;
mod encoded;
mod plain;
mod shape;
mod twice;
mod upgrading;
mod websocket;

use self::base64::Base64;
use self::encoded::Encoded;
pub use self::encoded::FORWARDED_TOGETHER;
use self::plain::Plain;
pub use self::shape::BodyFormat;
use self::twice::Twice;
use self::upgrading::Upgrading;
pub use self::websocket::Side;
use self::websocket::WebSocket;
use super::{DecodeError, Decoder, Detection, Document, Framing, Inspector, Sender};
use crate::mask::Style;
use crate::verdict::Criteria;
use std::sync::Arc;

/// One body on its way.
///
/// Has no `Debug`: it holds bytes of the body.
pub enum Body {
    /// A text, or a row of them.
    Plain(Box<Plain>),
    /// Messages, and framing between them.
    Twice(Box<Twice>),
    /// The frames of a websocket.
    WebSocket(WebSocket),
    /// The same, once it is known whether it is one.
    Upgrading(Box<Upgrading>),
    /// Messages in base64.
    Base64(Box<Base64>),
    /// Something compressed.
    Encoded(Encoded),
}

/// What is to be done with a body.
#[derive(Clone)]
pub struct BodyConfig {
    /// What happens when a card is found.
    pub treatment: BodyAction,
    /// What counts as found.
    pub criteria: Arc<Criteria>,
    /// What a masked card looks like.
    pub style: Style,
    /// The most bytes that may wait in the host at a time.
    pub pause_limit: usize,
    /// Whether a message that cannot be read cuts the body.
    pub refuse_unread: bool,
}

/// What happens to a body with a card in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyAction {
    /// The card is masked.
    Mask,
    /// The body is cut before the card.
    Block,
    /// Nothing: the bytes pass untouched and without waiting, cards are reported.
    Observe,
}

/// What to do with the chunk that was pushed.
#[derive(Debug, PartialEq, Eq)]
pub struct BodyOutput {
    /// The bytes to forward instead of the chunk; `None` when the chunk is right as it is.
    pub replacement: Option<Vec<u8>>,
    /// Whether it goes on.
    pub flow: BodyFlow,
}

/// Numbers of bytes of a body, for a decision on those that are undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// How its sender marks the end.
    pub sender: Sender,
    /// The number of bytes received.
    pub received: u64,
    /// The number of bytes forwarded.
    pub forwarded: u64,
    /// Whether the last chunk brought new bytes.
    pub is_fresh: bool,
    /// Whether it came back from the host with them.
    pub was_paused: bool,
    /// Whether all of it is decided, and nothing has to wait but for what the host does.
    pub is_decided: bool,
}

/// Where undecided bytes are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// In the host, masked: trailers may follow, and the host gives them back.
    Pause,
    /// In the filter.
    Hold,
    /// In the filter, although trailers may follow: the host could not hold what comes next.
    TooMuch,
    /// Nowhere: the body has ended, although the last callback did not say so.
    End,
    /// Nowhere: they are forwarded masked, since they could neither wait in the host nor follow later.
    Release,
}

/// Whether a body goes on after a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFlow {
    /// The chunk is forwarded.
    Pass,
    /// The chunk waits in the host and comes again at the front of the next one.
    Pause,
    /// Nothing more is forwarded, this chunk included.
    Abort(Abort),
    /// The replacement is forwarded, which tells the receiver why nothing more comes.
    Close(Abort),
}

/// Why a body is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abort {
    /// It holds a card, and the policy blocks those.
    Card,
    /// Its trailers came while undecided bytes were held that could not follow any more.
    TrailersOverTail,
    /// It cannot be read, or not be told what of it is new, and the policy blocks that.
    Uninspectable,
}

impl BodyConfig {
    /// An inspector at the start of a text written in `document`.
    fn inspector(&self, document: Document) -> Inspector {
        Inspector::new(document, self.style).under(Arc::clone(&self.criteria))
    }
}

impl Body {
    /// A body of this shape.
    pub fn new(shape: BodyFormat, plan: BodyConfig) -> Self {
        match shape.framing {
            _ if shape.base64 => Self::Base64(Box::new(Base64::new(shape, plan))),
            Framing::Protobuf | Framing::Grpc(_) => Self::Twice(Box::new(Twice::new(shape, plan))),
            Framing::Whole | Framing::Lines | Framing::Events => Self::Plain(Box::new(Plain::new(shape, plan))),
        }
    }

    /// The same, encoded so that `decoder` reads it. What is forwarded is what it says.
    pub fn encoded(decoder: Decoder, shape: BodyFormat, plan: BodyConfig) -> Self {
        Self::Encoded(Encoded::new(decoder, shape, plan))
    }

    /// What `side` sends through a websocket.
    pub fn of_websocket(side: Side, plan: BodyConfig) -> Self {
        Self::WebSocket(WebSocket::new(side, plan))
    }

    /// What a client sends that has asked for a websocket: its frames, or a text of this shape.
    pub fn upgrading(shape: BodyFormat, plan: BodyConfig) -> Self {
        Self::Upgrading(Box::new(Upgrading::new(shape, plan)))
    }

    /// The client got the websocket that it asked for: what comes are frames. False when what came before were none. Calls
    /// `report` for every card that this decides.
    pub fn upgrade(&mut self, report: &mut dyn FnMut(Detection)) -> Result<bool, Abort> {
        match self {
            Self::Upgrading(body) => body.upgrade(report),
            Self::WebSocket(_) => Ok(true),
            Self::Plain(_) | Self::Twice(_) | Self::Base64(_) | Self::Encoded(_) => Ok(false),
        }
    }

    /// True when it is compressed, so that what a chunk says may be much longer than the chunk.
    pub fn is_encoded(&self) -> bool {
        matches!(self, Self::Encoded(_))
    }

    /// True when it is compressed and the next byte would begin another member.
    pub fn is_between_members(&self) -> bool {
        matches!(self, Self::Encoded(body) if body.is_between_members())
    }

    /// True when a part of the body was forwarded that could not be read.
    pub fn passed_unread(&self) -> bool {
        match self {
            Self::Plain(body) => body.passed_unread(),
            Self::Twice(body) => body.passed_unread(),
            Self::WebSocket(body) => body.passed_unread(),
            Self::Upgrading(body) => body.passed_unread(),
            Self::Base64(body) => body.passed_unread(),
            Self::Encoded(body) => body.text().passed_unread(),
        }
    }

    /// Why it could not be decoded.
    pub fn flaw(&self) -> Option<DecodeError> {
        match self {
            Self::Encoded(body) => body.flaw(),
            Self::Plain(_) | Self::Twice(_) | Self::WebSocket(_) | Self::Upgrading(_) | Self::Base64(_) => None,
        }
    }

    /// The only kind of body of which bytes wait in the host.
    fn plain(&self) -> Option<&Plain> {
        match self {
            Self::Plain(body) => Some(body),
            Self::Twice(_) | Self::WebSocket(_) | Self::Upgrading(_) | Self::Base64(_) | Self::Encoded(_) => None,
        }
    }

    /// True when bytes of it were not forwarded yet, nor put into the host.
    pub fn holds_back(&self) -> bool {
        match self {
            Self::WebSocket(_) | Self::Upgrading(_) => false,
            Self::Plain(body) => body.holds_back(),
            Self::Twice(body) => body.holds_back(),
            Self::Base64(body) => body.holds_back(),
            Self::Encoded(body) => body.holds_back(),
        }
    }

    /// True when bytes had to wait here that should have waited in the host, which was not to hold more.
    pub fn outgrew_pause(&self) -> bool {
        self.plain().is_some_and(Plain::outgrew_pause)
    }

    /// True when another filter has taken along held-back bytes, which were forwarded masked.
    pub fn was_released(&self) -> bool {
        self.plain().is_some_and(Plain::was_released)
    }

    /// The number of bytes that wait in the host, unless another filter takes them along.
    pub fn paused_len(&self) -> usize {
        self.plain().map_or(0, Plain::paused_len)
    }

    /// How many bytes at the front of `chunk`, which is everything that the host holds, have waited there.
    pub fn returned_len(&self, chunk: &[u8]) -> usize {
        self.plain().map_or(0, |body| body.returned_len(chunk))
    }

    /// Takes the next chunk, which is everything that the host holds: after a [`BodyFlow::Pause`] it begins with the chunk that
    /// waited, unless another filter took that along. `end` says that nothing follows, trailers included. Calls `report` for
    /// every card, in order, and asks `advice` where undecided bytes are held back.
    pub fn push(
        &mut self,
        chunk: Vec<u8>,
        end: bool,
        report: &mut dyn FnMut(Detection),
        advice: &mut dyn FnMut(Counts) -> Advice,
    ) -> BodyOutput {
        match self {
            Self::Plain(body) => body.push_chunk(chunk, end, report, advice),
            Self::Twice(body) => body.push(chunk, end, report),
            Self::WebSocket(body) => body.push(chunk, end, report),
            Self::Upgrading(body) => body.push(chunk, end, report),
            Self::Base64(body) => body.push(chunk, end, report),
            Self::Encoded(body) => body.push(&chunk, end, report),
        }
    }

    /// Takes the chunk that waited in the host, or nothing, now that trailers have begun.
    pub fn finish_before_trailers(&mut self, waiting: Vec<u8>, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        match self {
            Self::Plain(body) => body.finish_before_trailers(waiting, report),
            Self::Twice(body) => body.finish_before_trailers(report),
            Self::WebSocket(body) => body.finish(report),
            Self::Upgrading(body) => body.finish_before_trailers(report),
            Self::Base64(body) => body.finish_before_trailers(report),
            Self::Encoded(body) => body.finish_before_trailers(report),
        }
    }
}

impl BodyOutput {
    /// The chunk goes on as it is.
    const PASS: Self = Self { replacement: None, flow: BodyFlow::Pass };

    /// These bytes go on in the chunk's place.
    fn replaced_by(bytes: Vec<u8>) -> Self {
        Self { replacement: Some(bytes), flow: BodyFlow::Pass }
    }

    /// What goes on of `chunk`, of a body that nothing waits in the host for.
    fn forwarded(self, chunk: Vec<u8>) -> Result<Vec<u8>, Abort> {
        match self.flow {
            BodyFlow::Pass | BodyFlow::Pause => Ok(self.replacement.unwrap_or(chunk)),
            BodyFlow::Abort(cut) | BodyFlow::Close(cut) => Err(cut),
        }
    }

    /// What becomes of the last turn of a body, now that trailers have begun and nothing can be put in front of them.
    fn before_trailers(self) -> Self {
        match self.replacement {
            Some(rest) if !rest.is_empty() => Self::cut(Abort::TrailersOverTail),
            _ => Self { replacement: None, ..self },
        }
    }

    /// Nothing goes on.
    fn cut(cut: Abort) -> Self {
        Self { replacement: None, flow: BodyFlow::Abort(cut) }
    }
}
