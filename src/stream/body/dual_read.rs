//! Body in protobuf or gRPC framing, inspected twice because its content type may be wrong.
//!
//! Almost any bytes are valid protobuf. A JSON document with a protobuf content type parses as fields, whose tags and lengths hide
//! some of its digits, but its receiver may still read it as JSON. So each message is inspected *by part*, as its framing says,
//! and *as text*, in one piece. The findings of both inspections count:
//!
//! | finding as text | is applied |
//! |---|---|
//! | in a message without control characters so far | always; it replaces findings by part in the same bytes |
//! | in another message, across a part boundary | without changes to the prefixes of parts, so that the message can still be parsed; no other digit is kept |
//! | in another message, within a part | no, because the inspection of the part alone has better context |
//!
//! A finding as text never replaces one by part for which the policy has a stricter action.
//!
//! The inspection as text follows after the one by part. Nothing is paused in the host.

use super::{Abort, BodyAction, BodyConfig, BodyFormat, BodyOutput, MIN_FIRST_FORWARD};
use crate::mask::{Keep, Style};
use crate::stream::media::has_control;
use crate::stream::messages::{BodyPart, BodySplitter, as_u64};
use crate::stream::{Detection, Finding, Inspector, Sender, TextFormat};
use std::collections::VecDeque;
use std::ops::Range;

/// A body that is inspected by part and as text.
pub struct DualRead {
    sender: Sender,
    /// Format of parts, unless their message begins like JSON.
    default_format: TextFormat,
    config: BodyConfig,
    received: u64,
    /// Bytes that were not forwarded yet, as received.
    bytes: Vec<u8>,
    /// Position of `bytes` in the body.
    start: u64,
    by_part: Reader,
    as_text: Reader,
    /// Format of the parts of the current message.
    message_format: TextFormat,
    /// Boundaries of the parts in `bytes`.
    boundaries: VecDeque<Boundary>,
    /// Changes that masks make to `bytes`, with their positions in the body.
    edits: Vec<(u64, u8)>,
    /// Findings that are not reported yet, with their positions in the body.
    findings: Vec<(Range<u64>, Detection)>,
    /// Whether the current message contains a control character and so is not a text document.
    has_control: bool,
    passed_uninspected: bool,
}

/// State of one of the two inspections.
struct Reader {
    splitter: BodySplitter,
    inspector: Inspector,
    /// Position in the body up to which it has decided.
    position: u64,
}

/// Bytes between two parts; empty when one part directly follows another.
struct Boundary {
    span: Range<u64>,
    /// Whether the bytes are the length prefix of the part after them.
    is_prefix: bool,
}

/// Number of bytes that are inspected at once, which bounds the number of boundaries in memory.
const BLOCK: usize = 16_384;

impl DualRead {
    pub fn new(format: BodyFormat, config: BodyConfig) -> Self {
        let BodyFormat { sender, framing, text_format, .. } = format;
        let reader = |splitter, text_format| Reader { splitter, inspector: config.inspector(text_format), position: 0 };
        Self {
            sender,
            default_format: text_format,
            received: 0,
            bytes: Vec::new(),
            start: 0,
            by_part: reader(BodySplitter::new(framing), text_format),
            as_text: reader(BodySplitter::of_whole_messages(framing), TextFormat::Unknown),
            message_format: text_format,
            boundaries: VecDeque::new(),
            edits: Vec::new(),
            findings: Vec::new(),
            has_control: false,
            passed_uninspected: false,
            config,
        }
    }

    /// True when a part of the body was forwarded uninspected, or the body does not have its framing.
    pub fn passed_uninspected(&self) -> bool {
        self.passed_uninspected
    }

    /// True when bytes are held back.
    pub fn holds_back(&self) -> bool {
        !self.bytes.is_empty() && self.config.action != BodyAction::Observe
    }

    /// True when the body does not have its framing.
    pub fn is_broken(&self) -> bool {
        self.by_part.splitter.is_broken()
    }

