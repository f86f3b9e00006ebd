//! What of a chunk is forwarded, what waits, and when is the body cut?
//!
//! | the sender | the undecided tail waits | its end is known by |
//! |---|---|---|
//! | [`Sender::Length`] | here | counting |
//! | [`Sender::Announced`] | here | the last callback |
//! | [`Sender::Grpc`] | here, within one message | the message's length |
//! | [`Sender::Open`] | in the host, with its chunk, while [`Plan`] allows it; else here | the last callback or the trailers |
//!
//! Once trailers have begun the host takes no more bytes, so a tail that waits *here* then would be lost: the body is cut
//! ([`Cut::TrailersOverTail`]). A tail that waits in the host can still be edited.
//!
//! A chunk that waits in the host never grows: Envoy crashes when a paused response outgrows its buffer. So nothing is
//! put in front of it while it waits, and a body whose tail waits here stays with that.

use super::messages::{Messages, Stretch};
use super::{Document, Finding, Inspector, Sender, What};
use crate::mask::Style;
use crate::verdict::Criteria;
use std::sync::Arc;

/// One body on its way.
///
/// Has no `Debug`: it holds bytes of the body.
pub struct Body {
    messages: Messages,
    inspector: Inspector,
    document: Document,
    plan: Plan,
    held: Vec<u8>,
    paused: Option<Paused>,
    received: usize,
    passed_unread: bool,
}

/// What is to be done with a body.
#[derive(Clone)]
pub struct Plan {
    /// What happens when a card is found.
    pub treatment: Treatment,
    /// What counts as found.
    pub criteria: Arc<Criteria>,
    /// What a masked card looks like.
    pub style: Style,
    /// The most bytes that may wait in the host at a time.
    pub pause_limit: usize,
    /// No chunk waits in the host once so many bytes of the body have come.
    pub pause_until: usize,
    /// Whether a message that cannot be read cuts the body.
    pub refuse_unread: bool,
}

/// What happens to a body with a card in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// The card is masked.
    Mask,
    /// The body is cut before the card.
    Block,
    /// Nothing: the bytes pass untouched and without waiting, cards are reported.
    Observe,
}

/// A chunk that waits in the host.
struct Paused {
    /// How long it is.
    len: usize,
    /// How much of it is decided.
    decided: usize,
}

/// What to do with the chunk that was pushed.
#[derive(Debug, PartialEq, Eq)]
pub struct Turn {
    /// The bytes to forward instead of the chunk; `None` when the chunk is right as it is.
    pub replacement: Option<Vec<u8>>,
    /// Whether it goes on.
    pub flow: Flow,
}

/// Whether a body goes on after a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The chunk is forwarded.
    Pass,
    /// The chunk waits in the host and comes again at the front of the next one.
    Pause,
    /// Nothing more is forwarded, this chunk included.
    Cut(Cut),
}

/// Why a body is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It holds a card, and the policy blocks those.
    Card,
    /// Its trailers came while undecided bytes were held that could not follow any more.
    TrailersOverTail,
    /// It holds a message that cannot be read, and the policy blocks those.
    Uninspectable,
}

impl Plan {
    /// An inspector at the start of a text written in `document`.
    fn inspector(&self, document: Document) -> Inspector {
        Inspector::new(document, self.style).under(Arc::clone(&self.criteria))
    }
}

impl Body {
    /// A body written in `document` whose sender marks its end like `sender`.
    pub fn new(sender: Sender, document: Document, plan: Plan) -> Self {
        let pause_limit = if sender == Sender::Open { plan.pause_limit } else { 0 };
        Self {
            messages: Messages::new(sender),
            inspector: plan.inspector(document),
            document,
            plan: Plan { pause_limit, ..plan },
            held: Vec::new(),
            paused: None,
            received: 0,
            passed_unread: false,
        }
    }

    /// True when a part of the body was forwarded that could not be read.
    pub fn passed_unread(&self) -> bool {
        self.passed_unread
    }

    /// How many bytes wait in the host.
    pub fn paused_len(&self) -> usize {
        self.paused.as_ref().map_or(0, |paused| paused.len)
    }

