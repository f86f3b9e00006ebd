//! How is the body of a message prepared for, and what becomes of each chunk of it?

use super::forwarded::Forwarded;
use super::framing::{advice, has_reached_nobody, is_complete, is_delayed, sender_of};
use super::refusal::Refusal;
use super::{Exchange, FilterStatus, Stop, coding};
use crate::audit::{Action, Reason};
use crate::host::{HeaderBlock, HeaderMap, Host};
use crate::policy::{Decision, Direction, Limit, Location, Policy};
use crate::stream::{
    self, Abort, Body, BodyAction, BodyConfig, BodyFormat, BodyOutput, DecodeError, Detection, Framing, HoldBack,
    Sender, Side, TextFormat,
};
use std::rc::Rc;

/// The body of a message on its way.
pub(super) enum PendingBody {
    /// A text as it is, of which nothing is remembered yet, because nothing has to be.
    Text(Text),
    /// What is called binary, and is nothing else unless it begins like a text.
    Binary(Text),
    /// Any other body, and a text that comes in pieces or may hold something.
    Read(Box<Body>),
}

/// What is known of a text before it comes.
#[derive(Clone, Copy)]
pub(super) struct Text {
    shape: BodyFormat,
    treatment: BodyAction,
    /// All of it came at once and passed.
    passed: bool,
}

/// The longest text that is looked at in one go before anything is set up for it.
const SMALL_TEXT: usize = 16_384;

/// So much of a chunk is decoded at a time. What it decodes to is in memory at once.
const ENCODED_PIECE: usize = 16_384;

/// Where bytes go that are forwarded.
#[derive(Clone, Copy)]
enum Put {
    /// In the place of what the host holds, which is so long.
    InsteadOf(usize),
    /// Behind it.
    Behind,
}

impl PendingBody {
    /// How many bytes at the front of `chunk` have waited in the host.
    fn returned_len(&self, chunk: &[u8]) -> usize {
        match self {
            Self::Text(_) | Self::Binary(_) => 0,
            Self::Read(body) => body.returned_len(chunk),
        }
    }
}

impl Text {
    /// True when `chunk` is all of it, small, and nothing could be in it. `end` says that nothing follows.
    fn is_clean(&self, chunk: &[u8], end: bool, policy: &Policy) -> bool {
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let is_whole = !self.passed && (end || self.shape.sender.is_done_after(length));
        let suspect = || {
            let escapes = self.shape.text_format.resolve(chunk).escapes();
            stream::may_contain(chunk, escapes, &policy.criteria(), policy.mask_style())
        };
        is_whole && chunk.len() <= SMALL_TEXT && !suspect()
    }
}

impl Exchange {
    /// Prepares for what a client sends that asks for a websocket with these headers.
    pub(super) fn expect_upgrade<H: Host>(&mut self, host: &mut H, block: &HeaderBlock) -> Result<(), Stop> {
        let direction = Direction::Request;
        let sender = sender_of(host, direction, block);
        let Some(treatment) = self.treatment(direction) else { return Ok(()) };
        if !matches!(coding::decoder(block, self.policy.limits()), Ok(None)) {
            // No frame is encoded. A service that knows no websockets may decode it all the same.
            self.pass_unread(host, direction, Reason::Encoding)?;
        }
        let document = TextFormat::of_content_type(block.get(b"content-type"));
        let plan = self.plan(direction, treatment);
        let body = Body::upgrading(BodyFormat::text(sender, document), plan);
        self.message(direction).body = Some(PendingBody::Read(Box::new(body)));
        Ok(())
    }

