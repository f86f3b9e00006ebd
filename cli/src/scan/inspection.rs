//! Which cards are in a source of any length?

use super::card::{Card, TextPosition};
use super::cards_everywhere;
use crate::visible_digits::VisibleDigits;
use panveil::mask::{Keep, MaskCharacter, Style};
use panveil::stream::{Finding, Inspector, MAX_UNDECIDED_TOKEN, TextFormat};
use std::io::{self, Read};
use std::sync::Arc;

/// How much is read at once.
const PIECE: usize = 1 << 20;

/// The masks that are known for such: those that panveil writes unless told otherwise.
const MASKS: Style = Style { keep: Keep::First6Last4, character: MaskCharacter::ASTERISK };

/// The room for a piece and for what was left undecided of the one before. Lent to one inspection after the other.
pub struct ScanBuffer(Vec<u8>);

/// A source on its way through the inspector, in bounded memory.
pub struct Inspection<'r, R> {
    source: R,
    room: &'r mut [u8],
    held: usize,
    inspector: Inspector,
    findings: Vec<Finding>,
    position: TextPosition,
    shown: VisibleDigits,
}

/// How a piece ended.
pub enum ReadStatus {
    /// There may be more.
    More,
    /// It was the last.
    End,
    /// No more can be read.
    Broken(io::Error),
}

impl ScanBuffer {
    pub fn new() -> Self {
        Self(vec![0; PIECE.saturating_add(MAX_UNDECIDED_TOKEN)])
    }
}

impl<'r, R: Read> Inspection<'r, R> {
    /// At the start of `source`.
    pub fn new(source: R, room: &'r mut ScanBuffer, shown: VisibleDigits) -> Self {
        Self {
            source,
            room: &mut room.0,
            held: 0,
            // A log holds paths and forms and markup, line by line.
            inspector: Inspector::new(TextFormat::Unknown, MASKS)
                .with_criteria(Arc::new(cards_everywhere()))
                .with_all_escapes(),
            findings: Vec::new(),
            position: TextPosition::START,
            shown,
        }
    }

    /// Reads a piece, and hands the cards to `found` that are decided by it.
    pub fn advance(&mut self, mut found: impl FnMut(Card)) -> ReadStatus {
        let (read, piece) = match read(&mut self.source, self.room.get_mut(self.held..).unwrap_or_default()) {
            Ok(0) => (0, ReadStatus::End),
            Ok(read) => (read, ReadStatus::More),
            Err(error) => (0, ReadStatus::Broken(error)),
        };
        let length = self.held.saturating_add(read);
        let window = self.room.get(..length).unwrap_or_default();
        let last = !matches!(piece, ReadStatus::More);
        let decided = self.inspector.inspect(window, last, &mut self.findings);
        let mut passed = 0;
        for finding in self.findings.drain(..) {
            self.position.pass(window.get(passed..finding.span.start).unwrap_or_default());
            passed = passed.max(finding.span.start);
            let spelling = window.get(finding.span.clone()).unwrap_or_default();
            found(self.position.card(&finding, spelling, self.shown));
        }
        self.position.pass(window.get(passed..decided).unwrap_or_default());
        self.held = length.saturating_sub(decided);
        self.room.copy_within(decided.min(length)..length, 0);
        piece
    }
}

/// As much as is there now, nothing at the end.
fn read(source: &mut impl Read, room: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(room) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that gives so many bytes at a time, and then nothing or an error.
    struct SlowReader<'a>(&'a [u8], usize, bool);

    impl Read for SlowReader<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() && self.2 {
                return Err(io::Error::other("gone"));
            }
            let now = self.0.len().min(self.1);
            let length = self.0[..now].as_ref().read(room)?;
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    /// Line, column, offset and number of every card, and whether the source broke.
    fn cards(source: SlowReader<'_>) -> (Vec<(u64, u64, u64, String)>, bool) {
        let mut room = ScanBuffer::new();
        let mut inspection = Inspection::new(source, &mut room, VisibleDigits::Truncated);
        let mut cards = Vec::new();
        loop {
            match inspection.advance(|card| cards.push((card.line, card.column, card.offset, card.number))) {
                ReadStatus::More => {}
                ReadStatus::End => return (cards, false),
                ReadStatus::Broken(_) => return (cards, true),
            }
        }
    }

    #[test]
    fn places_do_not_depend_on_the_pieces() {
        let text = "first\n卡 4111111111111111 5555-5555-5555-4444\n\nlast: 378282246310005".as_bytes();
        let expected = vec![
            (2, 3, 10, "411111******1111".to_owned()),
            (2, 20, 27, "555555******4444".to_owned()),
            (4, 7, 54, "378282*****0005".to_owned()),
        ];
        for step in [1, 2, 7, 16, 50, 1000] {
            assert_eq!(cards(SlowReader(text, step, false)), (expected.clone(), false), "{step}");
        }
    }

    #[test]
    fn what_came_before_an_error_counts() {
        let (found, broken) = cards(SlowReader(b"card 4111111111111111", 5, true));
        assert_eq!((found.len(), broken), (1, true));
    }

    #[test]
    fn a_card_across_two_full_pieces_is_found() {
        for before in PIECE - 20..PIECE + 3 {
            let text = [vec![b'.'; before], b" 4111111111111111 ".to_vec(), vec![b'.'; 100]].concat();
            let (found, _) = cards(SlowReader(&text, usize::MAX, false));
            assert_eq!(found.iter().map(|card| card.2).collect::<Vec<_>>(), [before as u64 + 1]);
        }
    }
}
