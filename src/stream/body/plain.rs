//! Body that is forwarded byte for byte: which bytes of a chunk are forwarded, which are held back, and where.
//!
//! | sender | location of held-back bytes | end of the body |
//! |---|---|---|
//! | [`Sender::Length`] | filter | when `content-length` bytes have arrived |
//! | [`Sender::EndSignalled`] | filter | last callback |
//! | [`Sender::EndUnknown`], one text | as [`HoldBack`] says: masked in the host with the original in the filter, or only in the filter | last callback or trailers |
//! | [`Sender::EndUnknown`], a sequence of messages | filter, within one message | end of the message |
//!
//! Once trailers have begun the host accepts no more bytes, so bytes held back *in the filter* would be lost. The body is then
//! reset ([`Abort::HeldBackAtTrailers`]). Bytes that are paused in the host can still be edited.
//!
//! # Paused bytes are masked
//!
//! The host has one buffer per direction for all filters of the chain. A later filter that continues the stream also forwards
//! the paused chunk. So undecided digits are paused in a masked form of the same length, and the filter keeps the original
//! bytes. When the chunk returns, they replace the masked form. When another filter has forwarded it, the receiver has read no
//! undecided digit, and the next bytes are inspected as their continuation.
//!
//! # A paused chunk never grows
//!
//! Envoy crashes when a paused response outgrows its buffer. Bytes held back in the filter are inserted before the next chunk
//! when its pause begins, not later.
//!
//! # Work per byte
//!
//! Held-back bytes are inspected again together with the bytes after them. With very small chunks, each byte could be inspected
//! once per chunk, so a body has a budget for that ([`Plain::may_reinspect`]). Beyond it, an inspection requires more bytes.

use super::{
    Abort, BodyAction, BodyConfig, BodyFlow, BodyFormat, BodyOutput, BodyProgress, HoldBack, MIN_FIRST_FORWARD,
};
use crate::stream::messages::{BodyPart, BodySplitter, as_u64};
use crate::stream::{Boundary, Detection, Finding, FindingKind, Framing, Inspector, Sender, TextFormat};

/// A body whose texts are contained in it byte for byte.
pub struct Plain {
    sender: Sender,
    splitter: BodySplitter,
    inspector: Inspector,
    text_format: TextFormat,
    boundary: Option<Boundary>,
    config: BodyConfig,
    /// Undecided bytes, as received.
    held_back: Vec<u8>,
    /// How many of the `held_back` bytes were forwarded masked, because another filter continued the stream.
    released: usize,
    /// The chunk that is paused in the host: decided bytes, then the masked form of the `held_back` bytes that were not
    /// released.
    paused: Option<Vec<u8>>,
    /// Decided bytes before `held_back` that wait in the filter, fewer than [`MIN_FIRST_FORWARD`], while nothing was forwarded.
    first: Vec<u8>,
    received: u64,
    forwarded: u64,
    /// Number of bytes that were inspected more than once.
    reinspected: u64,
    passed_uninspected: bool,
    exceeded_pause_limit: bool,
    was_released: bool,
    /// The last bytes were decided as the end of the body, although no callback signalled the end.
    has_ended: bool,
}

/// How many bytes of any body may be inspected again.
const FREE_REINSPECTIONS: u64 = 64 << 10;
/// How many more bytes may be inspected again per received byte.
const REINSPECTIONS_PER_BYTE: u64 = 8;
/// Fixed cost of an inspection, in bytes.
const COST_OF_INSPECTION: u64 = 256;
/// How many bytes at the end of a paused chunk are searched for where it was not returned at the front.
const MARKER_LEN: usize = 32;
/// How many bytes are inspected at a time if rules select values: each can have a finding, which is longer than most values.
const LONGEST_WINDOW_WITH_VALUES: usize = 32 << 10;
/// Up to this length a chunk is paused again without an inspection, although every chunk copies it into the host once more.
const CHEAP_PAUSE: usize = 4096;

impl Plain {
    pub fn new(format: BodyFormat, config: BodyConfig) -> Self {
        let BodyFormat { sender, framing, text_format, boundary, .. } = format;
        let pause_limit = if framing == Framing::Whole { config.pause_limit } else { 0 };
        Self {
            sender,
            splitter: BodySplitter::new(framing),
            inspector: config.inspector_of_fields(text_format, boundary),
            text_format,
            boundary,
            config: BodyConfig { pause_limit, ..config },
            held_back: Vec::new(),
            released: 0,
            paused: None,
            first: Vec::new(),
            received: 0,
            forwarded: 0,
            reinspected: 0,
            passed_uninspected: false,
            exceeded_pause_limit: false,
            was_released: false,
            has_ended: false,
        }
    }

