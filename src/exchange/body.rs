//! Inspection of a message's body, chunk by chunk.

use super::forwarded::Forwarded;
use super::framing::{hold_back, is_delayed, is_response_complete, nothing_has_left_the_chain, sender_of};
use super::refusal::Refusal;
use super::{Exchange, FilterStatus, Interrupt, coding};
use crate::audit::{Action, Reason};
use crate::host::{HeaderBlock, HeaderMap, Host};
use crate::policy::{Decision, Direction, Limit, Location, Policy};
use crate::stream::{
    self, Abort, Body, BodyAction, BodyConfig, BodyFormat, BodyOutput, DecodeError, Detection, Framing, HoldBack,
    Sender, Side, TextFormat,
};
use std::rc::Rc;

/// The body of a message in progress.
pub(super) enum PendingBody {
    /// Plain text without a [`Body`] yet. A small, clean text never gets one.
    Text(PendingText),
    /// A body with a binary content type. It is inspected only if it begins like text.
    Binary(PendingText),
    /// Any other body, and a text that arrives in several chunks or may contain findings.
    Read(Box<Body>),
}

/// The properties of a text before its first chunk.
#[derive(Clone, Copy)]
pub(super) struct PendingText {
    format: BodyFormat,
    action: BodyAction,
    /// The whole text was clean and has been forwarded.
    is_forwarded: bool,
}

/// The longest text that the quick check inspects without a [`Body`].
const SMALL_TEXT: usize = 16_384;

/// The number of encoded bytes that are decoded at a time. It bounds the decoded bytes in memory.
const PIECE_LEN: usize = 16_384;

/// The way in which output is written to the host's buffer.
#[derive(Clone, Copy)]
enum Write {
    /// Replaces the buffer, which has this length.
    Replace(usize),
    /// Appends to the buffer.
    Append,
}

impl PendingBody {
    /// The number of bytes at the start of `chunk` that were held back in the host.
    fn returned_len(&self, chunk: &[u8]) -> usize {
        match self {
            Self::Text(_) | Self::Binary(_) => 0,
            Self::Read(body) => body.returned_len(chunk),
        }
    }
}

impl PendingText {
    /// True if `chunk` is the whole text, is small and has no finding by the quick check. `end` means that nothing follows.
    fn is_clean(&self, chunk: &[u8], end: bool, policy: &Policy) -> bool {
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let is_whole = !self.is_forwarded && (end || self.format.sender.is_done_after(length));
        let may_contain = || {
            let escapes = self.format.text_format.resolve(chunk).escapes();
            stream::may_contain(chunk, escapes, &policy.criteria(), policy.mask_style())
        };
        is_whole && chunk.len() <= SMALL_TEXT && !may_contain()
    }
}

impl Exchange {
    /// Prepares for the bytes that a client sends after its WebSocket request, before the upgrade is known.
    pub(super) fn expect_upgrade<H: Host>(&mut self, host: &mut H, block: &HeaderBlock) -> Result<(), Interrupt> {
        let direction = Direction::Request;
        let sender = sender_of(host, direction, block);
        let Some(action) = self.body_action(direction) else { return Ok(()) };
        if !matches!(coding::decoder(block, self.policy.limits()), Ok(None)) {
            // Frames are not encoded, but an upstream without WebSockets may decode the body.
            self.handle_uninspectable(host, direction, Reason::Encoding)?;
        }
        let text_format = TextFormat::of_content_type(block.get(b"content-type"));
        let config = self.body_config(direction, action);
        let body = Body::upgrading(BodyFormat::text(sender, text_format), config);
        self.message(direction).body = Some(PendingBody::Read(Box::new(body)));
        Ok(())
    }

    /// Prepares for WebSocket frames in both directions.
    pub(super) fn expect_frames<H: Host>(&mut self, host: &mut H) -> Result<(), Interrupt> {
        for (direction, side) in [(Direction::Request, Side::Client), (Direction::Response, Side::Server)] {
            let Some(action) = self.body_action(direction) else { continue };
            let Some(PendingBody::Read(mut body)) = self.message(direction).body.take() else {
                let config = self.body_config(direction, action);
                self.message(direction).body = Some(PendingBody::Read(Box::new(Body::of_websocket(side, config))));
                continue;
            };
            let mut found = Vec::new();
            let upgraded = body.upgrade(&mut |detection| found.push(detection));
            self.message(direction).body = Some(PendingBody::Read(body));
            let policy = Rc::clone(&self.policy);
            let decision = policy.decide(&self.message(direction).decisions, Location::Body);
            self.report(host, direction, Location::Body, None, &found, decision)?;
            match upgraded {
                Ok(true) => {}
                // The bytes before the upgrade are not a frame, so the start of the next frame is unknown.
                Ok(false) => self.handle_uninspectable(host, direction, Reason::Upgrade)?,
                Err(abort) => return Err(Interrupt::Block(refusal_of(abort, decision, None))),
            }
        }
        Ok(())
    }

