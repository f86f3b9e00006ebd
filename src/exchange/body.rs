//! Inspection of a message's body, chunk by chunk.

use super::forwarded::Forwarded;
use super::framing::{
    Arrival, Protocol, hold_back, is_response_complete, nothing_has_left_the_chain, sender_of, was_aborted,
};
use super::message::{Message, State};
use super::refusal::Refusal;
use super::{Callback, FilterStatus, Interrupt, coding};
use crate::audit::Reason;
use crate::host::{HeaderBlock, HeaderMap};
use crate::policy::{Content, Direction, Limit, Location, Policy};
use crate::stream::{
    self, Abort, Body, BodyAction, BodyConfig, BodyFlow, BodyFormat, ContentType, DecodeError, Framing, HoldBack,
    Sender, Side, TextFormat,
};

/// The body of a message in progress.
pub(super) enum PendingBody {
    /// Plain text without a [`Body`] yet. A small, clean text never gets one.
    Text(PendingText),
    /// A body with a binary content type. It is inspected only if it begins like text.
    Binary(PendingText),
    /// Any other body, and a text that arrives in several chunks or may contain findings.
    Read(Box<Body>),
    /// A body whose held-back bytes were decided as its end and forwarded, although no callback signalled the end. More bytes may
    /// complete a card number, so they are blocked.
    Ended(Box<Body>),
}

/// The properties of a text before its first chunk.
pub(super) struct PendingText {
    format: BodyFormat,
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

/// The rest of the message after a chunk.
#[derive(Clone, Copy)]
enum Next {
    /// More bytes or trailers may follow.
    Unknown,
    /// Nothing follows.
    Nothing,
    /// Trailers follow.
    Trailers,
}

impl PendingBody {
    fn body(&self) -> Option<&Body> {
        match self {
            Self::Read(body) | Self::Ended(body) => Some(body),
            Self::Text(_) | Self::Binary(_) => None,
        }
    }

    /// The number of bytes that are paused in the host, unless another filter has continued the stream.
    pub(super) fn paused_len(&self) -> usize {
        self.body().map_or(0, Body::paused_len)
    }

