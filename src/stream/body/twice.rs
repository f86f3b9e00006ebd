//! What does a body say that may not be what it is called?
//!
//! The framing of protobuf and gRPC takes almost any bytes: a JSON document that is called protobuf reads as fields, whose
//! tags and lengths hide digits of it. Whoever receives it may read the document all the same. So such a body is read twice:
//! *in parts*, as its framing says, and *across*, as one text a message. What either reading finds is found:
//!
//! | found across | is believed |
//! |---|---|
//! | in a message that reads as a text so far, without control characters | always; it tells more than the same in a part does |
//! | in any other, over the edge of a part | yes; the heads of parts stay as they are, so that the message can still be read, and no other digit does |
//! | in any other, within a part | no: the part was read by itself, without what only happens to stand beside it |
//!
//! The reading across follows behind the other. Nothing waits in the host.

use super::{Abort, BodyAction, BodyConfig, BodyFormat, BodyOutput};
use crate::mask::{Keep, Style};
use crate::stream::media::has_control;
use crate::stream::messages::{BodyPart, Messages, as_u64};
use crate::stream::{Detection, Document, Finding, Inspector, Sender};
use std::collections::VecDeque;
use std::ops::Range;

/// A body that is read in parts and across them.
pub struct Twice {
    sender: Sender,
    shape: Document,
    plan: BodyConfig,
    received: u64,
    /// The bytes that were not forwarded yet, as they came.
    bytes: Vec<u8>,
    /// Where in the body these begin.
    start: u64,
    parts: Reader,
    across: Reader,
    /// How the parts of the current message are written.
    document: Document,
    /// What holds no text, and where parts begin, as far as it matters for what is in `bytes`.
    edges: VecDeque<Edge>,
    /// What masks change in `bytes`.
    edits: Vec<(u64, u8)>,
    /// What was found in parts and is not reported yet.
    found: Vec<(Range<u64>, Detection)>,
    /// The text that is read across has a control character, as no document has.
    control: bool,
    passed_unread: bool,
}

/// One way to read the body.
struct Reader {
    messages: Messages,
    inspector: Inspector,
    /// How far it is decided.
    position: u64,
}

/// Bytes between parts; none where one begins right behind another.
struct Edge {
    span: Range<u64>,
    is_head: bool,
}

/// How many bytes are looked at in one go: it bounds how many edges are remembered.
const BLOCK: usize = 16_384;

impl Twice {
    pub fn new(shape: BodyFormat, plan: BodyConfig) -> Self {
        let BodyFormat { sender, framing, document, .. } = shape;
        let reader = |messages, document| Reader { messages, inspector: plan.inspector(document), position: 0 };
        Self {
            sender,
            shape: document,
            received: 0,
            bytes: Vec::new(),
            start: 0,
            parts: reader(Messages::new(framing), document),
            across: reader(Messages::across(framing), Document::Unknown),
            document,
            edges: VecDeque::new(),
            edits: Vec::new(),
            found: Vec::new(),
            control: false,
            passed_unread: false,
            plan,
        }
    }

    /// True when a part of the body was forwarded that could not be read, or not as what it is called.
    pub fn passed_unread(&self) -> bool {
        self.passed_unread
    }

    /// True when bytes of it were not forwarded yet.
    pub fn holds_back(&self) -> bool {
        !self.bytes.is_empty() && self.plan.treatment != BodyAction::Observe
    }

    /// True when it is no row of messages.
    pub fn is_broken(&self) -> bool {
        self.parts.messages.is_broken()
    }