    /// True when a part of the body was forwarded uninspected.
    pub fn passed_uninspected(&self) -> bool {
        self.passed_uninspected
    }

    /// True when the pause limit forced bytes into the filter that should have been paused in the host.
    pub fn exceeded_pause_limit(&self) -> bool {
        self.exceeded_pause_limit
    }

    /// True when held-back bytes were forwarded masked, because another filter continued the stream.
    pub fn was_released(&self) -> bool {
        self.was_released
    }

    /// Number of bytes that are paused in the host, unless another filter has continued the stream.
    pub fn paused_len(&self) -> usize {
        self.paused.as_ref().map_or(0, Vec::len)
    }

    /// Length of the paused chunk at the front of `chunk`, which is the whole buffer of the host.
    pub fn returned_len(&self, chunk: &[u8]) -> usize {
        self.paused.as_ref().filter(|paused| chunk.starts_with(paused)).map_or(0, Vec::len)
    }

    /// Processes the next bytes of a body that is never paused in the host.
    pub fn push(&mut self, bytes: Vec<u8>, end: bool, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        self.push_chunk(bytes, end, report, &mut |_| HoldBack::InFilter)
    }

    /// Processes the whole buffer of the host. After a [`BodyFlow::Pause`] it begins with the paused chunk, unless another
    /// filter has continued the stream. `end` means that nothing follows, including trailers. Calls `report` for each finding,
    /// in order, and `hold_back` for the location of undecided bytes.
    pub fn push_chunk(
        &mut self,
        mut chunk: Vec<u8>,
        end: bool,
        report: &mut dyn FnMut(Detection),
        hold_back: &mut dyn FnMut(BodyProgress) -> HoldBack,
    ) -> BodyOutput {
        let mut returned = None;
        if let Some(paused) = self.paused.take() {
            match self.resume(&paused, &chunk) {
                Resumed::Returned => {
                    chunk = chunk.split_off(paused.len());
                    returned = Some(paused);
                }
                Resumed::Released => {}
                Resumed::Displaced => return BodyOutput::abort(Abort::Uninspectable),
            }
        }
        let (is_fresh, was_paused) = (!chunk.is_empty(), returned.is_some());
        if is_fresh && self.has_ended {
            // The last bytes were decided as the end and forwarded, so these bytes may complete a card number.
            return BodyOutput::abort(Abort::Uninspectable);
        }
        self.received = self.received.saturating_add(as_u64(chunk.len()));
        let end = end || self.sender.is_done_after(self.received);
        if is_fresh && !self.may_reinspect(returned.as_ref().map_or(0, Vec::len), end) {
            return self.hold_back_uninspected(returned, chunk);
        }
        let mut decided_before = std::mem::take(&mut self.first);
        decided_before.extend(returned.map(|paused| self.decided_part(paused)).unwrap_or_default());
        let is_untouched = self.held_back.is_empty() && decided_before.is_empty();
        let mut bytes = std::mem::take(&mut self.held_back);
        if bytes.is_empty() {
            bytes = chunk;
        } else {
            bytes.append(&mut chunk);
        }
        let mut outcome = ChunkOutcome { changed: false, abort: None, report };
        self.inspect(&mut bytes, end, &mut outcome);
        if let Some(abort) = outcome.abort {
            return BodyOutput::abort(abort);
        }
        if self.config.action == BodyAction::Observe {
            return BodyOutput::UNCHANGED;
        }
        if is_untouched && self.held_back.is_empty() {
            self.forwarded = self.forwarded.saturating_add(as_u64(bytes.len()));
            return BodyOutput { replacement: outcome.changed.then_some(bytes), flow: BodyFlow::Pass };
        }
        let mut output = decided_before;
        self.append_decided(&mut output, &bytes);
        let is_decided = self.unforwarded_len() == 0;
        if is_decided && (end || !was_paused) {
            return self.forward(output);
        }
        let Self { sender, received, forwarded, .. } = *self;
        match hold_back(BodyProgress { sender, received, forwarded, is_fresh, was_paused, is_decided }) {
            HoldBack::InHost if self.fits_in_host(&output) => {
                self.append_masked(&mut output);
                return self.pause(output);
            }
            HoldBack::InHost | HoldBack::InFilterHostFull => {
                self.exceeded_pause_limit |= !is_decided && self.config.pause_limit > 0;
            }
            HoldBack::InFilter => {}
            HoldBack::ReleaseMasked => {
                self.append_masked(&mut output);
                self.released = self.held_back.len();
                self.was_released = true;
            }
            HoldBack::EndOfBody => {
                self.has_ended = true;
                let mut rest = std::mem::take(&mut self.held_back);
                self.inspect(&mut rest, true, &mut outcome);
                if let Some(abort) = outcome.abort {
                    return BodyOutput::abort(abort);
                }
                self.append_decided(&mut output, &rest);
            }
        }
        self.forward(output)
    }