    /// True if the filter holds back bytes that are neither forwarded nor paused in the host.
    pub(super) fn holds_back(&self) -> bool {
        self.body().is_some_and(Body::holds_back)
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

impl Message {
    /// Prepares for the bytes that a client sends after its WebSocket request, before the upgrade is known.
    pub(super) fn expect_upgrade(&mut self, call: &mut Callback<'_>, block: &HeaderBlock) -> Result<(), Interrupt> {
        let sender = sender_of(call.host, self.direction, block);
        let Some(config) = BodyConfig::of(call.policy, &self.decisions) else { return Ok(()) };
        if !matches!(coding::decoder(block, call.policy.limits()), Ok(None)) {
            // Frames are not encoded, but an upstream without WebSockets may decode the body.
            self.handle_uninspectable(call, Reason::Encoding)?;
        }
        let text_format = TextFormat::of_content_type(block.get(b"content-type"));
        self.inspect(Body::upgrading(BodyFormat::text(sender, text_format), config));
        Ok(())
    }

    /// Prepares for the bytes of an upgraded connection: WebSocket frames or an unknown protocol.
    pub(super) fn expect_protocol(&mut self, call: &mut Callback<'_>, protocol: Protocol) -> Result<(), Interrupt> {
        if protocol != Protocol::WebSocket {
            self.take_pending();
            return self.handle_uninspectable(call, Reason::Upgrade);
        }
        let Some(config) = BodyConfig::of(call.policy, &self.decisions) else { return Ok(()) };
        let Some(PendingBody::Read(mut body)) = self.take_pending() else {
            let side = match self.direction {
                Direction::Request => Side::Client,
                Direction::Response => Side::Server,
            };
            self.inspect(Body::of_websocket(side, config));
            return Ok(());
        };
        let mut found = Vec::new();
        let upgraded = body.upgrade(&mut |detection| found.push(detection));
        self.state = State::Inspecting(PendingBody::Read(body));
        let blocked = self.report(call, Location::Body, None, &found)?;
        match upgraded {
            Ok(true) => Ok(()),
            // The bytes before the upgrade are not a frame, so the start of the next frame is unknown.
            Ok(false) => self.handle_uninspectable(call, Reason::Upgrade),
            Err(abort) => Err(refuse(abort, blocked, None)),
        }
    }

    /// Prepares for the body of a message whose headers are `block`.
    pub(super) fn expect_body(&mut self, call: &mut Callback<'_>, block: &HeaderBlock) -> Result<(), Interrupt> {
        if !self.decisions.inspects_at(Location::Body) {
            return Ok(());
        }
        let direction = self.direction;
        let sender = sender_of(call.host, direction, block);
        self.arrival = Arrival::at_headers(call.host, direction, sender);
        let content_type = ContentType::of(sender, block.all(b"content-type"));
        if content_type.is_binary {
            self.skip_reason = Some(Reason::Binary);
            if block.get(b"content-encoding").is_none() {
                let format = BodyFormat::text(sender, TextFormat::Unknown);
                self.state = State::Inspecting(PendingBody::Binary(PendingText { format, is_forwarded: false }));
            }
            return Ok(());
        }
        if content_type.is_unreadable {
            // It is inspected as text too, because the content type may be wrong.
            self.handle_uninspectable(call, Reason::Charset)?;
        }
        let is_part = coding::is_part(direction, block);
        if is_part {
            self.handle_uninspectable(call, Reason::Range)?;
        }
        if coding::names_no_coding(block) {
            call.note_uninspected(direction, Reason::CodingName);
        }
        let decoder = match coding::decoder(block, call.policy.limits()) {
            // A range of encoded bytes cannot be decoded.
            Ok(decoder) if decoder.is_none() || !is_part => decoder,
            _ => return self.handle_uninspectable(call, Reason::Encoding),
        };
        if decoder.is_some() && self.decisions.outcome_at(Location::Body, Content::Finding).protects() {
            for change in coding::changes(block) {
                change.apply(call.host, HeaderMap::headers_of(direction))?;
            }
        }
        let mut format = content_type.format;
        if coding::compresses_messages(block) {
            format = format.with_compressed_messages();
        }
        // The quick check does not find values of fields.
        let selects_values = call.policy.selects_values(&self.decisions);
        if decoder.is_none() && format.framing == Framing::Whole && !format.base64 && !selects_values {
            self.state = State::Inspecting(PendingBody::Text(PendingText { format, is_forwarded: false }));
        } else if let Some(config) = BodyConfig::of(call.policy, &self.decisions) {
            self.inspect(match decoder {
                Some(decoder) => Body::encoded(decoder, format, config),
                None => Body::new(format, config),
            });
        }
        Ok(())
    }

    fn inspect(&mut self, body: Body) {
        self.state = State::Inspecting(PendingBody::Read(Box::new(body)));
    }

    /// Takes the body out of the message, which passes uninspected unless the body is put back.
    fn take_pending(&mut self) -> Option<PendingBody> {
        match std::mem::replace(&mut self.state, State::Passing) {
            State::Inspecting(pending) => Some(pending),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Processes one chunk of a body.
    pub(super) fn process_chunk(
        &mut self,
        call: &mut Callback<'_>,
        size: usize,
        end: bool,
    ) -> Result<FilterStatus, Interrupt> {
        let direction = self.direction;
        if matches!(self.state, State::Closed) && size > 0 {
            call.log.counters.add_inspected(direction, size);
            call.host.replace_body(direction, size, &[])?;
        }
        let Some(mut pending) = self.take_pending() else { return Ok(FilterStatus::Continue) };
        if size > 0
            && let PendingBody::Binary(text) = pending
        {
            if !stream::begins_like_text(&call.host.body(direction, size.min(stream::SNIFF_LEN))?) {
                return Ok(FilterStatus::Continue);
            }
            self.skip_reason = None;
            pending = PendingBody::Text(text);
        }
        let chunk = if size == 0 { Vec::new() } else { call.host.body(direction, size)? };
        if self.is_redelivered(call, &pending, &chunk) {
            return self.process_redelivered(call, pending, end);
        }
        if size > 0 && matches!(pending, PendingBody::Ended(_)) {
            return Err(Interrupt::Block(Refusal::Uninspectable));
        }
        let returned = pending.body().map_or(0, |body| body.returned_len(&chunk));
        call.log.counters.add_inspected(direction, size.saturating_sub(returned));
        let config = match &pending {
            PendingBody::Text(text) if size > 0 && !text.is_clean(&chunk, end, call.policy) => {
                BodyConfig::of(call.policy, &self.decisions)
            }
            _ => None,
        };
        let body = match (pending, config) {
            (PendingBody::Read(body), _) => body,
            (PendingBody::Text(text), Some(config)) => Box::new(Body::new(text.format, config)),
            (mut pending, _) => {
                if let PendingBody::Text(text) = &mut pending {
                    text.is_forwarded |= size > 0;
                    self.forwarded.extend(&Forwarded::of(&chunk));
                }
                self.state = State::Inspecting(pending);
                return Ok(FilterStatus::Continue);
            }
        };
        let is_long = chunk.len() > PIECE_LEN && body.is_encoded();
        self.state = State::Inspecting(PendingBody::Read(body));
        let next = if end { Next::Nothing } else { Next::Unknown };
        if is_long {
            return self.push_pieces(call, &chunk, next);
        }
        self.push(call, chunk, next, Write::Replace(size))
    }

    /// True if `chunk` is all forwarded bytes again, which a later filter has stopped. A sender may repeat its bytes by chance, so this
    /// is true only for a chunk without findings.
    fn is_redelivered(&self, call: &mut Callback<'_>, pending: &PendingBody, chunk: &[u8]) -> bool {
        let may_be = self.forwarded.may_be(chunk, pending.body().is_some_and(Body::is_between_members));
        if pending.paused_len() > 0 || !may_be || !nothing_has_left_the_chain(call.host, self.direction) {
            return false;
        }
        let config = BodyConfig::of(call.policy, &self.decisions);
        let Some(config) = config.filter(|config| config.action != BodyAction::Observe) else { return true };
        let format = BodyFormat::text(Sender::EndSignalled, TextFormat::Unknown);
        let mut text = Body::new(format, BodyConfig { action: BodyAction::Block, by_finding: None, ..config });
        let output = text.push(chunk.to_vec(), true, &mut |_| {}, &mut |_| HoldBack::InFilter);
        output.flow == BodyFlow::Pass
    }

    /// Forwards redelivered bytes unchanged. If the body has ended, the held-back bytes follow.
    fn process_redelivered(
        &mut self,
        call: &mut Callback<'_>,
        pending: PendingBody,
        end: bool,
    ) -> Result<FilterStatus, Interrupt> {
        let is_read = matches!(pending, PendingBody::Read(_));
        // In monitor mode nothing waits, so the end need not be guessed.
        let may_have_ended = self.direction == Direction::Response && pending.holds_back();
        self.state = State::Inspecting(pending);
        if !is_read || !(end || (may_have_ended && is_response_complete(call.host))) {
            return Ok(FilterStatus::Continue);
        }
        let before = self.forwarded.len();
        let flow = self.push(call, Vec::new(), Next::Nothing, Write::Append)?;
        if self.forwarded.len() > before
            && let Some(PendingBody::Read(body)) = self.take_pending()
        {
            self.state = State::Inspecting(PendingBody::Ended(body));
        }
        Ok(flow)
    }

    /// Decides the rest of a body that is only observed. No callback may have signalled its end.
    pub(super) fn finish_observed(&mut self, call: &mut Callback<'_>) {
        let is_read = matches!(self.state, State::Inspecting(PendingBody::Read(_)));
        let is_observed = !self.decisions.outcome_at(Location::Body, Content::Finding).protects();
        if is_read && is_observed && !was_aborted(call.host) {
            // The message has been forwarded, so it is too late to block it.
            drop(self.push(call, Vec::new(), Next::Nothing, Write::Append));
        }
    }

    /// Decodes a chunk of an encoded body in pieces. Each piece is written to the host before the next one is decoded, to bound memory.
    fn push_pieces(&mut self, call: &mut Callback<'_>, chunk: &[u8], next: Next) -> Result<FilterStatus, Interrupt> {
        let mut pieces = chunk.chunks(PIECE_LEN).peekable();
        let mut write = Write::Replace(chunk.len());
        while let Some(piece) = pieces.next() {
            let next = if pieces.peek().is_some() { Next::Unknown } else { next };
            self.push(call, piece.to_vec(), next, write)?;
            write = Write::Append;
        }
        Ok(FilterStatus::Continue)
    }

    /// Completes the body of a message at its trailers.
    pub(super) fn end_body(&mut self, call: &mut Callback<'_>) -> Result<(), Interrupt> {
        let State::Inspecting(PendingBody::Read(body)) = &self.state else { return Ok(()) };
        let size = body.paused_len();
        // There is no buffer if another filter has released it.
        let held_back = if size == 0 { Vec::new() } else { call.host.body(self.direction, size).unwrap_or_default() };
        self.push(call, held_back, Next::Trailers, Write::Replace(size))?;
        Ok(())
    }

    /// Processes the next bytes of the body: reports the findings in them and applies the output.
    fn push(
        &mut self,
        call: &mut Callback<'_>,
        chunk: Vec<u8>,
        next: Next,
        write: Write,
    ) -> Result<FilterStatus, Interrupt> {
        let Some(PendingBody::Read(mut body)) = self.take_pending() else { return Ok(FilterStatus::Continue) };
        let (direction, arrival) = (self.direction, &mut self.arrival);
        let mut found = Vec::new();
        let mut forwarded = Forwarded::of(&chunk);
        let mut report = |detection| found.push(detection);
        let mut place = |progress| hold_back(call.host, direction, progress, arrival);
        let output = match next {
            Next::Trailers => body.finish_before_trailers(chunk, &mut report),
            Next::Unknown | Next::Nothing => body.push(chunk, matches!(next, Next::Nothing), &mut report, &mut place),
        };
        if let Some(bytes) = &output.replacement {
            forwarded = Forwarded::of(bytes);
        }
        if output.flow == BodyFlow::Pass {
            self.forwarded.extend(&forwarded);
        }
        let blocked = self.report(call, Location::Body, None, &found)?;
        if body.passed_uninspected() || body.decode_error() == Some(DecodeError::Broken) {
            call.note_uninspected(direction, Reason::Encoding);
        }
        if let Some(limit) = body.decode_error().and_then(limit_of) {
            call.note_limit(direction, limit);
            call.note_uninspected(direction, Reason::Limit);
        }
        if body.exceeded_pause_limit() {
            call.note_limit(direction, Limit::PausedBytes);
        }
        if body.was_released() {
            call.note_uninspected(direction, Reason::Released);
        }
        if let Some(bytes) = output.replacement {
            match write {
                Write::Replace(size) => call.host.replace_body(direction, size, &bytes)?,
                Write::Append => call.host.append_body(direction, &bytes)?,
            }
        }
        let flow = match output.flow {
            BodyFlow::Pass => FilterStatus::Continue,
            BodyFlow::Pause => FilterStatus::Pause,
            BodyFlow::Abort(abort) => return Err(refuse(abort, blocked, body.decode_error())),
            BodyFlow::Close(_) => {
                call.log.summary().note_blocked();
                self.state = State::Closed;
                return Ok(FilterStatus::Continue);
            }
        };
        self.state = State::Inspecting(PendingBody::Read(body));
        Ok(flow)
    }
}

/// The block that ends the body. `blocked` is that of the first finding that the policy blocks.
fn refuse(abort: Abort, blocked: Option<Refusal>, error: Option<DecodeError>) -> Interrupt {
    Interrupt::Block(match (abort, blocked) {
        (Abort::Card, Some(refusal)) => refusal,
        (Abort::Card, None) => Refusal::Uninspectable,
        (Abort::Uninspectable, _) => error.and_then(limit_of).map_or(Refusal::Uninspectable, Refusal::Limit),
        (Abort::HeldBackAtTrailers, _) => Refusal::TrailersOverTail,
    })
}

/// The limit that a decode error stands for, if it is one.
fn limit_of(error: DecodeError) -> Option<Limit> {
    match error {
        DecodeError::Broken => None,
        DecodeError::Ratio => Some(Limit::InflateRatio),
        DecodeError::Memory => Some(Limit::MemoryBytes),
    }
}