    /// Takes the next bytes. `end` says that nothing follows.
    pub fn push(&mut self, chunk: Vec<u8>, end: bool, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        self.received = self.received.saturating_add(as_u64(chunk.len()));
        let end = end || self.sender.is_done_after(self.received);
        let mut forwarded = Vec::with_capacity(chunk.len());
        let mut rest = chunk.as_slice();
        loop {
            let (block, behind) = rest.split_at_checked(BLOCK).unwrap_or((rest, &[]));
            self.bytes.extend_from_slice(block);
            let end = end && behind.is_empty();
            let read = self.read_parts(end).and_then(|()| self.read_across(end));
            self.report(read.is_err(), report);
            if let Err(cut) = read {
                return BodyOutput::cut(cut);
            }
            self.forward(&mut forwarded);
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        if self.plan.treatment == BodyAction::Observe || forwarded == chunk {
            return BodyOutput::PASS;
        }
        BodyOutput::replaced_by(forwarded)
    }

    /// Ends the body, now that trailers have begun.
    pub fn finish_before_trailers(&mut self, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        if self.holds_back() {
            return BodyOutput::cut(Abort::TrailersOverTail);
        }
        self.push(Vec::new(), true, report)
    }

    /// Reads on in parts, as far as it can.
    fn read_parts(&mut self, end: bool) -> Result<(), Abort> {
        loop {
            let at = self.offset(self.parts.position);
            let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
            if self.parts.messages.begins_message() {
                let is_json = matches!(rest, [b'{' | b'[', ..]);
                self.document = if is_json { Document::Json } else { self.shape };
            }
            let stretch = self.parts.messages.next(rest, end);
            if self.parts.messages.is_broken() {
                self.passed_unread = true;
                if self.plan.refuse_unread {
                    return Err(Abort::Uninspectable);
                }
            }
            match stretch {
                BodyPart::Undecided => return Ok(()),
                BodyPart::Framing(len) => self.pass(len, false),
                BodyPart::Head(len) => self.pass(len, true),
                BodyPart::Compressed(len) => {
                    self.parts.messages.take(rest.get(..len).unwrap_or_default());
                    self.pass(len, false);
                    self.passed_unread = true;
                    if self.plan.refuse_unread {
                        return Err(Abort::Uninspectable);
                    }
                }
                BodyPart::Text { len, first, last } => {
                    if first {
                        let broken = self.parts.messages.is_broken();
                        let document = if broken { Document::Unknown } else { self.document };
                        self.parts.inspector = self.plan.inspector(document);
                        let position = self.parts.position;
                        self.edges.push_back(Edge { span: position..position, is_head: false });
                    }
                    let mut findings = Vec::new();
                    let text = rest.get(..len).unwrap_or_default();
                    let decided = self.parts.inspector.inspect(text, last, &mut findings);
                    self.parts.messages.take(text.get(..decided).unwrap_or_default());
                    let from = self.parts.position;
                    for finding in findings {
                        let span = within(&finding, from);
                        let edits = self.edits_of(&finding, &span, self.plan.style);
                        self.edits.extend(edits);
                        self.found.push((span, finding.detection));
                    }
                    self.parts.position = from.saturating_add(as_u64(decided));
                    if self.plan.treatment == BodyAction::Block && !self.found.is_empty() {
                        return Err(Abort::Card);
                    }
                    if decided == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Reads on across the parts, as far as these were read.
    fn read_across(&mut self, end: bool) -> Result<(), Abort> {
        let limit = self.offset(self.parts.position);
        let end = end && limit == self.bytes.len();
        loop {
            let at = self.offset(self.across.position);
            let Some(rest) = self.bytes.get(at..limit).filter(|rest| !rest.is_empty()) else { return Ok(()) };
            if self.across.messages.begins_message() {
                self.control = false;
            }
            match self.across.messages.next(rest, end) {
                BodyPart::Undecided => return Ok(()),
                BodyPart::Framing(len) | BodyPart::Head(len) => {
                    self.control |= has_control(rest.get(..len).unwrap_or_default());
                    self.across.position = self.across.position.saturating_add(as_u64(len));
                }
                BodyPart::Compressed(len) => {
                    self.across.messages.take(rest.get(..len).unwrap_or_default());
                    self.across.position = self.across.position.saturating_add(as_u64(len));
                }
                BodyPart::Text { len, first, last } => {
                    if first {
                        self.across.inspector = self.plan.inspector(Document::Unknown);
                    }
                    let mut findings = Vec::new();
                    let text = rest.get(..len).unwrap_or_default();
                    let decided = self.across.inspector.inspect(text, last, &mut findings);
                    let decided_text = text.get(..decided).unwrap_or_default();
                    self.across.messages.take(decided_text);
                    let reads_as_text = |end: usize| !self.control && !has_control(text.get(..end).unwrap_or_default());
                    let findings: Vec<(bool, Finding)> =
                        findings.into_iter().map(|finding| (reads_as_text(finding.span.end), finding)).collect();
                    self.control = self.control || has_control(decided_text);
                    let from = self.across.position;
                    for (is_text, finding) in findings {
                        self.take_across(is_text, finding, from);
                    }
                    self.across.position = from.saturating_add(as_u64(decided));
                    if self.plan.treatment == BodyAction::Block && !self.found.is_empty() {
                        return Err(Abort::Card);
                    }
                    if decided == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Takes what was found across the parts into account, in a text that begins at `from`.
    fn take_across(&mut self, is_text: bool, finding: Finding, from: u64) {
        let span = within(&finding, from);
        if !is_text && !self.edges.iter().any(|edge| edge.is_within(&span)) {
            return;
        }
        let covers = |other: &Range<u64>| span.start <= other.start && other.end <= span.end;
        self.found.retain(|(other, _)| !covers(other));
        let overlaps = self.found.iter().any(|(other, _)| span.start < other.end && other.start < span.end);
        let mut edits = self.edits_of(&finding, &span, self.plan.style);
        let is_head = |at: u64| self.edges.iter().any(|edge| edge.is_head && edge.span.contains(&at));
        if !is_text && edits.iter().any(|(at, _)| is_head(*at)) {
            edits = self.edits_of(&finding, &span, Style { keep: Keep::None, ..self.plan.style });
            edits.retain(|(at, _)| !is_head(*at));
        }
        if overlaps {
            let known: Vec<u64> = self.edits.iter().map(|(at, _)| *at).collect();
            edits.retain(|(at, _)| !known.contains(at));
        } else {
            self.edits.retain(|(at, _)| !span.contains(at));
            self.found.push((span, finding.detection));
        }
        self.edits.extend(edits);
    }

    /// What masking `finding` at `span` changes.
    fn edits_of(&self, finding: &Finding, span: &Range<u64>, style: Style) -> Vec<(u64, u8)> {
        let bytes = self.bytes.get(self.offset(span.start)..self.offset(span.end)).unwrap_or_default();
        let mut masked = bytes.to_vec();
        finding.mask(&mut masked, style);
        let changed = (span.start..).zip(masked.into_iter().zip(bytes));
        changed.filter(|(_, (masked, byte))| masked != *byte).map(|(at, (masked, _))| (at, masked)).collect()
    }

    /// Passes by bytes that hold no text.
    fn pass(&mut self, len: usize, is_head: bool) {
        let end = self.parts.position.saturating_add(as_u64(len));
        self.edges.push_back(Edge { span: self.parts.position..end, is_head });
        self.parts.position = end;
    }

    /// Reports what both readings are done with, in its order. `all` also reports the rest.
    fn report(&mut self, all: bool, report: &mut dyn FnMut(Detection)) {
        let position = self.across.position;
        self.found.sort_by_key(|(span, _)| span.start);
        let done = self.found.iter().take_while(|(span, _)| all || span.end <= position).count();
        self.found.drain(..done).for_each(|(_, detection)| report(detection));
    }

    /// Forwards what both readings are done with.
    fn forward(&mut self, forwarded: &mut Vec<u8>) {
        let count = self.offset(self.across.position).min(self.bytes.len());
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
        while self.edges.front().is_some_and(|edge| edge.span.end <= end) {
            self.edges.pop_front();
        }
        self.start = end;
    }

    /// Where in `bytes` a position of the body is.
    fn offset(&self, position: u64) -> usize {
        usize::try_from(position.saturating_sub(self.start)).unwrap_or(usize::MAX)
    }
}

impl Edge {
    /// True when what stands at `span` is not within one part.
    fn is_within(&self, span: &Range<u64>) -> bool {
        match self.span.is_empty() {
            true => span.start < self.span.start && self.span.start < span.end,
            false => span.start < self.span.end && self.span.start < span.end,
        }
    }
}

/// Where `finding`, in bytes that begin at `from`, stands in the body.
fn within(finding: &Finding, from: u64) -> Range<u64> {
    let at = |offset: usize| from.saturating_add(as_u64(offset));
    at(finding.span.start)..at(finding.span.end)
}