    /// Prepares for the frames of a websocket, in both directions.
    pub(super) fn expect_frames<H: Host>(&mut self, host: &mut H) -> Result<(), Stop> {
        for (direction, side) in [(Direction::Request, Side::Client), (Direction::Response, Side::Server)] {
            let Some(treatment) = self.treatment(direction) else { continue };
            let Some(PendingBody::Read(mut body)) = self.message(direction).body.take() else {
                let plan = self.plan(direction, treatment);
                self.message(direction).body = Some(PendingBody::Read(Box::new(Body::of_websocket(side, plan))));
                continue;
            };
            let mut found = Vec::new();
            let upgraded = body.upgrade(&mut |what| found.push(what));
            self.message(direction).body = Some(PendingBody::Read(body));
            let policy = Rc::clone(&self.policy);
            let decision = policy.decide(&self.message(direction).decisions, Location::Body);
            self.report(host, direction, Location::Body, None, &found, decision)?;
            match upgraded {
                Ok(true) => {}
                // What came before the answer was no frame: where frames begin cannot be told.
                Ok(false) => self.pass_unread(host, direction, Reason::Upgrade)?,
                Err(cut) => return Err(Stop::Refused(refusal_for(cut, decision, None))),
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
    ) -> Result<(), Stop> {
        let content_type = block.get(b"content-type");
        let is_binary = content_type.is_some() && block.all(b"content-type").all(stream::is_binary);
        if is_binary && self.message(direction).decisions.inspects_at(Location::Body) {
            self.message(direction).pass_by(Reason::Binary);
        }
        let sender = sender_of(host, direction, block);
        let Some(treatment) = self.treatment(direction) else { return Ok(()) };
        self.message(direction).delayed = is_delayed(host, direction, sender);
        if is_binary {
            if block.get(b"content-encoding").is_none() {
                let shape = BodyFormat::text(sender, TextFormat::Unknown);
                let text = Text { shape, treatment, passed: false };
                self.message(direction).body = Some(PendingBody::Binary(text));
            }
            return Ok(());
        }
        if block.all(b"content-type").any(stream::is_unreadable_charset) {
            // It is read all the same: what it is called need not be true.
            self.pass_unread(host, direction, Reason::Charset)?;
        }
        let is_part = coding::is_part(direction, block);
        if is_part {
            self.pass_unread(host, direction, Reason::Range)?;
        }
        if coding::names_no_coding(block) {
            self.note_oddity(host, direction, Reason::CodingName);
        }
        let Ok(decoder) = coding::decoder(block, self.policy.limits()) else {
            return self.pass_unread(host, direction, Reason::Encoding);
        };
        if decoder.is_some() && is_part {
            // A part of what is encoded says nothing.
            return self.pass_unread(host, direction, Reason::Encoding);
        }
        if decoder.is_some() && treatment != BodyAction::Observe {
            for change in coding::changes(block) {
                change.make(host, HeaderMap::headers_of(direction))?;
            }
        }
        let mut shape = BodyFormat::of_content_type(sender, content_type);
        if coding::compresses_messages(block) {
            shape = shape.with_compressed_messages();
        }
        let is_text = shape.framing == Framing::Whole && !shape.base64;
        self.message(direction).body = Some(match decoder {
            None if is_text => PendingBody::Text(Text { shape, treatment, passed: false }),
            decoder => {
                let plan = self.plan(direction, treatment);
                PendingBody::Read(Box::new(match decoder {
                    Some(decoder) => Body::encoded(decoder, shape, plan),
                    None => Body::new(shape, plan),
                }))
            }
        });
        Ok(())
    }

    /// What happens to a card in a body, if it is to be read.
    fn treatment(&mut self, direction: Direction) -> Option<BodyAction> {
        let decisions = self.message(direction).decisions;
        match Action::of(self.policy.decide(&decisions, Location::Body)) {
            Action::Masked => Some(BodyAction::Mask),
            Action::Blocked => Some(BodyAction::Block),
            Action::Reported | Action::Allowed => Some(BodyAction::Observe),
            Action::Clean | Action::Uninspected => None,
        }
    }

    /// What is to be done with a body.
    fn plan(&mut self, direction: Direction, treatment: BodyAction) -> BodyConfig {
        BodyConfig {
            action: treatment,
            criteria: self.policy.criteria(),
            style: self.policy.mask_style(),
            pause_limit: self.policy.limits().paused_bytes,
            block_uninspectable: self.refuses_unread(direction, &[Location::Body]),
        }
    }

    pub(super) fn take_chunk<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        size: usize,
        end: bool,
    ) -> Result<FilterStatus, Stop> {
        let Some(mut incoming) = self.message(direction).body.take() else { return Ok(FilterStatus::Continue) };
        if let PendingBody::Binary(text) = incoming {
            if size > 0 && !stream::begins_like_text(&host.body(direction, size.min(stream::SNIFF_LEN))?) {
                return Ok(FilterStatus::Continue);
            }
            if size > 0 {
                self.message(direction).take_back(Reason::Binary);
                incoming = PendingBody::Text(text);
            }
        }
        let chunk = if size == 0 { Vec::new() } else { host.body(direction, size)? };
        if self.comes_again(host, direction, &incoming, &chunk) {
            return self.take_again(host, direction, incoming, end);
        }
        self.counters.add_inspected(direction, size.saturating_sub(incoming.returned_len(&chunk)));
        let mut body = match incoming {
            PendingBody::Read(body) => body,
            PendingBody::Binary(text) => {
                self.message(direction).body = Some(PendingBody::Binary(text));
                return Ok(FilterStatus::Continue);
            }
            PendingBody::Text(text) if chunk.is_empty() || text.is_clean(&chunk, end, &self.policy) => {
                let passed = text.passed || !chunk.is_empty();
                self.message(direction).forwarded.extend(&Forwarded::of(&chunk));
                self.message(direction).body = Some(PendingBody::Text(Text { passed, ..text }));
                return Ok(FilterStatus::Continue);
            }
            PendingBody::Text(text) => {
                let plan = self.plan(direction, text.treatment);
                Box::new(Body::new(text.shape, plan))
            }
        };
        if chunk.len() > ENCODED_PIECE && body.is_encoded() {
            return self.take_pieces(host, direction, size, end, body, &chunk);
        }
        let mut found = Vec::new();
        let came = Forwarded::of(&chunk);
        let message = self.message(direction);
        let (delayed, mut arrived) = (message.delayed, message.arrived);
        let mut advice =
            |counts| if delayed { HoldBack::InFilter } else { advice(host, direction, counts, &mut arrived) };
        let turn = body.push(chunk, end, &mut |what| found.push(what), &mut advice);
        self.message(direction).arrived = arrived;
        self.note_forwarded(direction, &turn, &came);
        self.finish_turn(host, direction, Put::InsteadOf(size), body, &found, turn)
    }

    /// Adds to what was forwarded. `came` is the chunk of the turn.
    fn note_forwarded(&mut self, direction: Direction, turn: &BodyOutput, came: &Forwarded) {
        let forwarded = match (&turn.flow, &turn.replacement) {
            (stream::BodyFlow::Pass, None) => *came,
            (stream::BodyFlow::Pass, Some(bytes)) => Forwarded::of(bytes),
            _ => return,
        };
        self.message(direction).forwarded.extend(&forwarded);
    }

    /// True when `chunk` is nothing new, but all that was forwarded, which a filter behind this one stops. A sender that repeats
    /// itself just then is taken for it, so there must be nothing to find in it.
    fn comes_again<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        incoming: &PendingBody,
        chunk: &[u8],
    ) -> bool {
        let (is_paused, is_between_members) = match incoming {
            PendingBody::Read(body) => (body.paused_len() > 0, body.is_between_members()),
            PendingBody::Text(_) | PendingBody::Binary(_) => (false, false),
        };
        let may_be = self.message(direction).forwarded.may_be(chunk, is_between_members);
        if is_paused || !may_be || !has_reached_nobody(host, direction) {
            return false;
        }
        if self.treatment(direction) == Some(BodyAction::Observe) {
            return true;
        }
        let shape = BodyFormat::text(Sender::EndSignalled, TextFormat::Unknown);
        let mut text = Body::new(shape, self.plan(direction, BodyAction::Block));
        let turn = text.push(chunk.to_vec(), true, &mut |_| {}, &mut |_| HoldBack::InFilter);
        turn.flow == stream::BodyFlow::Pass
    }

