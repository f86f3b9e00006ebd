//! What passes through a websocket?
//!
//! Frames (RFC 6455, section 5), those of a client scrambled with a key. The payload of a message, which may be spread over
//! several frames, is a text; it is unscrambled to be read, and masked where it stands. What waits is the end of a message
//! that is not complete, and the frames behind it; the receiver could do nothing with it yet.
//!
//! What a ping, a pong or a farewell says is a text of its own.

mod frame;
mod queue;

use self::frame::{Head, Key, Kind};
use self::queue::{Output, Queue, QueuedPart};
use super::{Abort, BodyAction, BodyConfig, BodyFlow, BodyFormat, BodyOutput, Plain};
use crate::stream::{Detection, Document, Sender};

/// What one side sends through a websocket.
pub struct WebSocket {
    side: Side,
    plan: BodyConfig,
    /// The head of the next frame, as far as it has come.
    head: Vec<u8>,
    frame: Option<Frame>,
    message: Option<WebSocketMessage>,
    queue: Queue,
    /// What was forwarded ends with a frame.
    between_frames: bool,
    closed: bool,
    passed_unread: bool,
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who opened the websocket, and has to scramble.
    Client,
    /// Who answers.
    Service,
}

/// A frame whose head was read.
struct Frame {
    payload: Payload,
    /// How much of its payload is still to come.
    rest: u64,
    key: Key,
    /// It ends its message.
    is_last: bool,
    /// What has come of it, readable, if it belongs to no message.
    control: Vec<u8>,
}

/// What is to be done with the payload of a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Payload {
    /// It is read.
    Text,
    /// It belongs to a message that cannot be read.
    Unread,
    /// It belongs to no message.
    Control,
    /// The same, and begins with a status.
    Close,
}

/// A message of which a frame has come, and others are to come.
enum WebSocketMessage {
    Text(Box<Plain>),
    Unread,
}

/// How long the status of a farewell is.
const STATUS_LEN: usize = 2;

/// The most bytes of frames without text that wait behind a text. What they leave open is decided with them.
const LONGEST_QUEUE: usize = 65_536;

impl WebSocket {
    pub fn new(side: Side, plan: BodyConfig) -> Self {
        Self {
            side,
            plan,
            head: Vec::new(),
            frame: None,
            message: None,
            queue: Queue::default(),
            between_frames: true,
            closed: false,
            passed_unread: false,
        }
    }

    pub fn passed_unread(&self) -> bool {
        self.passed_unread
    }

    /// What is to be done with frames that cannot be read, from now on.
    pub fn refuse_unread(&mut self, refuse: bool) {
        self.plan.refuse_unread = refuse;
    }

    /// True when all that came are whole frames, and none of it waits.
    pub fn is_at_rest(&self) -> bool {
        self.head.is_empty() && self.frame.is_none() && self.queue.is_empty()
    }

    /// True when what came is not only whole frames that can be read, and the start of one.
    pub fn is_broken(&self) -> bool {
        self.passed_unread || self.head.first().is_some_and(|first| Kind::of(*first) == Kind::Extended)
    }

    /// Takes the next bytes. `end` says that nothing follows.
    pub fn push(&mut self, chunk: Vec<u8>, end: bool, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        if self.closed {
            return if chunk.is_empty() { BodyOutput::PASS } else { BodyOutput::replaced_by(Vec::new()) };
        }
        let mut output = Output { bytes: Vec::new(), boundary: self.between_frames.then_some(0) };
        if let Err(cut) = self.read(&chunk, end, &mut output, report) {
            return self.close(cut, output);
        }
        self.between_frames = output.boundary == Some(output.bytes.len());
        if self.plan.treatment == BodyAction::Observe || output.bytes == chunk {
            return BodyOutput::PASS;
        }
        BodyOutput::replaced_by(output.bytes)
    }

