//! Body that is forwarded byte for byte: what of a chunk is forwarded, what is held back, and where.
//!
//! | sender | undecided bytes are held back | the end is known by |
//! |---|---|---|
//! | [`Sender::Length`] | in the filter | counting |
//! | [`Sender::EndSignalled`] | in the filter | the last callback |
//! | [`Sender::EndUnknown`], one text | masked in the host and as they came in the filter, while [`Advice`] says so; else in the filter | the last callback or the trailers |
//! | [`Sender::EndUnknown`], a row of messages | in the filter, within one message | the message's end |
//!
//! Once trailers have begun the host takes no more bytes, so bytes held back *in the filter* would be lost then: the body is
//! cut ([`Abort::TrailersOverTail`]). Bytes that wait in the host can still be edited.
//!
//! # What waits in the host is masked
//!
//! The host has one buffer per direction for all filters of the chain. A filter behind this one that continues the stream
//! takes the paused chunk along without asking. So no undecided digit waits there: a masked form of the same length does, and
//! the filter keeps the bytes as they came. When the chunk comes back, they take their place again. When it was taken along,
//! the receiver has read no digit too many, and what comes next is inspected as their continuation.
//!
//! # What is paused never grows
//!
//! Envoy crashes when a paused response outgrows its buffer. Bytes held back in the filter are put in front of the next chunk
//! before that begins to wait, never while it does.
//!
//! # Work per byte
//!
//! Held-back bytes are inspected again with what comes behind them. A sender of very small chunks could make each byte be
//! inspected as often as there are chunks, so a body has a budget for it ([`Plain::may_reread`]). Beyond it, more bytes have
//! to come before the next inspection.

use super::{Abort, Advice, BodyAction, BodyConfig, BodyFlow, BodyFormat, BodyOutput, Counts};
use crate::stream::messages::{BodyPart, Messages, as_u64};
use crate::stream::{Detection, Document, Finding, Framing, Inspector, Sender};

/// A body whose texts appear in it byte for byte.
pub struct Plain {
    sender: Sender,
    messages: Messages,
    inspector: Inspector,
    document: Document,
    plan: BodyConfig,
    /// Undecided bytes, as they came.
    pending: Vec<u8>,
    /// How many of the `pending` bytes were forwarded in masked form, because another filter took them along.
    released: usize,
    /// What waits in the host: decided bytes, and the masked form of all `pending` bytes that were not released.
    paused: Option<Vec<u8>>,
    received: u64,
    forwarded: u64,
    /// How many bytes were inspected more than once.
    reread: u64,
    passed_unread: bool,
    outgrew_pause: bool,
    was_released: bool,
    /// The end of the body was decided before a callback said that it was the end.
    has_ended: bool,
}

/// How many bytes of a body may be inspected again before the number of received bytes matters.
const FREE_REREADS: u64 = 64 << 10;
/// How many bytes may be inspected again for each one that is received.
const REREADS_PER_BYTE: u64 = 8;
/// How many bytes at the end of a chunk that waited are looked for where it did not come back in front.
const MARK: usize = 32;
/// How many bytes wait in the host although each chunk puts them there once more.
const CHEAP: usize = 4096;
/// What an inspection costs besides its bytes, in bytes.
const COST_OF_INSPECTION: u64 = 256;

impl Plain {
    pub fn new(shape: BodyFormat, plan: BodyConfig) -> Self {
        let BodyFormat { sender, framing, document, .. } = shape;
        let pause_limit = if framing == Framing::Whole { plan.pause_limit } else { 0 };
        Self {
            sender,
            messages: Messages::new(framing),
            inspector: plan.inspector(document),
            document,
            plan: BodyConfig { pause_limit, ..plan },
            pending: Vec::new(),
            released: 0,
            paused: None,
            received: 0,
            forwarded: 0,
            reread: 0,
            passed_unread: false,
            outgrew_pause: false,
            was_released: false,
            has_ended: false,
        }
    }

    /// True when a part of the body was forwarded that could not be read.
    pub fn passed_unread(&self) -> bool {
        self.passed_unread
    }

    /// True when bytes had to be held back in the filter because the host was not to hold more.
    pub fn outgrew_pause(&self) -> bool {
        self.outgrew_pause
    }

    /// True when another filter has taken along held-back bytes, which were forwarded masked.
    pub fn was_released(&self) -> bool {
        self.was_released
    }

    /// The number of bytes that wait in the host, unless another filter takes them along.
    pub fn paused_len(&self) -> usize {
        self.paused.as_ref().map_or(0, Vec::len)
    }

    /// How many bytes at the front of `chunk`, which is everything that the host holds, have waited there.
    pub fn returned_len(&self, chunk: &[u8]) -> usize {
        self.paused.as_ref().filter(|paused| chunk.starts_with(paused)).map_or(0, Vec::len)
    }

    /// Takes the next bytes of a body of which nothing ever waits in the host.
    pub fn push(&mut self, bytes: Vec<u8>, end: bool, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        self.push_chunk(bytes, end, report, &mut |_| Advice::Hold)
    }

