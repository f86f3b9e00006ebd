//! Inspection of a stream of any length.

use super::finding::{ScanFinding, TextPosition};
use super::line_context::{LineContext, LineStart};
use crate::visible_digits::VisibleDigits;
use panveil::mask::{Keep, MaskCharacter, Style};
use panveil::stream::{Finding, Inspector, MAX_UNDECIDED_TOKEN, TextFormat};
use panveil::verdict::Criteria;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

/// Bytes of one read.
const CHUNK: usize = 1 << 20;

/// Style of masked numbers that the detector recognizes: the default of policies.
const MASKS: Style = Style { keep: Keep::First6Last4, character: MaskCharacter::ASTERISK };

/// Buffer for one chunk and the undecided bytes of the previous one. Each worker reuses it for all its files.
pub struct ScanBuffer(Vec<u8>);

/// Settings of an inspection.
pub struct InspectionSettings {
    /// Criteria of the detector.
    pub criteria: Arc<Criteria>,
    /// Digits that the output shows.
    pub digits: VisibleDigits,
    /// Format of the text.
    pub format: TextFormat,
    /// True if every finding needs the text around it.
    pub needs_context: bool,
    /// True if the bytes may arrive slowly. They are inspected as they arrive, and otherwise in chunks that are as large as possible.
    pub is_live: bool,
}

/// Stream that is inspected chunk by chunk, in bounded memory.
pub struct Inspection<'r, R> {
    source: R,
    settings: InspectionSettings,
    buffer: &'r mut [u8],
    held: usize,
    inspector: Inspector,
    findings: Vec<Finding>,
    position: TextPosition,
    line_start: LineStart,
    /// Findings in order, from the first one whose line has not ended.
    pending: VecDeque<PendingFinding>,
}

/// Finding whose line may continue.
struct PendingFinding {
    finding: ScanFinding,
    context: LineContext,
    is_complete: bool,
}

/// Result of one read.
pub enum ReadStatus {
    /// More bytes may follow.
    More,
    /// The stream ended.
    End,
    /// The stream cannot be read further.
    Failed(io::Error),
}

impl ScanBuffer {
    pub fn new() -> Self {
        Self(vec![0; CHUNK.saturating_add(MAX_UNDECIDED_TOKEN)])
    }
}

impl<'r, R: Read> Inspection<'r, R> {
    /// Inspection from the start of `source`.
    pub fn new(source: R, buffer: &'r mut ScanBuffer, settings: InspectionSettings) -> Self {
        Self {
            source,
            buffer: &mut buffer.0,
            held: 0,
            // A log file may have paths, forms and markup in different lines.
            inspector: Inspector::new(settings.format, MASKS)
                .with_criteria(Arc::clone(&settings.criteria))
                .with_all_escapes(),
            settings,
            findings: Vec::new(),
            position: TextPosition::START,
            line_start: LineStart::default(),
            pending: VecDeque::new(),
        }
    }

    /// Reads a chunk, and passes the findings that are decided with it to `found`. Their context is empty if nothing needs it.
    pub fn advance(&mut self, mut found: impl FnMut(ScanFinding, LineContext)) -> ReadStatus {
        let free = self.buffer.get_mut(self.held..).unwrap_or_default();
        let (read, status) = fill(&mut self.source, free, |_| self.settings.is_live);
        let length = self.held.saturating_add(read);
        let window = self.buffer.get(..length).unwrap_or_default();
        let last = !matches!(status, ReadStatus::More);
        let new = window.get(self.held..).unwrap_or_default();
        for pending in self.pending.iter_mut().filter(|pending| !pending.is_complete) {
            pending.is_complete = pending.context.extend(new) || last;
        }
        let decided = self.inspector.inspect(window, last, &mut self.findings);
        let needs_context =
            self.settings.needs_context || (!self.findings.is_empty() && self.line_start.may_allow(window));
        let mut passed = 0;
        for finding in self.findings.drain(..) {
            self.position.advance(window.get(passed..finding.span.start).unwrap_or_default());
            passed = passed.max(finding.span.start);
            let spelling = window.get(finding.span.clone()).unwrap_or_default();
            let mut context = LineContext::default();
            let is_complete = context.extend(window.get(finding.span.end..).unwrap_or_default()) || last;
            if needs_context || !is_complete {
                context.before = self.line_start.before(window.get(..finding.span.start).unwrap_or_default());
            }
            let finding = self.position.finding(&finding, spelling, self.settings.digits);
            self.pending.push_back(PendingFinding { finding, context, is_complete });
        }
        let complete = self.pending.iter().take_while(|pending| pending.is_complete).count();
        for pending in self.pending.drain(..complete) {
            found(pending.finding, pending.context);
        }
        self.position.advance(window.get(passed..decided).unwrap_or_default());
        self.line_start.advance(window.get(..decided).unwrap_or_default());
        self.held = length.saturating_sub(decided);
        self.buffer.copy_within(decided.min(length)..length, 0);
        status
    }
}