    /// Processes the next bytes. `end` means that nothing follows.
    pub fn push(&mut self, chunk: Vec<u8>, end: bool, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        self.received = self.received.saturating_add(as_u64(chunk.len()));
        let end = end || self.sender.is_done_after(self.received);
        let mut forwarded = Vec::with_capacity(chunk.len());
        let mut rest = chunk.as_slice();
        loop {
            let (block, after) = rest.split_at_checked(BLOCK).unwrap_or((rest, &[]));
            self.bytes.extend_from_slice(block);
            let end = end && after.is_empty();
            let inspected = self.inspect_by_part(end).and_then(|()| self.inspect_as_text(end));
            self.report(inspected.is_err(), report);
            if let Err(abort) = inspected {
                return BodyOutput::abort(abort);
            }
            self.forward(&mut forwarded);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        if self.config.action == BodyAction::Observe || forwarded == chunk {
            return BodyOutput::UNCHANGED;
        }
        BodyOutput::replaced_by(forwarded)
    }

    /// Ends the body, because trailers have begun.
    pub fn finish_before_trailers(&mut self, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        if self.holds_back() {
            return BodyOutput::abort(Abort::HeldBackAtTrailers);
        }
        self.push(Vec::new(), true, report)
    }

    /// Continues the inspection by part as far as the bytes allow.
    fn inspect_by_part(&mut self, end: bool) -> Result<(), Abort> {
        loop {
            let at = self.offset(self.by_part.position);
            let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
            if self.by_part.splitter.begins_message() {
                let is_json = matches!(rest, [b'{' | b'[', ..]);
                self.message_format = if is_json { TextFormat::Json } else { self.default_format };
            }
            let part = self.by_part.splitter.next(rest, end);
            if self.by_part.splitter.is_broken() {
                self.passed_uninspected = true;
                if self.config.block_uninspectable {
                    return Err(Abort::Uninspectable);
                }
            }
            match part {
                BodyPart::Undecided => return Ok(()),
                BodyPart::Framing(len) => self.skip(len, false),
                BodyPart::Prefix(len) => self.skip(len, true),
                BodyPart::Compressed(len) => {
                    self.by_part.splitter.consume(rest.get(..len).unwrap_or_default());
                    self.skip(len, false);
                    self.passed_uninspected = true;
                    if self.config.block_uninspectable {
                        return Err(Abort::Uninspectable);
                    }
                }
                BodyPart::Text { len, first, last } => {
                    if first {
                        let broken = self.by_part.splitter.is_broken();
                        let text_format = if broken { TextFormat::Unknown } else { self.message_format };
                        self.by_part.inspector = self.config.inspector(text_format);
                        let position = self.by_part.position;
                        self.boundaries.push_back(Boundary { span: position..position, is_prefix: false });
                    }
                    let mut findings = Vec::new();
                    let text = rest.get(..len).unwrap_or_default();
                    let decided = self.by_part.inspector.inspect(text, last, &mut findings);
                    self.by_part.splitter.consume(text.get(..decided).unwrap_or_default());
                    let from = self.by_part.position;
                    for finding in findings {
                        let span = body_span(&finding, from);
                        let edits = self.edits_of(&finding, &span, self.config.style);
                        self.edits.extend(edits);
                        self.findings.push((span, finding.detection));
                    }
                    self.by_part.position = from.saturating_add(as_u64(decided));
                    self.abort_if_blocked()?;
                    if decided == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Continues the inspection as text up to the position of the other one.
    fn inspect_as_text(&mut self, end: bool) -> Result<(), Abort> {
        let limit = self.offset(self.by_part.position);
        let end = end && limit == self.bytes.len();
        loop {
            let at = self.offset(self.as_text.position);
            let Some(rest) = self.bytes.get(at..limit).filter(|rest| !rest.is_empty()) else { return Ok(()) };
            if self.as_text.splitter.begins_message() {
                self.has_control = false;
            }
            match self.as_text.splitter.next(rest, end) {
                BodyPart::Undecided => return Ok(()),
                BodyPart::Framing(len) | BodyPart::Prefix(len) => {
                    self.has_control |= has_control(rest.get(..len).unwrap_or_default());
                    self.as_text.position = self.as_text.position.saturating_add(as_u64(len));
                }
                BodyPart::Compressed(len) => {
                    self.as_text.splitter.consume(rest.get(..len).unwrap_or_default());
                    self.as_text.position = self.as_text.position.saturating_add(as_u64(len));
                }
                BodyPart::Text { len, first, last } => {
                    if first {
                        self.as_text.inspector = self.config.inspector(TextFormat::Unknown);
                    }
                    let mut findings = Vec::new();
                    let text = rest.get(..len).unwrap_or_default();
                    let decided = self.as_text.inspector.inspect(text, last, &mut findings);
                    let decided_text = text.get(..decided).unwrap_or_default();
                    self.as_text.splitter.consume(decided_text);
                    let is_text = |end: usize| !self.has_control && !has_control(text.get(..end).unwrap_or_default());
                    let findings: Vec<(bool, Finding)> =
                        findings.into_iter().map(|finding| (is_text(finding.span.end), finding)).collect();
                    self.has_control = self.has_control || has_control(decided_text);
                    let from = self.as_text.position;
                    for (is_text, finding) in findings {
                        self.merge(is_text, finding, from);
                    }
                    self.as_text.position = from.saturating_add(as_u64(decided));
                    self.abort_if_blocked()?;
                    if decided == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Merges a finding as text, in bytes that begin at `from`, with the findings by part. `is_text` means that the message has no
    /// control character up to the end of the finding.
    fn merge(&mut self, is_text: bool, finding: Finding, from: u64) {
        let span = body_span(&finding, from);
        if !is_text && !self.boundaries.iter().any(|boundary| boundary.splits(&span)) {
            return;
        }
        let action = self.config.action_for(&finding.detection);
        let overlapping = self.findings.iter().filter(|(other, _)| span.start < other.end && other.start < span.end);
        let strictest = overlapping.map(|(_, detection)| self.config.action_for(detection)).max();
        if strictest > Some(action) {
            return;
        }
        let contains = |other: &Range<u64>| span.start <= other.start && other.end <= span.end;
        self.findings.retain(|(other, _)| !contains(other));
        let overlaps = self.findings.iter().any(|(other, detection)| {
            span.start < other.end && other.start < span.end && self.config.action_for(detection) == action
        });
        let mut edits = self.edits_of(&finding, &span, self.config.style);
        let is_prefix =
            |at: u64| self.boundaries.iter().any(|boundary| boundary.is_prefix && boundary.span.contains(&at));
        if !is_text && edits.iter().any(|(at, _)| is_prefix(*at)) {
            edits = self.edits_of(&finding, &span, Style { keep: Keep::None, ..self.config.style });
            edits.retain(|(at, _)| !is_prefix(*at));
        }
        if overlaps {
            let known: Vec<u64> = self.edits.iter().map(|(at, _)| *at).collect();
            edits.retain(|(at, _)| !known.contains(at));
        } else {
            self.edits.retain(|(at, _)| !span.contains(at));
            self.findings.push((span, finding.detection));
        }
        self.edits.extend(edits);
    }

    /// Aborts the body if the policy blocks one of the findings.
    fn abort_if_blocked(&self) -> Result<(), Abort> {
        let is_blocked = |(_, detection): &(_, Detection)| self.config.action_for(detection) == BodyAction::Block;
        if self.findings.iter().any(is_blocked) { Err(Abort::Card) } else { Ok(()) }
    }

    /// Changes that the policy makes to `finding` at `span`.
    fn edits_of(&self, finding: &Finding, span: &Range<u64>, style: Style) -> Vec<(u64, u8)> {
        if self.config.action_for(&finding.detection) == BodyAction::Observe {
            return Vec::new();
        }
        let bytes = self.bytes.get(self.offset(span.start)..self.offset(span.end)).unwrap_or_default();
        let mut masked = bytes.to_vec();
        finding.mask(&mut masked, style);
        let changed = (span.start..).zip(masked.into_iter().zip(bytes));
        changed.filter(|(_, (masked, byte))| masked != *byte).map(|(at, (masked, _))| (at, masked)).collect()
    }

    /// Skips bytes without text.
    fn skip(&mut self, len: usize, is_prefix: bool) {
        let end = self.by_part.position.saturating_add(as_u64(len));
        self.boundaries.push_back(Boundary { span: self.by_part.position..end, is_prefix });
        self.by_part.position = end;
    }

    /// Reports the findings that both inspections have passed, in order; with `all`, every finding.
    fn report(&mut self, all: bool, report: &mut dyn FnMut(Detection)) {
        let position = self.as_text.position;
        self.findings.sort_by_key(|(span, _)| span.start);
        let done = self.findings.iter().take_while(|(span, _)| all || span.end <= position).count();
        self.findings.drain(..done).for_each(|(_, detection)| report(detection));
    }

    /// Forwards the bytes that both inspections have decided, unless they are the start of the body and too short to be
    /// recognized if the host delivers them again.
    fn forward(&mut self, forwarded: &mut Vec<u8>) {
        let count = self.offset(self.as_text.position).min(self.bytes.len());
        if self.start == 0 && count < MIN_FIRST_FORWARD.min(self.bytes.len()) {
            return;
        }
        let from = forwarded.len();
        forwarded.extend(self.bytes.drain(..count));
        let end = self.start.saturating_add(as_u64(count));
        for (at, byte) in self.edits.iter().filter(|(at, _)| *at < end) {
            let offset = usize::try_from(at.saturating_sub(self.start)).unwrap_or(usize::MAX);
            if let Some(slot) = forwarded.get_mut(from.saturating_add(offset)) {
                *slot = *byte;
            }
        }
        self.edits.retain(|(at, _)| *at >= end);
        while self.boundaries.front().is_some_and(|boundary| boundary.span.end <= end) {
            self.boundaries.pop_front();
        }
        self.start = end;
    }

    /// Converts a position in the body to an offset in `bytes`.
    fn offset(&self, position: u64) -> usize {
        usize::try_from(position.saturating_sub(self.start)).unwrap_or(usize::MAX)
    }
}

impl Boundary {
    /// True when the boundary lies in `span`, which therefore is not within one part.
    fn splits(&self, span: &Range<u64>) -> bool {
        match self.span.is_empty() {
            true => span.start < self.span.start && self.span.start < span.end,
            false => span.start < self.span.end && self.span.start < span.end,
        }
    }
}

/// Span of `finding` in the body, where its bytes begin at `from`.
fn body_span(finding: &Finding, from: u64) -> Range<u64> {
    let at = |offset: usize| from.saturating_add(as_u64(offset));
    at(finding.span.start)..at(finding.span.end)
}