    /// The end of a stream that has trailers, which none of a websocket has.
    pub fn finish(&mut self, report: &mut dyn FnMut(Detection)) -> BodyOutput {
        let waits = !self.queue.is_empty() || !self.head.is_empty();
        if !waits || self.plan.treatment == BodyAction::Observe {
            return self.push(Vec::new(), true, report);
        }
        BodyOutput::cut(Abort::TrailersOverTail)
    }

    fn read(
        &mut self,
        mut bytes: &[u8],
        end: bool,
        output: &mut Output,
        report: &mut dyn FnMut(Detection),
    ) -> Result<(), Abort> {
        while !bytes.is_empty() {
            bytes = match self.frame.take() {
                None => self.read_head(bytes, report)?,
                Some(frame) => self.read_payload(frame, bytes, report)?,
            };
            self.queue.forward(output);
            if self.queue.framing() > LONGEST_QUEUE {
                self.push_text(Vec::new(), true, report)?;
                self.message = self.message.take().map(|_| self.fresh_message());
                self.queue.forward(output);
            }
        }
        if end {
            self.push_text(Vec::new(), true, report)?;
            if let Some(frame) = self.frame.take() {
                self.read_control(&frame, report)?;
                self.frame = Some(frame);
            }
            let head = std::mem::take(&mut self.head);
            self.enqueue(QueuedPart::Bytes(head));
            self.queue.forward(output);
        }
        Ok(())
    }