    /// Takes everything that the host holds: after a [`BodyFlow::Pause`] it begins with the chunk that waited, unless another
    /// filter took that along. `end` says that nothing follows, trailers included. Calls `report` for every card, in
    /// order, and asks `advice` whether the chunk may wait in the host.
    pub fn push_chunk(
        &mut self,
        mut chunk: Vec<u8>,
        end: bool,
        report: &mut dyn FnMut(Detection),
        advice: &mut dyn FnMut(Counts) -> Advice,
    ) -> BodyOutput {
        let mut returned = None;
        if let Some(paused) = self.paused.take() {
            match self.resume(&paused, &chunk) {
                Resumed::Returned => {
                    chunk = chunk.split_off(paused.len());
                    returned = Some(paused);
                }
                Resumed::Released => {}
                Resumed::Displaced => return BodyOutput::cut(Abort::Uninspectable),
            }
        }
        let (is_fresh, was_paused) = (!chunk.is_empty(), returned.is_some());
        if is_fresh && self.has_ended {
            // It went on in clear because it was the end, so nothing may continue it.
            return BodyOutput::cut(Abort::Uninspectable);
        }
        self.received = self.received.saturating_add(as_u64(chunk.len()));
        let end = end || self.sender.is_done_after(self.received);
        if is_fresh && !self.may_reread(returned.as_ref().map_or(0, Vec::len), end) {
            return self.wait_for_more(returned, chunk);
        }
        let decided_before = returned.map(|paused| self.decided_of(paused)).unwrap_or_default();
        let is_untouched = self.pending.is_empty() && decided_before.is_empty();
        let mut bytes = std::mem::take(&mut self.pending);
        if bytes.is_empty() {
            bytes = chunk;
        } else {
            bytes.append(&mut chunk);
        }
        let mut walk = Walk { changed: false, cut: None, report };
        self.decide(&mut bytes, end, &mut walk);
        if let Some(cut) = walk.cut {
            return BodyOutput::cut(cut);
        }
        if self.plan.treatment == BodyAction::Observe {
            return BodyOutput::PASS;
        }
        if is_untouched && self.pending.is_empty() {
            self.forwarded = self.forwarded.saturating_add(as_u64(bytes.len()));
            return BodyOutput { replacement: walk.changed.then_some(bytes), flow: BodyFlow::Pass };
        }
        let mut output = decided_before;
        self.put(&mut output, &bytes);
        let is_decided = self.waiting() == 0;
        if is_decided && (end || !was_paused) {
            return self.forward(output);
        }
        let Self { sender, received, forwarded, .. } = *self;
        match advice(Counts { sender, received, forwarded, is_fresh, was_paused, is_decided }) {
            Advice::Pause if self.fits_in_host(&output) => {
                self.cover(&mut output);
                return self.pause(output);
            }
            Advice::Pause | Advice::TooMuch => self.outgrew_pause |= !is_decided && self.plan.pause_limit > 0,
            Advice::Hold => {}
            Advice::Release => {
                self.cover(&mut output);
                self.released = self.pending.len();
                self.was_released = true;
            }
            Advice::End => {
                self.has_ended = true;
                let mut rest = std::mem::take(&mut self.pending);
                self.decide(&mut rest, true, &mut walk);
                if let Some(cut) = walk.cut {
                    return BodyOutput::cut(cut);
                }
                self.put(&mut output, &rest);
            }
        }
        self.forward(output)
    }

    /// Holds `bytes` back without an inspection, where those before them are as long as that is cheap.
    fn wait_for_more(&mut self, returned: Option<Vec<u8>>, mut bytes: Vec<u8>) -> BodyOutput {
        let most = self.plan.pause_limit.min(CHEAP);
        let decided = match returned {
            Some(mut paused) if paused.len().saturating_add(bytes.len()) <= most => {
                let mask = self.plan.style.character.as_byte();
                // All of it that may be a part of a number, in whatever spelling.
                let may_tell = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
                paused.extend(bytes.iter().map(|byte| if may_tell(byte) { mask } else { *byte }));
                self.pending.append(&mut bytes);
                return self.pause(paused);
            }
            Some(paused) => self.decided_of(paused),
            None => Vec::new(),
        };
        self.pending.append(&mut bytes);
        self.forward(decided)
    }

    /// The turn in which `output` waits in the host.
    fn pause(&mut self, output: Vec<u8>) -> BodyOutput {
        self.paused = Some(output.clone());
        BodyOutput { replacement: Some(output), flow: BodyFlow::Pause }
    }

    /// The decided bytes in front of the masked ones in `paused`, which came back.
    fn decided_of(&self, mut paused: Vec<u8>) -> Vec<u8> {
        paused.truncate(paused.len().saturating_sub(self.waiting()));
        paused
    }

    /// Ends the body, now that trailers have begun. `waiting` is what the host still holds.
    pub fn finish_before_trailers(&mut self, waiting: Vec<u8>, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        let is_in_host = self.paused.as_ref().is_some_and(|paused| waiting.starts_with(paused));
        let turn = self.push_chunk(if is_in_host { waiting } else { Vec::new() }, true, report, &mut |_| Advice::Hold);
        if is_in_host { turn } else { turn.before_trailers() }
    }