    /// Takes the next chunk, which is everything that the host holds: after a [`Flow::Pause`] it begins with the chunk
    /// that waited. `end` says that nothing follows, trailers included. Calls `report` for every card, in order.
    pub fn push(&mut self, chunk: Vec<u8>, end: bool, report: impl FnMut(What)) -> Turn {
        let paused = self.paused.take();
        self.received = self.received.saturating_add(chunk.len()).saturating_sub(paused.as_ref().map_or(0, |p| p.len));
        let mut walk = Walk { changed: !self.held.is_empty(), cut: None, report };
        let mut bytes = std::mem::take(&mut self.held);
        let mut decided = paused.as_ref().map_or(0, |paused| paused.decided);
        let prefix = bytes.len();
        if bytes.is_empty() {
            bytes = chunk;
        } else {
            bytes.extend_from_slice(&chunk);
        }
        while let Some(rest) = bytes.get_mut(decided..).filter(|rest| !rest.is_empty()) {
            let count = self.step(rest, end, &mut walk);
            if let Some(cut) = walk.cut {
                return Turn { replacement: None, flow: Flow::Cut(cut) };
            }
            decided = decided.saturating_add(count);
            if count == 0 {
                break;
            }
        }
        // A host that gives back less than it was asked to keep must not bring the filter down.
        let decided = decided.min(bytes.len());
        if self.plan.treatment == Treatment::Observe {
            self.held = bytes.split_off(decided);
            return Turn { replacement: None, flow: Flow::Pass };
        }
        if decided == bytes.len() {
            return Turn { replacement: walk.changed.then_some(bytes), flow: Flow::Pass };
        }
        if prefix == 0 && bytes.len() <= self.plan.pause_limit && self.received <= self.plan.pause_until {
            self.paused = Some(Paused { len: bytes.len(), decided });
            return Turn { replacement: walk.changed.then_some(bytes), flow: Flow::Pause };
        }
        self.held = bytes.split_off(decided);
        Turn { replacement: Some(bytes), flow: Flow::Pass }
    }

    /// Takes the chunk that waited in the host, or nothing, now that trailers have begun.
    pub fn finish_before_trailers(&mut self, waiting: Vec<u8>, report: impl FnMut(What)) -> Turn {
        if self.held.is_empty() || self.plan.treatment == Treatment::Observe {
            return self.push(waiting, true, report);
        }
        Turn { replacement: None, flow: Flow::Cut(Cut::TrailersOverTail) }
    }

    /// Deals with the bytes at the front of `rest` and says how many are decided; none when more are needed.
    fn step(&mut self, rest: &mut [u8], end: bool, walk: &mut Walk<impl FnMut(What)>) -> usize {
        match self.messages.next(rest, end) {
            Stretch::Framing(len) => len,
            Stretch::Compressed(len) => {
                self.messages.consume(len);
                self.passed_unread = true;
                if self.plan.refuse_unread {
                    walk.cut = Some(Cut::Uninspectable);
                }
                len
            }
            Stretch::Text { len, first, last } => {
                if first {
                    self.inspector = self.plan.inspector(self.document);
                }
                let mut findings = Vec::new();
                let text = rest.get_mut(..len).unwrap_or_default();
                let decided = self.inspector.inspect(text, last, &mut findings);
                self.treat(text, &findings, walk);
                self.messages.consume(decided);
                decided
            }
        }
    }

    fn treat(&self, text: &mut [u8], findings: &[Finding], walk: &mut Walk<impl FnMut(What)>) {
        for finding in findings {
            (walk.report)(finding.what.clone());
            match (self.plan.treatment, text.get_mut(finding.span.clone())) {
                (Treatment::Mask, Some(span)) => {
                    finding.mask(span, self.plan.style);
                    walk.changed = true;
                }
                (Treatment::Block, _) => {
                    walk.cut = Some(Cut::Card);
                    return;
                }
                (Treatment::Observe, _) | (Treatment::Mask, None) => {}
            }
        }
    }
}

/// What has become of the chunk so far.
struct Walk<F> {
    changed: bool,
    cut: Option<Cut>,
    report: F,
}