    /// Lets what comes again pass as it is. Behind it, where the body has ended, goes what was held back.
    fn take_again<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        incoming: PendingBody,
        end: bool,
    ) -> Result<FilterStatus, Stop> {
        match incoming {
            PendingBody::Read(mut body) if end || (direction == Direction::Response && is_complete(host)) => {
                let mut found = Vec::new();
                let turn = body.push(Vec::new(), true, &mut |what| found.push(what), &mut |_| HoldBack::InFilter);
                self.finish_turn(host, direction, Put::Behind, body, &found, turn)
            }
            incoming => {
                self.message(direction).body = Some(incoming);
                Ok(FilterStatus::Continue)
            }
        }
    }

    /// Takes a chunk of an encoded body in pieces: what one of them decodes to has left the VM before the next is decoded.
    fn take_pieces<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        size: usize,
        end: bool,
        mut body: Box<Body>,
        chunk: &[u8],
    ) -> Result<FilterStatus, Stop> {
        let mut pieces = chunk.chunks(ENCODED_PIECE).peekable();
        let mut put = Put::InsteadOf(size);
        while let Some(piece) = pieces.next() {
            let mut found = Vec::new();
            let ends = end && pieces.peek().is_none();
            let turn = body.push(piece.to_vec(), ends, &mut |what| found.push(what), &mut |_| HoldBack::InFilter);
            self.note_forwarded(direction, &turn, &Forwarded::of(piece));
            self.finish_turn(host, direction, put, body, &found, turn)?;
            match self.message(direction).body.take() {
                Some(PendingBody::Read(next)) => body = next,
                _ => return Ok(FilterStatus::Continue),
            }
            put = Put::Behind;
        }
        self.message(direction).body = Some(PendingBody::Read(body));
        Ok(FilterStatus::Continue)
    }

    /// Ends the body of a message, now that its trailers have begun.
    pub(super) fn end_body<H: Host>(&mut self, host: &mut H, direction: Direction) -> Result<(), Stop> {
        let Some(PendingBody::Read(mut body)) = self.message(direction).body.take() else { return Ok(()) };
        let size = body.paused_len();
        // Where another filter took the buffer along, there is none.
        let waiting = if size == 0 { Vec::new() } else { host.body(direction, size).unwrap_or_default() };
        let mut found = Vec::new();
        let turn = body.finish_before_trailers(waiting, &mut |what| found.push(what));
        self.finish_turn(host, direction, Put::InsteadOf(size), body, &found, turn)?;
        Ok(())
    }

    /// Reports what a chunk held and does with it what its body asks for.
    fn finish_turn<H: Host>(
        &mut self,
        host: &mut H,
        direction: Direction,
        put: Put,
        body: Box<Body>,
        found: &[Detection],
        turn: BodyOutput,
    ) -> Result<FilterStatus, Stop> {
        let policy = Rc::clone(&self.policy);
        let decision = policy.decide(&self.message(direction).decisions, Location::Body);
        self.report(host, direction, Location::Body, None, found, decision)?;
        if body.passed_uninspected() || body.decode_error() == Some(DecodeError::Broken) {
            self.note_unread(host, direction, Reason::Encoding);
        }
        if let Some(limit) = body.decode_error().and_then(limit_of) {
            self.note_limit(host, direction, limit);
            self.note_unread(host, direction, Reason::Limit);
        }
        if body.exceeded_pause_limit() {
            self.note_limit(host, direction, Limit::PausedBytes);
        }
        if body.was_released() {
            self.note_unread(host, direction, Reason::Released);
        }
        if let Some(bytes) = turn.replacement {
            match put {
                Put::InsteadOf(size) => host.replace_body(direction, size, &bytes)?,
                Put::Behind => host.append_body(direction, &bytes)?,
            }
        }
        let flow = match turn.flow {
            stream::BodyFlow::Pass => FilterStatus::Continue,
            stream::BodyFlow::Pause => FilterStatus::Pause,
            stream::BodyFlow::Abort(cut) => return Err(Stop::Refused(refusal_for(cut, decision, body.decode_error()))),
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

/// The limit that a body was beyond that could not be decoded.
fn limit_of(flaw: DecodeError) -> Option<Limit> {
    match flaw {
        DecodeError::Broken => None,
        DecodeError::Ratio => Some(Limit::InflateRatio),
        DecodeError::Memory => Some(Limit::MemoryBytes),
    }
}

fn refusal_for(cut: Abort, decision: Decision<'_>, flaw: Option<DecodeError>) -> Refusal {
    match cut {
        Abort::Card => Refusal::Card { rule: decision.rule.to_owned() },
        Abort::Uninspectable => flaw.and_then(limit_of).map_or(Refusal::Uninspectable, Refusal::Limit),
        Abort::HeldBackAtTrailers => Refusal::TrailersOverTail,
    }
}