    /// What has become of the `paused` bytes, now that the host holds `chunk`.
    fn resume(&mut self, paused: &[u8], chunk: &[u8]) -> Resumed {
        if chunk.starts_with(paused) {
            return Resumed::Returned;
        }
        self.was_released = true;
        let end = paused.get(paused.len().saturating_sub(MARK)..).unwrap_or_default();
        if end.is_empty() || chunk.windows(end.len()).any(|part| part == end) {
            // Another filter may hold bytes in front of them, and which bytes are new cannot be told.
            return Resumed::Displaced;
        }
        self.released = self.pending.len();
        self.forwarded = self.forwarded.saturating_add(as_u64(paused.len()));
        Resumed::Released
    }

    /// True when bytes are held back here.
    pub fn holds_back(&self) -> bool {
        self.waiting() > 0 && self.plan.treatment != BodyAction::Observe
    }

    /// The number of pending bytes that were not forwarded in any form.
    fn waiting(&self) -> usize {
        self.pending.len().saturating_sub(self.released)
    }

    /// Whether the pending bytes may be inspected again, and put into the host with as many that have `returned`, and takes it out
    /// of the budget.
    fn may_reread(&mut self, returned: usize, end: bool) -> bool {
        if self.pending.is_empty() || end {
            return true;
        }
        let cost = as_u64(self.pending.len().saturating_add(returned)).saturating_add(COST_OF_INSPECTION);
        let budget = FREE_REREADS.saturating_add(self.received.saturating_mul(REREADS_PER_BYTE));
        let reread = self.reread.saturating_add(cost);
        let fits = reread <= budget;
        if fits {
            self.reread = reread;
        }
        fits
    }

    /// Inspects `bytes`, masks what is to be masked, and leaves those that are decided; the others are pending then.
    fn decide(&mut self, bytes: &mut Vec<u8>, end: bool, walk: &mut Walk<'_>) {
        let mut decided: usize = 0;
        while let Some(rest) = bytes.get_mut(decided..).filter(|rest| !rest.is_empty()) {
            let count = self.step(rest, end, walk);
            decided = decided.saturating_add(count);
            if count == 0 || walk.cut.is_some() {
                break;
            }
        }
        self.pending = bytes.split_off(decided.min(bytes.len()));
    }

    /// Puts decided `bytes` behind `output`, without those that were released before.
    fn put(&mut self, output: &mut Vec<u8>, bytes: &[u8]) {
        let released = self.released.min(bytes.len());
        self.released = self.released.saturating_sub(released);
        output.extend_from_slice(bytes.get(released..).unwrap_or_default());
    }

    /// Puts the masked form of the pending bytes behind `output`, without those that were released before.
    fn cover(&self, output: &mut Vec<u8>) {
        let covered = self.inspector.covered(&self.pending);
        output.extend_from_slice(covered.get(self.released..).unwrap_or_default());
    }

    /// Whether the host may hold `output` with the pending bytes behind it.
    fn fits_in_host(&self, output: &[u8]) -> bool {
        output.len().saturating_add(self.waiting()) <= self.plan.pause_limit
    }

    /// The turn that forwards `output`, while the pending bytes stay in the filter.
    fn forward(&mut self, output: Vec<u8>) -> BodyOutput {
        self.forwarded = self.forwarded.saturating_add(as_u64(output.len()));
        if self.plan.treatment == BodyAction::Observe { BodyOutput::PASS } else { BodyOutput::replaced_by(output) }
    }

    /// Handles the bytes at the front of `rest` and returns how many are decided; none when more are needed.
    fn step(&mut self, rest: &mut [u8], end: bool, walk: &mut Walk<'_>) -> usize {
        match self.messages.next(rest, end) {
            BodyPart::Undecided => 0,
            BodyPart::Framing(len) | BodyPart::Head(len) => len,
            BodyPart::Compressed(len) => {
                self.messages.take(rest.get(..len).unwrap_or_default());
                self.passed_unread = true;
                if self.plan.refuse_unread {
                    walk.cut = Some(Abort::Uninspectable);
                }
                len
            }
            BodyPart::Text { len, first, last } => {
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
            (walk.report)(finding.detection.clone());
            match (self.plan.treatment, text.get_mut(finding.span.clone())) {
                (BodyAction::Mask, Some(span)) => {
                    finding.mask(span, self.plan.style);
                    walk.changed = true;
                }
                (BodyAction::Block, _) => {
                    walk.cut = Some(Abort::Card);
                    return;
                }
                (BodyAction::Observe, _) | (BodyAction::Mask, None) => {}
            }
        }
    }
}

/// What has become of a chunk that waited in the host.
enum Resumed {
    /// It came back, in front of what is new.
    Returned,
    /// Another filter took it along: all that the host holds is new.
    Released,
    /// It came back behind bytes that another filter holds.
    Displaced,
}

/// What has become of the chunk so far.
struct Walk<'r> {
    changed: bool,
    cut: Option<Abort>,
    report: &'r mut dyn FnMut(Detection),
}
