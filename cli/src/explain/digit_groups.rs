//! Numbers that are no candidates, with the reason.

use super::explanation::Explanation;
use crate::terminal;
use crate::visible_digits::VisibleDigits;
use panveil::scan::{MAX_DIGITS, MIN_DIGITS, View, is_separator};
use std::ops::Range;

/// Groups of digits with few characters between them, which a reader may take for one number.
pub struct DigitGroups {
    groups: Vec<Range<usize>>,
}

/// Most bytes between two groups of one number.
const MAX_GAP: usize = 3;

/// All numbers of `text`, in order.
pub fn of(text: &[u8]) -> impl Iterator<Item = DigitGroups> {
    let mut all: Vec<DigitGroups> = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(ahead) = rest.iter().position(u8::is_ascii_digit) else { break };
        let start = at.saturating_add(ahead);
        let length = rest.iter().skip(ahead).take_while(|byte| byte.is_ascii_digit()).count();
        let group = start..start.saturating_add(length);
        at = group.end;
        match all.last_mut() {
            Some(last) if last.reaches(text, start) => last.groups.push(group),
            _ => all.push(DigitGroups { groups: vec![group] }),
        }
    }
    all.into_iter()
}

/// Verdict on a `text` in which no number has enough digits.
pub fn too_short(text: &[u8]) -> String {
    match of(text).map(|groups| groups.digits()).max() {
        None => "not a card number: no digits".to_owned(),
        Some(most) => {
            format!("not a card number: at most {most} digits in a number; a card number has at least {MIN_DIGITS}")
        }
    }
}

impl DigitGroups {
    /// Range from the first digit to the last, inclusive of both.
    pub fn span(&self) -> Range<usize> {
        let start = self.groups.first().map_or(0, |group| group.start);
        start..self.groups.last().map_or(start, |group| group.end)
    }

    /// Remaining groups without those in `spans`.
    pub fn without(self, spans: &[Range<usize>]) -> Vec<Self> {
        let is_taken = |group: &Range<usize>| spans.iter().any(|span| span.start < group.end && group.start < span.end);
        let left = self.groups.split(is_taken).filter(|groups| !groups.is_empty());
        left.map(|groups| Self { groups: groups.to_vec() }).collect()
    }

    /// Explanation. `source` is the position in the text. `None` if the number has fewer digits than any card number.
    pub fn explain(&self, text: &[u8], shown: VisibleDigits, source: Range<usize>) -> Option<Explanation> {
        if self.digits() < MIN_DIGITS {
            return None;
        }
        let hidden = if shown == VisibleDigits::All { VisibleDigits::All } else { VisibleDigits::None };
        let title = hidden.spelling(text.get(self.span()).unwrap_or_default());
        let layout = match self.groups.as_slice() {
            [_] => format!("{} in a row", self.digits()),
            _ => format!("{} as {}", self.digits(), self.grouping()),
        };
        let verdict = format!("not a card number: {}", self.objection(text));
        let steps = vec![("digits", layout)];
        Some(Explanation { source, span: self.span(), title, steps, verdict, decision: None })
    }

    fn objection(&self, text: &[u8]) -> String {
        let longest = self.groups.iter().map(Range::len).max().unwrap_or_default();
        if longest > MAX_DIGITS {
            return format!("{longest} digits in a row; a card number has at most {MAX_DIGITS}");
        }
        if self.is_masked(text) {
            return "rest of a masked number".to_owned();
        }
        let gaps = self.gaps(text);
        if let Some(gap) = gaps.iter().find(|gap| !is_separator(gap)) {
            return format!("'{}' is not a separator of card numbers", terminal::escaped(gap));
        }
        if gaps.iter().any(|gap| Some(gap) != gaps.first()) {
            return "groups with different separators".to_owned();
        }
        if self.digits() > MAX_DIGITS {
            return format!("{} digits in total; a card number has at most {MAX_DIGITS}", self.digits());
        }
        "no printed layout has this grouping".to_owned()
    }

    /// True if a group at `start` belongs to the number.
    fn reaches(&self, text: &[u8], start: usize) -> bool {
        let gap = text.get(self.span().end..start).unwrap_or_default();
        gap.len() <= MAX_GAP && gap.iter().all(|byte| b" -./_|+~\t".contains(byte))
    }

    fn digits(&self) -> usize {
        self.groups.iter().map(Range::len).fold(0, usize::saturating_add)
    }

    fn grouping(&self) -> String {
        let lengths: Vec<String> = self.groups.iter().map(|group| group.len().to_string()).collect();
        lengths.join("-")
    }

    fn gaps<'t>(&self, text: &'t [u8]) -> Vec<&'t [u8]> {
        let pairs = self.groups.iter().zip(self.groups.iter().skip(1));
        pairs.map(|(before, after)| text.get(before.end..after.start).unwrap_or_default()).collect()
    }

    /// True if masked digits are adjacent.
    fn is_masked(&self, text: &[u8]) -> bool {
        let view = View::new(b"", text, true, super::MASK);
        let Range { start, end } = self.span();
        [(start, -1), (start, -2), (end, 0), (end, 1)].iter().any(|(at, distance)| view.is_masked(*at, *distance))
    }
}