    /// Reads the head of a frame, or as much of it as has come, and gives what is behind it.
    fn read_head<'b>(&mut self, bytes: &'b [u8], report: &mut dyn FnMut(Detection)) -> Result<&'b [u8], Abort> {
        for (index, byte) in bytes.iter().enumerate() {
            self.head.push(*byte);
            let Some(head) = Head::read(&self.head) else { continue };
            let payload = self.payload(head.kind, report)?;
            let control = Vec::new();
            let frame = Frame { payload, rest: head.length, key: head.key, is_last: head.is_last, control };
            let head = std::mem::take(&mut self.head);
            self.enqueue(QueuedPart::Head(head));
            if frame.rest > 0 {
                self.frame = Some(frame);
            } else {
                if frame.payload == Payload::Text && frame.is_last {
                    self.push_text(Vec::new(), true, report)?;
                }
                self.end_frame(&frame);
            }
            return Ok(bytes.get(index.saturating_add(1)..).unwrap_or_default());
        }
        Ok(&[])
    }

    /// What is to be done with a frame of this kind. Begins the message when it is the first of one.
    fn payload(&mut self, kind: Kind, report: &mut dyn FnMut(Detection)) -> Result<Payload, Abort> {
        match kind {
            Kind::Control => return Ok(Payload::Control),
            Kind::Close => return Ok(Payload::Close),
            Kind::First => self.begin(self.fresh_message(), report)?,
            Kind::Continuation if self.message.is_some() => {}
            Kind::Continuation | Kind::Extended => self.begin(WebSocketMessage::Unread, report)?,
        }
        if matches!(self.message, Some(WebSocketMessage::Text(_))) {
            return Ok(Payload::Text);
        }
        self.passed_unread = true;
        if self.plan.refuse_unread { Err(Abort::Uninspectable) } else { Ok(Payload::Unread) }
    }

    /// Begins a message. One that is still open ends, though it must not.
    fn begin(&mut self, message: WebSocketMessage, report: &mut dyn FnMut(Detection)) -> Result<(), Abort> {
        self.push_text(Vec::new(), true, report)?;
        self.message = Some(message);
        Ok(())
    }

    /// Reads as much of a frame's payload as has come, and gives what is behind it.
    fn read_payload<'b>(
        &mut self,
        mut frame: Frame,
        bytes: &'b [u8],
        report: &mut dyn FnMut(Detection),
    ) -> Result<&'b [u8], Abort> {
        let len = usize::try_from(frame.rest).unwrap_or(usize::MAX).min(bytes.len());
        let (payload, behind) = bytes.split_at_checked(len).unwrap_or((bytes, &[]));
        frame.rest = frame.rest.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
        match frame.payload {
            Payload::Text => {
                self.enqueue(QueuedPart::Text(len, frame.key));
                let mut text = payload.to_vec();
                frame.key.apply(&mut text);
                self.push_text(text, frame.rest == 0 && frame.is_last, report)?;
            }
            Payload::Unread => self.enqueue(QueuedPart::Bytes(payload.to_vec())),
            Payload::Control | Payload::Close => {
                frame.control.extend_from_slice(payload);
                if frame.rest == 0 {
                    self.read_control(&frame, report)?;
                }
            }
        }
        if frame.rest == 0 {
            self.end_frame(&frame);
        } else {
            self.frame = Some(frame);
        }
        Ok(behind)
    }

    /// Reads what a frame says that belongs to no message, as far as it has come. A farewell is read with its status and
    /// without it: digits of the one would be part of the other.
    fn read_control(&mut self, frame: &Frame, report: &mut dyn FnMut(Detection)) -> Result<(), Abort> {
        let mut key = frame.key;
        let mut said = frame.control.clone();
        key.apply(&mut said);
        let mut masked = said.clone();
        let status = if frame.payload == Payload::Close { STATUS_LEN } else { 0 };
        let readings: &[usize] = if status == 0 { &[0] } else { &[status, 0] };
        for from in readings {
            let mut findings = Vec::new();
            let text = said.get(*from..).unwrap_or_default();
            self.plan.inspector(Document::Unknown).inspect(text, true, &mut findings);
            for finding in findings {
                let span = finding.span.start.saturating_add(*from)..finding.span.end.saturating_add(*from);
                if *from < status && span.start >= status {
                    continue;
                }
                report(finding.detection.clone());
                if self.plan.treatment == BodyAction::Block {
                    return Err(Abort::Card);
                }
                if let Some(span) = masked.get_mut(span) {
                    finding.mask(span, self.plan.style);
                }
            }
        }
        let mut key = frame.key;
        key.apply(&mut masked);
        if !masked.is_empty() {
            self.enqueue(QueuedPart::Bytes(masked));
        }
        Ok(())
    }

    fn end_frame(&mut self, frame: &Frame) {
        if frame.is_last && matches!(frame.payload, Payload::Text | Payload::Unread) {
            self.message = None;
        }
        self.enqueue(QueuedPart::End);
    }

    /// Hands text to the message that is open. What is decided of it is ready then.
    fn push_text(&mut self, text: Vec<u8>, last: bool, report: &mut dyn FnMut(Detection)) -> Result<(), Abort> {
        let Some(WebSocketMessage::Text(message)) = &mut self.message else { return Ok(()) };
        let decided = message.push(text.clone(), last, report).forwarded(text)?;
        if self.plan.treatment != BodyAction::Observe {
            self.queue.push_ready(decided);
        }
        Ok(())
    }

    fn enqueue(&mut self, part: QueuedPart) {
        if self.plan.treatment != BodyAction::Observe {
            self.queue.push(part);
        }
    }

    /// Tells the receiver that nothing more comes, if it has only got whole frames; else that cannot be told.
    fn close(&mut self, cut: Abort, output: Output) -> BodyOutput {
        let Some(boundary) = output.boundary else { return BodyOutput::cut(cut) };
        self.closed = true;
        self.queue = Queue::default();
        let mut bytes = output.bytes;
        bytes.truncate(boundary);
        bytes.extend(frame::close(self.side));
        BodyOutput { replacement: Some(bytes), flow: BodyFlow::Close(cut) }
    }

    fn fresh_message(&self) -> WebSocketMessage {
        let shape = BodyFormat::text(Sender::EndSignalled, Document::Unknown);
        WebSocketMessage::Text(Box::new(Plain::new(shape, self.plan.clone())))
    }
}