/// Fills the buffer until its bytes suffice or the stream ends. Returns their number.
pub fn fill(
    source: &mut (impl Read + ?Sized),
    buffer: &mut [u8],
    suffices: impl Fn(&[u8]) -> bool,
) -> (usize, ReadStatus) {
    let mut length = 0_usize;
    while let Some(free) = buffer.get_mut(length..).filter(|free| !free.is_empty()) {
        match source.read(free) {
            Ok(0) => return (length, ReadStatus::End),
            Ok(read) => length = length.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return (length, ReadStatus::Failed(error)),
        }
        if suffices(buffer.get(..length).unwrap_or_default()) {
            break;
        }
    }
    (length, ReadStatus::More)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source that returns a limited number of bytes per read, and ends with an error if the last field is set.
    struct SlowReader<'a>(&'a [u8], usize, bool);

    impl Read for SlowReader<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() && self.2 {
                return Err(io::Error::other("gone"));
            }
            let now = self.0.len().min(self.1);
            let length = (&self.0[..now]).read(buffer)?;
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    /// Line, column, offset and number of every card number, and whether the source failed.
    fn cards(source: SlowReader<'_>, is_live: bool) -> (Vec<(u64, u64, u64, String)>, bool) {
        let mut buffer = ScanBuffer::new();
        let settings = InspectionSettings {
            criteria: Arc::new(Criteria { base64: true, ..Criteria::default() }),
            digits: VisibleDigits::Truncated,
            format: TextFormat::Unknown,
            needs_context: true,
            is_live,
        };
        let mut inspection = Inspection::new(source, &mut buffer, settings);
        let mut cards = Vec::new();
        loop {
            match inspection.advance(|card, _| cards.push((card.line, card.column, card.offset, card.number))) {
                ReadStatus::More => {}
                ReadStatus::End => return (cards, false),
                ReadStatus::Failed(_) => return (cards, true),
            }
        }
    }

    #[test]
    fn positions_do_not_depend_on_chunks() {
        let text = "first\n卡 4111111111111111 5555-5555-5555-4444\n\nlast: 378282246310005".as_bytes();
        let expected = vec![
            (2, 3, 10, "411111******1111".to_owned()),
            (2, 20, 27, "555555******4444".to_owned()),
            (4, 7, 54, "378282*****0005".to_owned()),
        ];
        for (step, is_live) in [1, 2, 7, 16, 50, 1000].into_iter().flat_map(|step| [(step, true), (step, false)]) {
            assert_eq!(cards(SlowReader(text, step, false), is_live), (expected.clone(), false), "{step} {is_live}");
        }
    }

    #[test]
    fn findings_before_an_error_count() {
        for is_live in [true, false] {
            let (found, failed) = cards(SlowReader(b"card 4111111111111111", 5, true), is_live);
            assert_eq!((found.len(), failed), (1, true));
        }
    }

    #[test]
    fn a_card_across_two_full_chunks_is_found() {
        for before in CHUNK - 20..CHUNK + 3 {
            let text = [vec![b'.'; before], b" 4111111111111111 ".to_vec(), vec![b'.'; 100]].concat();
            let (found, _) = cards(SlowReader(&text, usize::MAX, false), false);
            assert_eq!(found.iter().map(|card| card.2).collect::<Vec<_>>(), [before as u64 + 1]);
        }
    }
}