    /// Holds `bytes` back without an inspection: in the host if a chunk was returned and copying it is cheap, else in the filter.
    fn hold_back_uninspected(&mut self, returned: Option<Vec<u8>>, mut bytes: Vec<u8>) -> BodyOutput {
        let limit = self.config.pause_limit.min(CHEAP_PAUSE);
        let decided = match returned {
            Some(mut paused) if paused.len().saturating_add(bytes.len()) <= limit => {
                let mask = self.config.style.character.as_byte();
                // Any of these bytes can be a part of a number, because nothing was decoded.
                let needs_mask = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
                paused.extend(bytes.iter().map(|byte| if needs_mask(byte) { mask } else { *byte }));
                self.held_back.append(&mut bytes);
                return self.pause(paused);
            }
            Some(paused) => self.decided_part(paused),
            None => std::mem::take(&mut self.first),
        };
        self.held_back.append(&mut bytes);
        self.forward(decided)
    }

    /// Pauses `output` in the host.
    fn pause(&mut self, output: Vec<u8>) -> BodyOutput {
        self.paused = Some(output.clone());
        BodyOutput { replacement: Some(output), flow: BodyFlow::Pause }
    }

    /// Removes the masked bytes from the end of a returned chunk.
    fn decided_part(&self, mut paused: Vec<u8>) -> Vec<u8> {
        paused.truncate(paused.len().saturating_sub(self.unforwarded_len()));
        paused
    }

    /// Ends the body, because trailers have begun. `paused` is the buffer of the host.
    pub fn finish_before_trailers(&mut self, paused: Vec<u8>, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        let is_in_host = self.paused.as_ref().is_some_and(|expected| paused.starts_with(expected));
        let chunk = if is_in_host { paused } else { Vec::new() };
        let output = self.push_chunk(chunk, true, report, &mut |_| HoldBack::InFilter);
        if is_in_host { output } else { output.before_trailers() }
    }

    /// Determines from the buffer of the host whether the `paused` chunk was returned.
    fn resume(&mut self, paused: &[u8], chunk: &[u8]) -> Resumed {
        if chunk.starts_with(paused) {
            return Resumed::Returned;
        }
        self.was_released = true;
        let end = paused.get(paused.len().saturating_sub(MARKER_LEN)..).unwrap_or_default();
        if end.is_empty() || chunk.windows(end.len()).any(|part| part == end) {
            // Another filter may have inserted bytes before the paused chunk, so the new bytes cannot be identified.
            return Resumed::Displaced;
        }
        self.released = self.held_back.len();
        self.forwarded = self.forwarded.saturating_add(as_u64(paused.len()));
        Resumed::Released
    }

    /// True when the filter holds back bytes.
    pub fn holds_back(&self) -> bool {
        self.unforwarded_len() > 0 && self.config.action != BodyAction::Observe
    }

    /// Number of held-back bytes that were not forwarded in any form.
    fn unforwarded_len(&self) -> usize {
        self.held_back.len().saturating_sub(self.released)
    }

    /// Charges the budget for another inspection of the held-back bytes, and for pausing `returned` bytes again. Returns false
    /// when the budget does not suffice.
    fn may_reinspect(&mut self, returned: usize, end: bool) -> bool {
        if self.held_back.is_empty() || end {
            return true;
        }
        let cost = as_u64(self.held_back.len().saturating_add(returned)).saturating_add(COST_OF_INSPECTION);
        let budget = FREE_REINSPECTIONS.saturating_add(self.received.saturating_mul(REINSPECTIONS_PER_BYTE));
        let reinspected = self.reinspected.saturating_add(cost);
        let fits = reinspected <= budget;
        if fits {
            self.reinspected = reinspected;
        }
        fits
    }

    /// Inspects and masks `bytes`. Leaves the decided ones in it and holds back the others.
    fn inspect(&mut self, bytes: &mut Vec<u8>, end: bool, outcome: &mut ChunkOutcome<'_>) {
        let mut decided: usize = 0;
        while let Some(rest) = bytes.get_mut(decided..).filter(|rest| !rest.is_empty()) {
            let count = self.inspect_part(rest, end, outcome);
            decided = decided.saturating_add(count);
            if count == 0 || outcome.abort.is_some() {
                break;
            }
        }
        self.held_back = bytes.split_off(decided.min(bytes.len()));
    }