    /// Prepares for the body of a message whose headers are `block`.
    pub(super) fn expect_body<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        block: &HeaderBlock,
    ) -> Result<(), Interrupt> {
        let content_type = block.get(b"content-type");
        let is_binary = content_type.is_some() && block.all(b"content-type").all(stream::is_binary);
        if is_binary && self.message(direction).decisions.inspects_at(Location::Body) {
            self.message(direction).skip(Reason::Binary);
        }
        let sender = sender_of(host, direction, block);
        let Some(action) = self.body_action(direction) else { return Ok(()) };
        self.message(direction).delayed = is_delayed(host, direction, sender);
        if is_binary {
            if block.get(b"content-encoding").is_none() {
                let format = BodyFormat::text(sender, TextFormat::Unknown);
                let text = PendingText { format, action, is_forwarded: false };
                self.message(direction).body = Some(PendingBody::Binary(text));
            }
            return Ok(());
        }
        if block.all(b"content-type").any(stream::is_unreadable_charset) {
            // It is inspected as text too, because the content type may be wrong.
            self.handle_uninspectable(host, direction, Reason::Charset)?;
        }
        let is_part = coding::is_part(direction, block);
        if is_part {
            self.handle_uninspectable(host, direction, Reason::Range)?;
        }
        if coding::names_no_coding(block) {
            self.note_reason(host, direction, Reason::CodingName);
        }
        let Ok(decoder) = coding::decoder(block, self.policy.limits()) else {
            return self.handle_uninspectable(host, direction, Reason::Encoding);
        };
        if decoder.is_some() && is_part {
            // A range of encoded bytes cannot be decoded.
            return self.handle_uninspectable(host, direction, Reason::Encoding);
        }
        if decoder.is_some() && action != BodyAction::Observe {
            for change in coding::changes(block) {
                change.apply(host, HeaderMap::headers_of(direction))?;
            }
        }
        let mut format = BodyFormat::of_content_type(sender, content_type);
        if coding::compresses_messages(block) {
            format = format.with_compressed_messages();
        }
        let is_text = format.framing == Framing::Whole && !format.base64;
        self.message(direction).body = Some(match decoder {
            None if is_text => PendingBody::Text(PendingText { format, action, is_forwarded: false }),
            decoder => {
                let config = self.body_config(direction, action);
                PendingBody::Read(Box::new(match decoder {
                    Some(decoder) => Body::encoded(decoder, format, config),
                    None => Body::new(format, config),
                }))
            }
        });
        Ok(())
    }

    /// The action on findings in a body, or `None` if the body is not inspected.
    fn body_action(&mut self, direction: Direction) -> Option<BodyAction> {
        let decisions = self.message(direction).decisions;
        match Action::of(self.policy.decide(&decisions, Location::Body)) {
            Action::Masked => Some(BodyAction::Mask),
            Action::Blocked => Some(BodyAction::Block),
            Action::Reported | Action::Allowed => Some(BodyAction::Observe),
            Action::Clean | Action::Uninspected => None,
        }
    }

    /// The configuration for the inspection of a body.
    fn body_config(&mut self, direction: Direction, action: BodyAction) -> BodyConfig {
        BodyConfig {
            action,
            criteria: self.policy.criteria(),
            style: self.policy.mask_style(),
            pause_limit: self.policy.limits().paused_bytes,
            block_uninspectable: self.blocks_uninspectable(direction, &[Location::Body]),
        }
    }

    /// Processes one chunk of a body.
    pub(super) fn process_chunk<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        size: usize,
        end: bool,
    ) -> Result<FilterStatus, Interrupt> {
        let Some(mut pending) = self.message(direction).body.take() else { return Ok(FilterStatus::Continue) };
        if let PendingBody::Binary(text) = pending {
            if size > 0 && !stream::begins_like_text(&host.body(direction, size.min(stream::SNIFF_LEN))?) {
                return Ok(FilterStatus::Continue);
            }
            if size > 0 {
                self.message(direction).undo_skip(Reason::Binary);
                pending = PendingBody::Text(text);
            }
        }
        let chunk = if size == 0 { Vec::new() } else { host.body(direction, size)? };
        if self.is_redelivered(host, direction, &pending, &chunk) {
            return self.process_redelivered(host, direction, pending, end);
        }
        if size > 0 && self.message(direction).has_ended {
            // These bytes may complete a card number.
            return Err(Interrupt::Block(Refusal::Uninspectable));
        }
        self.counters.add_inspected(direction, size.saturating_sub(pending.returned_len(&chunk)));
        let mut body = match pending {
            PendingBody::Read(body) => body,
            PendingBody::Binary(text) => {
                self.message(direction).body = Some(PendingBody::Binary(text));
                return Ok(FilterStatus::Continue);
            }
            PendingBody::Text(text) if chunk.is_empty() || text.is_clean(&chunk, end, &self.policy) => {
                let is_forwarded = text.is_forwarded || !chunk.is_empty();
                self.message(direction).forwarded.extend(&Forwarded::of(&chunk));
                self.message(direction).body = Some(PendingBody::Text(PendingText { is_forwarded, ..text }));
                return Ok(FilterStatus::Continue);
            }
            PendingBody::Text(text) => {
                let config = self.body_config(direction, text.action);
                Box::new(Body::new(text.format, config))
            }
        };
        if chunk.len() > PIECE_LEN && body.is_encoded() {
            return self.process_in_pieces(host, direction, size, end, body, &chunk);
        }
        let mut found = Vec::new();
        let chunk_ends = Forwarded::of(&chunk);
        let message = self.message(direction);
        let (delayed, mut arrival) = (message.delayed, message.arrival);
        let mut place =
            |counts| if delayed { HoldBack::InFilter } else { hold_back(host, direction, counts, &mut arrival) };
        let output = body.push(chunk, end, &mut |detection| found.push(detection), &mut place);
        self.message(direction).arrival = arrival;
        self.record_forwarded(direction, &output, &chunk_ends);
        self.apply_output(host, direction, Write::Replace(size), body, &found, output)
    }

    /// Adds the forwarded bytes of one output to [`Message::forwarded`](super::Message::forwarded). `chunk_ends` are those of its chunk.
    fn record_forwarded(&mut self, direction: Direction, output: &BodyOutput, chunk_ends: &Forwarded) {
        let forwarded = match (&output.flow, &output.replacement) {
            (stream::BodyFlow::Pass, None) => *chunk_ends,
            (stream::BodyFlow::Pass, Some(bytes)) => Forwarded::of(bytes),
            _ => return,
        };
        self.message(direction).forwarded.extend(&forwarded);
    }

    /// True if `chunk` is all forwarded bytes again, which a later filter has stopped. A sender may repeat its bytes by chance, so this
    /// is true only for a chunk without findings.
    fn is_redelivered<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        pending: &PendingBody,
        chunk: &[u8],
    ) -> bool {
        let (is_paused, is_between_members) = match pending {
            PendingBody::Read(body) => (body.paused_len() > 0, body.is_between_members()),
            PendingBody::Text(_) | PendingBody::Binary(_) => (false, false),
        };
        let may_be = self.message(direction).forwarded.may_be(chunk, is_between_members);
        if is_paused || !may_be || !nothing_has_left_the_chain(host, direction) {
            return false;
        }
        if self.body_action(direction) == Some(BodyAction::Observe) {
            return true;
        }
        let format = BodyFormat::text(Sender::EndSignalled, TextFormat::Unknown);
        let mut text = Body::new(format, self.body_config(direction, BodyAction::Block));
        let output = text.push(chunk.to_vec(), true, &mut |_| {}, &mut |_| HoldBack::InFilter);
        output.flow == stream::BodyFlow::Pass
    }

    /// Forwards redelivered bytes unchanged. If the body has ended, the held-back bytes follow.
    fn process_redelivered<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        pending: PendingBody,
        end: bool,
    ) -> Result<FilterStatus, Interrupt> {
        match pending {
            PendingBody::Read(mut body) if end || (direction == Direction::Response && is_response_complete(host)) => {
                let mut found = Vec::new();
                let output =
                    body.push(Vec::new(), true, &mut |detection| found.push(detection), &mut |_| HoldBack::InFilter);
                let has_rest = output.replacement.as_ref().is_some_and(|rest| !rest.is_empty());
                self.record_forwarded(direction, &output, &Forwarded::default());
                self.message(direction).has_ended |= has_rest;
                self.apply_output(host, direction, Write::Append, body, &found, output)
            }
            pending => {
                self.message(direction).body = Some(pending);
                Ok(FilterStatus::Continue)
            }
        }
    }

    /// Decodes a chunk of an encoded body in pieces. Each piece is written to the host before the next one is decoded, to bound memory.
    fn process_in_pieces<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        size: usize,
        end: bool,
        mut body: Box<Body>,
        chunk: &[u8],
    ) -> Result<FilterStatus, Interrupt> {
        let mut pieces = chunk.chunks(PIECE_LEN).peekable();
        let mut write = Write::Replace(size);
        while let Some(piece) = pieces.next() {
            let mut found = Vec::new();
            let ends = end && pieces.peek().is_none();
            let output =
                body.push(piece.to_vec(), ends, &mut |detection| found.push(detection), &mut |_| HoldBack::InFilter);
            self.record_forwarded(direction, &output, &Forwarded::of(piece));
            self.apply_output(host, direction, write, body, &found, output)?;
            match self.message(direction).body.take() {
                Some(PendingBody::Read(next)) => body = next,
                _ => return Ok(FilterStatus::Continue),
            }
            write = Write::Append;
        }
        self.message(direction).body = Some(PendingBody::Read(body));
        Ok(FilterStatus::Continue)
    }

    /// Completes the body of a message at its trailers.
    pub(super) fn end_body<H: Host>(&mut self, host: &mut H, direction: Direction) -> Result<(), Interrupt> {
        let Some(PendingBody::Read(mut body)) = self.message(direction).body.take() else { return Ok(()) };
        let size = body.paused_len();
        // There is no buffer if another filter has released it.
        let held_back = if size == 0 { Vec::new() } else { host.body(direction, size).unwrap_or_default() };
        let mut found = Vec::new();
        let output = body.finish_before_trailers(held_back, &mut |detection| found.push(detection));
        self.apply_output(host, direction, Write::Replace(size), body, &found, output)?;
        Ok(())
    }

    /// Reports the findings of a chunk and applies the output of its body.
    fn apply_output<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        write: Write,
        body: Box<Body>,
        found: &[Detection],
        output: BodyOutput,
    ) -> Result<FilterStatus, Interrupt> {
        let policy = Rc::clone(&self.policy);
        let decision = policy.decide(&self.message(direction).decisions, Location::Body);
        self.report(host, direction, Location::Body, None, found, decision)?;
        if body.passed_uninspected() || body.decode_error() == Some(DecodeError::Broken) {
            self.note_uninspected(host, direction, Reason::Encoding);
        }
        if let Some(limit) = body.decode_error().and_then(limit_of) {
            self.note_limit(host, direction, limit);
            self.note_uninspected(host, direction, Reason::Limit);
        }
        if body.exceeded_pause_limit() {
            self.note_limit(host, direction, Limit::PausedBytes);
        }
        if body.was_released() {
            self.note_uninspected(host, direction, Reason::Released);
        }
        if let Some(bytes) = output.replacement {
            match write {
                Write::Replace(size) => host.replace_body(direction, size, &bytes)?,
                Write::Append => host.append_body(direction, &bytes)?,
            }
        }
        let flow = match output.flow {
            stream::BodyFlow::Pass => FilterStatus::Continue,
            stream::BodyFlow::Pause => FilterStatus::Pause,
            stream::BodyFlow::Abort(abort) => {
                return Err(Interrupt::Block(refusal_of(abort, decision, body.decode_error())));
            }
            stream::BodyFlow::Close(_) => {
                self.stream_summary().note_blocked();
                self.message(direction).closed = true;
                FilterStatus::Continue
            }
        };
        self.message(direction).body = Some(PendingBody::Read(body));
        Ok(flow)
    }
}

/// The limit that a decode error stands for, if it is one.
fn limit_of(error: DecodeError) -> Option<Limit> {
    match error {
        DecodeError::Broken => None,
        DecodeError::Ratio => Some(Limit::InflateRatio),
        DecodeError::Memory => Some(Limit::MemoryBytes),
    }
}

fn refusal_of(abort: Abort, decision: Decision<'_>, error: Option<DecodeError>) -> Refusal {
    match abort {
        Abort::Card => Refusal::Card { rule: decision.rule.to_owned() },
        Abort::Uninspectable => error.and_then(limit_of).map_or(Refusal::Uninspectable, Refusal::Limit),
        Abort::HeldBackAtTrailers => Refusal::TrailersOverTail,
    }
}
