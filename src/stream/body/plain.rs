//! What of a plain body is forwarded, what waits, and where?
//!
//! | the sender | the undecided tail waits | its end is known by |
//! |---|---|---|
//! | [`Sender::Length`] | here | counting |
//! | [`Sender::Announced`] | here | the last callback |
//! | [`Sender::Open`], one text | in the host, with its chunk, while [`Plan`] allows it; else here | the last callback or the trailers |
//! | [`Sender::Open`], a row of messages | here, within one message | the message's end |
//!
//! Once trailers have begun the host takes no more bytes, so a tail that waits *here* then would be lost: the body is cut
//! ([`Cut::TrailersOverTail`]). A tail that waits in the host can still be edited.
//!
//! A chunk that waits in the host never grows: Envoy crashes when a paused response outgrows its buffer. What waits here is
//! put in front of the next chunk before that begins to wait, never while it does.

use super::{Cut, Flow, Plan, Shape, Treatment, Turn};
use crate::stream::messages::{Messages, Stretch};
use crate::stream::{Document, Finding, Framing, Inspector, Sender, Sighting};

/// A body whose texts stand in it byte for byte.
pub struct Plain {
    sender: Sender,
    messages: Messages,
    inspector: Inspector,
    document: Document,
    plan: Plan,
    held: Vec<u8>,
    paused: Option<Paused>,
    received: u64,
    passed_unread: bool,
    outgrew_pause: bool,
}

/// A chunk that waits in the host.
struct Paused {
    /// How long it is.
    len: usize,
    /// How much of it is decided.
    decided: usize,
}

impl Plain {
    pub fn new(shape: Shape, plan: Plan) -> Self {
        let Shape { sender, framing, document, .. } = shape;
        let may_pause = sender == Sender::Open && framing == Framing::Whole;
        let pause_limit = if may_pause { plan.pause_limit } else { 0 };
        Self {
            sender,
            messages: Messages::new(framing),
            inspector: plan.inspector(document),
            document,
            plan: Plan { pause_limit, ..plan },
            held: Vec::new(),
            paused: None,
            received: 0,
            passed_unread: false,
            outgrew_pause: false,
        }
    }

    /// True when a part of the body was forwarded that could not be read.
    pub fn passed_unread(&self) -> bool {
        self.passed_unread
    }

    /// True when bytes had to wait here that should have waited in the host, which was not to hold more.
    pub fn outgrew_pause(&self) -> bool {
        self.outgrew_pause
    }

    /// How many bytes wait in the host.
    pub fn paused_len(&self) -> usize {
        self.paused.as_ref().map_or(0, |paused| paused.len)
    }

    /// Takes the next chunk, which is everything that the host holds: after a [`Flow::Pause`] it begins with the chunk
    /// that waited. `end` says that nothing follows, trailers included. Calls `report` for every card, in order.
    pub fn push(&mut self, chunk: Vec<u8>, end: bool, report: &mut dyn FnMut(Sighting)) -> Turn {
        let paused = self.paused.take();
        let fresh = chunk.len().saturating_sub(paused.as_ref().map_or(0, |paused| paused.len));
        self.received = self.received.saturating_add(u64::try_from(fresh).unwrap_or(u64::MAX));
        let end = end || self.sender.is_done_after(self.received);
        let mut walk = Walk { changed: !self.held.is_empty(), cut: None, report };
        let mut bytes = std::mem::take(&mut self.held);
        let mut decided = paused.as_ref().map_or(0, |paused| paused.decided);
        if bytes.is_empty() {
            bytes = chunk;
        } else {
            bytes.extend_from_slice(&chunk);
        }
        while let Some(rest) = bytes.get_mut(decided..).filter(|rest| !rest.is_empty()) {
            let count = self.step(rest, end, &mut walk);
            if let Some(cut) = walk.cut {
                return Turn::cut(cut);
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
            return Turn::PASS;
        }
        if decided == bytes.len() {
            return Turn { replacement: walk.changed.then_some(bytes), flow: Flow::Pass };
        }
        if bytes.len() <= self.plan.pause_limit && self.received <= self.plan.pause_until {
            self.paused = Some(Paused { len: bytes.len(), decided });
            return Turn { replacement: walk.changed.then_some(bytes), flow: Flow::Pause };
        }
        self.outgrew_pause |= self.plan.pause_limit > 0;
        self.held = bytes.split_off(decided);
        Turn::replaced_by(bytes)
    }

    /// Takes the chunk that waited in the host, or nothing, now that trailers have begun.
    pub fn finish_before_trailers(&mut self, waiting: Vec<u8>, report: &mut dyn FnMut(Sighting)) -> Turn {
        if self.held.is_empty() || self.plan.treatment == Treatment::Observe {
            return self.push(waiting, true, report);
        }
        Turn::cut(Cut::TrailersOverTail)
    }

    /// Deals with the bytes at the front of `rest` and says how many are decided; none when more are needed.
    fn step(&mut self, rest: &mut [u8], end: bool, walk: &mut Walk<'_>) -> usize {
        match self.messages.next(rest, end) {
            Stretch::Undecided => 0,
            Stretch::Framing(len) | Stretch::Head(len) => len,
            Stretch::Compressed(len) => {
                self.messages.take(rest.get(..len).unwrap_or_default());
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
                self.messages.take(text.get(..decided).unwrap_or_default());
                self.treat(text, &findings, walk);
                decided
            }
        }
    }

    fn treat(&self, text: &mut [u8], findings: &[Finding], walk: &mut Walk<'_>) {
        for finding in findings {
            (walk.report)(finding.sighting.clone());
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
struct Walk<'r> {
    changed: bool,
    cut: Option<Cut>,
    report: &'r mut dyn FnMut(Sighting),
}