    /// Appends decided `bytes` to `output`, except those that were released.
    fn append_decided(&mut self, output: &mut Vec<u8>, bytes: &[u8]) {
        let released = self.released.min(bytes.len());
        self.released = self.released.saturating_sub(released);
        output.extend_from_slice(bytes.get(released..).unwrap_or_default());
    }

    /// Appends the masked form of the held-back bytes to `output`, except those that were released.
    fn append_masked(&self, output: &mut Vec<u8>) {
        let masked = self.inspector.mask_undecided(&self.held_back);
        output.extend_from_slice(masked.get(self.released..).unwrap_or_default());
    }

    /// True when `output` and the held-back bytes fit into the pause limit.
    fn fits_in_host(&self, output: &[u8]) -> bool {
        output.len().saturating_add(self.unforwarded_len()) <= self.config.pause_limit
    }

    /// Forwards `output`. The held-back bytes stay in the filter, and so does the start of a body that is too short to be
    /// recognized if the host delivers it again.
    fn forward(&mut self, output: Vec<u8>) -> BodyOutput {
        if self.config.action == BodyAction::Observe {
            return BodyOutput::UNCHANGED;
        }
        if self.forwarded == 0 && output.len() < MIN_FIRST_FORWARD && self.unforwarded_len() > 0 {
            self.first = output;
            return BodyOutput::replaced_by(Vec::new());
        }
        self.forwarded = self.forwarded.saturating_add(as_u64(output.len()));
        BodyOutput::replaced_by(output)
    }

    /// Inspects the first part of `rest`. Returns how many bytes are decided; 0 when more bytes are needed.
    fn inspect_part(&mut self, rest: &mut [u8], end: bool, outcome: &mut ChunkOutcome<'_>) -> usize {
        match self.splitter.next(rest, end) {
            BodyPart::Undecided => 0,
            BodyPart::Framing(len) | BodyPart::Prefix(len) => len,
            BodyPart::Compressed(len) => {
                self.splitter.consume(rest.get(..len).unwrap_or_default());
                self.passed_uninspected = true;
                if self.config.block_uninspectable {
                    outcome.abort = Some(Abort::Uninspectable);
                }
                len
            }
            BodyPart::Text { len, first, last } => {
                if first {
                    self.inspector = self.config.inspector_of_fields(self.text_format, self.boundary);
                }
                let limit = if self.inspector.selects_values() { LONGEST_WINDOW_WITH_VALUES } else { len };
                let mut findings = Vec::new();
                let text = rest.get_mut(..len.min(limit)).unwrap_or_default();
                let decided = self.inspector.inspect(text, last && len <= limit, &mut findings);
                self.splitter.consume(text.get(..decided).unwrap_or_default());
                self.apply_action(text, &findings, outcome);
                if self.inspector.missed_values() {
                    self.passed_uninspected = true;
                    if self.config.block_uninspectable {
                        outcome.abort = outcome.abort.or(Some(Abort::Uninspectable));
                    }
                }
                decided
            }
        }
    }

    fn apply_action(&self, text: &mut [u8], findings: &[Finding], outcome: &mut ChunkOutcome<'_>) {
        let masks_value = |finding: &&Finding| {
            finding.detection.kind == FindingKind::Value
                && self.config.action_for(&finding.detection) == BodyAction::Mask
        };
        for finding in findings {
            if !finding.is_continued {
                (outcome.report)(finding.detection.clone());
            }
            match (self.config.action_for(&finding.detection), text.get_mut(finding.span.clone())) {
                (BodyAction::Mask, Some(span)) => {
                    finding.mask(span, self.config.style);
                    outcome.changed = true;
                }
                (BodyAction::Block, _) => {
                    outcome.abort = Some(Abort::Card);
                    return;
                }
                (BodyAction::Observe, _) | (BodyAction::Mask, None) => {}
            }
        }
        // The mask of a number within a value keeps some of its digits.
        let has_others = findings.iter().any(|finding| finding.detection.kind != FindingKind::Value);
        for value in findings.iter().filter(|_| has_others).filter(masks_value) {
            value.mask(text.get_mut(value.span.clone()).unwrap_or_default(), self.config.style);
        }
    }
}

/// State of a chunk that was paused in the host.
enum Resumed {
    /// The host returned it before the new bytes.
    Returned,
    /// Another filter forwarded it, so all bytes in the host are new.
    Released,
    /// The host returned it after bytes of another filter.
    Displaced,
}

/// Result of the inspection of a chunk so far.
struct ChunkOutcome<'r> {
    changed: bool,
    abort: Option<Abort>,
    report: &'r mut dyn FnMut(Detection),
}
