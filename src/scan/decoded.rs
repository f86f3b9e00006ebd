//! Decoding of escapes, with the positions of the decoded text in the source.
//!
//! The decoder handles up to three rounds of escapes (`%2534` is `%34` is `4`), then replaces characters that look like
//! ASCII characters. Each round is a [`Layer`] on top of the previous one. A position in the top layer maps to the
//! bytes of the source, and an edit of the top layer maps to an edit of the source in the same notation.

use super::escape::{self, EscapeStarts, Escapes, Unit};
use super::fold::{self, Fold};
use super::lanes::{self, Simd16};
use super::markup::{self, Mark};
use super::mutation;
use super::quoted;
use super::separator::is_separator_byte;
use std::ops::Range;

/// The maximum number of source bytes for one character of a number, including bytes without meaning before it.
/// `%25EF%25BC%2594`, a full-width digit that is encoded twice, has 15.
pub const LONGEST_SPELLING: usize = 16;

/// The maximum number of rounds of escapes.
const ROUNDS: usize = 3;

/// A text after decoding.
pub struct Decoded<'a> {
    source: &'a [u8],
    layers: Vec<Layer>,
}

/// The text of one round, and the map of its bytes to those of the layer below.
#[derive(Default)]
struct Layer {
    text: Vec<u8>,
    /// The bytes that do not represent exactly one byte below, in order.
    spellings: Vec<Spelling>,
    /// The number of decoded bytes of the layer below. The rest is an incomplete escape.
    consumed: usize,
}

/// Bytes of a layer, or none, and the bytes of the layer below that represent them.
#[derive(Clone, Copy)]
struct Spelling {
    at: u32,
    len: u8,
    source_len: u8,
    source: u32,
}

/// The bytes before a source.
#[derive(Clone, Copy, Default)]
pub struct Before<'b> {
    /// The decoded bytes.
    pub text: &'b [u8],
    /// The number of bytes without meaning between them and the source: see [`Decoded::gap`].
    pub gap: usize,
}

/// A byte to write, after its offset in the source.
pub type Edit = (usize, u8);

impl<'a> Decoded<'a> {
    /// Decodes `source`, the start of a text. `last` is true if nothing follows it. `mask` is the mask character.
    pub fn new(source: &'a [u8], last: bool, escapes: Escapes, mask: u8) -> Self {
        Self::following(Before::default(), source, last, escapes, mask)
    }

    /// Decodes `source`, which follows the bytes `before`.
    pub fn following(before: Before<'_>, source: &'a [u8], last: bool, escapes: Escapes, mask: u8) -> Self {
        let Before { text: before, gap } = before;
        let mut decoded = Self { source, layers: Vec::new() };
        if escapes.markup
            && !mutation::is_disabled("decode", "markup")
            && markup::next(before, source, 0, None).is_some()
        {
            decoded.layers.push(Layer::without_marks(before, source, last));
        }
        if escapes.quoted && !mutation::is_disabled("decode", "quoted") && source.contains(&b'=') {
            decoded.layers.push(Layer::unquoted(before.last().copied(), source, last));
        }
        let mut escapes = escapes;
        if escapes.wide {
            decoded.unescape(last, escapes);
            escapes = Escapes::TEXT;
        }
        let mut rounds = 0..ROUNDS;
        // A round that changes nothing is the last.
        while rounds.next().is_some() && !mutation::is_disabled("decode", "escapes") && decoded.unescape(last, escapes)
        {
            escapes = Escapes::TEXT;
            if mutation::is_disabled("decode", "second_round") {
                break;
            }
        }
        if !decoded.text().is_ascii() && !mutation::is_disabled("decode", "look_alikes") {
            let folded = Layer::folded(before.last().copied(), decoded.text(), last, mask);
            decoded.layers.push(folded);
        }
        if gap > 0 && decoded.layers.is_empty() {
            let mut layer = Layer::with_capacity(source.len());
            layer.keep(source);
            decoded.layers.push(layer);
        }
        decoded.break_long_spellings(gap);
        decoded
    }

    /// Adds a round of `escapes`. Returns false if the text has none.
    fn unescape(&mut self, last: bool, escapes: Escapes) -> bool {
        if !escape::may_contain(self.text(), escapes) {
            return false;
        }
        let layer = Layer::unescaped(self.text(), last, escapes);
        // The text may contain only bytes that look like escapes, such as the ampersands of a query.
        let is_changed = layer.text != self.text();
        if is_changed {
            self.layers.push(layer);
        }
        is_changed
    }

    /// The decoded text.
    pub fn text(&self) -> &[u8] {
        self.layers.last().map_or(self.source, |layer| &layer.text)
    }

    /// The offset in the source at which the byte at `position` of the text starts. For the end of the text: the offset
    /// of the first source byte that is not decoded yet.
    pub fn start(&self, position: usize) -> usize {
        let mut position = position;
        for layer in self.layers.iter().rev() {
            position = layer.source_of(position).map_or(layer.consumed, |source| source.start);
        }
        position
    }

    /// The offset in the source at which the byte at `position` of the text ends.
    pub fn end(&self, position: usize) -> usize {
        let mut end = position.saturating_add(1);
        for layer in self.layers.iter().rev() {
            end = layer.source_of(end.saturating_sub(1)).map_or(layer.consumed, |source| source.end);
        }
        end
    }

    /// The number of source bytes directly before the byte at `position` that represent nothing: characters without
    /// width.
    pub fn gap(&self, position: usize) -> usize {
        self.start(position).saturating_sub(position.checked_sub(1).map_or(0, |before| self.end(before)))
    }

    /// The edits of the source that replace the byte at `position` of the text with `mask` and keep the length. Empty
    /// if there are none.
    pub fn mask(&self, position: usize, mask: u8) -> Vec<Edit> {
        let start = self.start(position);
        if self.end(position) == start.saturating_add(1) {
            return vec![(start, mask)];
        }
        self.rewrite(self.layers.len(), vec![(position, mask)]).unwrap_or_default()
    }

    /// Maps `edits` of the layer with the number `height` to edits of the source, which has the number 0.
    fn rewrite(&self, height: usize, edits: Vec<Edit>) -> Option<Vec<Edit>> {
        let Some(below) = height.checked_sub(1) else { return Some(edits) };
        let layer = self.layers.get(below)?;
        let source =
            below.checked_sub(1).map_or(Some(self.source), |under| Some(self.layers.get(under)?.text.as_slice()))?;
        let mut rest = edits.as_slice();
        let mut lower = Vec::new();
        while let Some(((position, _), _)) = rest.split_first() {
            let range = layer.source_of(*position)?;
            let unit = layer.unit_at(*position)?;
            let mut bytes = layer.text.get(unit.clone())?.to_vec();
            let here = rest.iter().take_while(|(position, _)| unit.contains(position)).count();
            for (position, byte) in rest.get(..here)? {
                *bytes.get_mut(position.checked_sub(unit.start)?)? = *byte;
            }
            rest = rest.get(here..)?;
            let old = source.get(range.clone())?;
            let new = reencode(old, &bytes)?;
            let changed = old.iter().zip(&new).enumerate().filter(|(_, (old, new))| old != new);
            lower.extend(changed.map(|(offset, (_, new))| (range.start.saturating_add(offset), *new)));
        }
        self.rewrite(below, lower)
    }

    /// The first position of the text, and all positions at which, or before which, any layer has a [`Spelling`].
    /// Unordered.
    fn spelled_positions(&self) -> Vec<usize> {
        let mut positions = vec![0];
        for layer in &self.layers {
            let below = positions.iter().map(|below| layer.position_of(*below));
            let here = layer.spellings.iter().map(|spelling| index(spelling.at));
            positions = below.chain(here).collect();
        }
        positions
    }

    /// Replaces digits and separators with more than [`LONGEST_SPELLING`] source bytes, so that they are not part of a
    /// number.
    fn break_long_spellings(&mut self, gap: usize) {
        let longest = self.layers.iter().map(Layer::longest_spelling).try_fold(1, usize::checked_mul);
        if gap == 0 && longest.is_some_and(|longest| longest <= LONGEST_SPELLING) {
            return;
        }
        let in_number = |byte: &u8| byte.is_ascii_digit() || is_separator_byte(*byte);
        let too_long = |position: &usize| {
            let before = position.checked_sub(1).map_or(0, |before| self.end(before));
            let gap = if *position == 0 { gap } else { 0 };
            self.end(*position).saturating_sub(before).saturating_add(gap) > LONGEST_SPELLING
        };
        let mut breaks = self.spelled_positions();
        breaks.retain(|position| self.text().get(*position).is_some_and(in_number));
        breaks.retain(too_long);
        let Some(layer) = self.layers.last_mut() else { return };
        for position in breaks {
            if let Some(byte) = layer.text.get_mut(position) {
                *byte = 0;
            }
        }
    }
}

impl Layer {
    /// `source`, which follows the bytes `before`, without comments and CDATA marks within numbers.
    fn without_marks(before: &[u8], source: &[u8], last: bool) -> Self {
        let mut layer = Self::with_capacity(source.len());
        let mut previous_end = None;
        loop {
            let (mark, end) = match markup::next(before, source, layer.consumed, previous_end) {
                Some(Mark::Complete(mark)) => (mark.start, mark.end),
                Some(Mark::Partial(start)) if !last => (start, start),
                Some(Mark::Partial(_)) | None => (source.len(), source.len()),
            };
            layer.keep(source.get(layer.consumed..mark).unwrap_or_default());
            if mark == end {
                return layer;
            }
            layer.push(&[], end.saturating_sub(mark));
            previous_end = Some(end);
        }
    }

    /// `source`, which follows the byte `before`, with its quoted-printable escapes decoded.
    fn unquoted(before: Option<u8>, source: &[u8], last: bool) -> Self {
        let mut layer = Self::with_capacity(source.len());
        loop {
            let rest = layer.keep_until(source, |bytes| bytes.is(b'='));
            if rest.is_empty() {
                return layer;
            }
            let unit = quoted::unit(layer.text.last().copied().or(before), rest, last);
            if !layer.push_unit(unit, rest) {
                return layer;
            }
        }
    }

    /// `source` with its escapes decoded.
    fn unescaped(source: &[u8], last: bool, escapes: Escapes) -> Self {
        let mut layer = Self::with_capacity(source.len());
        let starts = EscapeStarts::new(escapes);
        loop {
            let rest = layer.keep_until(source, |bytes| starts.contains(bytes));
            if rest.is_empty() {
                return layer;
            }
            if !layer.push_unit(escape::unit(rest, last, escapes), rest) {
                return layer;
            }
        }
    }

    /// Appends the `unit` at the start of `rest`. Returns false if it is incomplete.
    #[inline(always)]
    fn push_unit(&mut self, unit: Unit, rest: &[u8]) -> bool {
        match unit {
            Unit::Plain => self.push(rest.get(..1).unwrap_or_default(), 1),
            Unit::Byte(len, byte) => self.push(&[byte], len),
            Unit::Character(len, character) => self.push(character.encode_utf8(&mut [0; 4]).as_bytes(), len),
            Unit::Nothing(len) => self.push(&[], len),
            Unit::Partial => return false,
        }
        true
    }

    /// `source`, which follows the byte `before`, with ASCII characters in place of those that look like them.
    fn folded(before: Option<u8>, source: &[u8], last: bool, mask: u8) -> Self {
        let mut layer = Self::with_capacity(source.len());
        loop {
            let rest = layer.keep_until(source, fold::may_fold);
            if rest.is_empty() {
                return layer;
            }
            match fold::is_latin_space(layer.text.last().copied().or(before), rest) {
                Some(true) => {
                    layer.push(b" ", 1);
                    continue;
                }
                None if !last => return layer,
                Some(false) | None => {}
            }
            match fold::character(rest) {
                Err(_) if !last => return layer,
                Err(_) | Ok(None) => layer.keep(rest.get(..1).unwrap_or_default()),
                Ok(Some((character, len))) => match fold::fold(character, mask) {
                    Fold::Ascii(byte) => layer.push(&[byte], len),
                    Fold::ZeroWidth => layer.push(&[], len),
                    Fold::Other => layer.push(rest.get(..len).unwrap_or_default(), len),
                },
            }
        }
    }

    /// The maximum number of bytes below for one byte, including bytes before it that represent nothing.
    fn longest_spelling(&self) -> usize {
        let length =
            |spelling: &Spelling| if spelling.len == 0 { usize::MAX } else { usize::from(spelling.source_len) };
        self.spellings.iter().map(length).max().unwrap_or(1)
    }

    /// Copies the bytes of `source` up to the first that `special` selects, and returns the rest.
    fn keep_until<'s>(&mut self, source: &'s [u8], special: impl Fn(Simd16) -> Simd16) -> &'s [u8] {
        let rest = source.get(self.consumed..).unwrap_or_default();
        // A special byte often follows another one.
        if rest.first_chunk().is_some_and(|part| lanes::leading(part, &special) > 0) {
            return rest;
        }
        let run = lanes::find(rest, special).map_or(rest.len(), |run| run.min(rest.len()));
        let (run, rest) = rest.split_at_checked(run).unwrap_or_default();
        self.keep(run);
        rest
    }

    /// Appends bytes that represent themselves.
    fn keep(&mut self, run: &[u8]) {
        self.consumed = self.consumed.saturating_add(run.len());
        self.text.extend_from_slice(run);
    }

    fn with_capacity(capacity: usize) -> Self {
        Self { text: Vec::with_capacity(capacity), ..Self::default() }
    }

    /// Appends the `bytes` that the next `len` bytes below represent.
    fn push(&mut self, bytes: &[u8], len: usize) {
        if (bytes.len(), len) != (1, 1) {
            let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            let short = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
            self.spellings.push(Spelling {
                at: number(self.text.len()),
                len: short(bytes.len()),
                source_len: short(len),
                source: number(self.consumed),
            });
        }
        self.consumed = self.consumed.saturating_add(len);
        self.text.extend_from_slice(bytes);
    }

    /// The range of bytes below that represents the byte at `position`; `None` after the last one.
    fn source_of(&self, position: usize) -> Option<Range<usize>> {
        (position < self.text.len()).then_some(())?;
        let after = self.spellings.partition_point(|spelling| index(spelling.at) <= position);
        let before = after.checked_sub(1).and_then(|before| self.spellings.get(before));
        let Some(before) = before else { return Some(position..position.saturating_add(1)) };
        let end = before.source_end();
        match position.checked_sub(before.end()) {
            None => Some(index(before.source)..end),
            Some(further) => {
                let start = end.saturating_add(further);
                Some(start..start.saturating_add(1))
            }
        }
    }

    /// The first position whose bytes below end after `below`.
    fn position_of(&self, below: usize) -> usize {
        let after = self.spellings.partition_point(|spelling| spelling.source_end() <= below);
        let further = |from: usize, to: usize| below.saturating_sub(from).saturating_add(to);
        let before = after.checked_sub(1).and_then(|before| self.spellings.get(before));
        let plain = before.map_or(below, |before| further(before.source_end(), before.end()));
        self.spellings.get(after).map_or(plain, |next| plain.min(index(next.at)))
    }

    /// The range of bytes that have the same source as the byte at `position`.
    fn unit_at(&self, position: usize) -> Option<Range<usize>> {
        (position < self.text.len()).then_some(())?;
        let after = self.spellings.partition_point(|spelling| index(spelling.at) <= position);
        let before = after.checked_sub(1).and_then(|before| self.spellings.get(before));
        let spelling = before.filter(|before| position < before.end());
        Some(spelling.map_or(position..position.saturating_add(1), |unit| index(unit.at)..unit.end()))
    }
}

impl Spelling {
    fn end(&self) -> usize {
        index(self.at).saturating_add(usize::from(self.len))
    }

    fn source_end(&self) -> usize {
        index(self.source).saturating_add(usize::from(self.source_len))
    }
}

/// Writes `bytes` in the notation and length of `old`.
fn reencode(old: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    match (old, bytes) {
        ([_], [_]) => return Some(bytes.to_vec()),
        ([b'%' | b'=', ..] | [b'\\', b'x' | b'0' | b'2' | b'3', ..], [byte]) => {
            return escape::reencode(old, char::from(*byte));
        }
        _ => {}
    }
    if old.first().is_some_and(|first| !first.is_ascii()) {
        // The old character was folded to ASCII, and the masks of its length are folded to the mask character.
        return fold::masks(old.len()).next().map(|mask| mask.to_string().into_bytes());
    }
    let character = std::str::from_utf8(bytes).ok()?.chars().next()?;
    let masks = fold::masks(character.len_utf8());
    std::iter::once(character).chain(masks).find_map(|character| escape::reencode(old, character))
}

fn index(position: u32) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> String {
        String::from_utf8_lossy(Decoded::new(text.as_bytes(), true, Escapes::FORM, b'*').text()).into_owned()
    }

    /// `text` after a mask of the character at `position` of the top layer.
    fn masked(text: &str, position: usize) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for (at, byte) in Decoded::new(text.as_bytes(), true, Escapes::TEXT, b'*').mask(position, b'*') {
            bytes[at] = byte;
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn escapes_and_look_alikes_are_decoded() {
        for (text, expected) in [
            ("4%341\\u00311", "44111"),
            ("%2534", "4"),
            ("4111%C2%A01111", "4111 1111"),
            ("４１１１", "4111"),
            ("4\u{200b}1", "41"),
            ("a+b", "a b"),
            ("{\\\"n\\\":\\\"x\\\\n4\\\"}", "{\"n\":\"x\n4\"}"),
            ("&amp;#52;", "4"),
        ] {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }

    #[test]
    fn positions_map_to_the_source() {
        let decoded = Decoded::new(b"a%34b", true, Escapes::TEXT, b'*');
        let spans: Vec<_> = (0..3).map(|position| (decoded.start(position), decoded.end(position))).collect();
        assert_eq!(spans, [(0, 1), (1, 4), (4, 5)]);
        let twice = Decoded::new(b"a%2534b", true, Escapes::TEXT, b'*');
        assert_eq!((twice.start(1), twice.end(1)), (1, 6));
    }

    #[test]
    fn a_mask_keeps_every_spelling() {
        for (text, expected) in [
            ("4", "*"),
            ("%34", "%2A"),
            ("\\u0034", "\\u002a"),
            ("&#52;", "&#42;"),
            ("&#x34;", "&#x2a;"),
            ("４", "＊"),
            ("٤", "\u{66d}"),
            ("४", "＊"),
            ("&#2410;", "&#4030;"),
            ("&#x96a;", "&#xfbe;"),
            ("\\uff14", "\\uff0a"),
            ("%EF%BC%94", "%EF%BC%8A"),
            ("%2534", "%252A"),
            ("%25%33%34", "%25%32%41"),
            ("\\\\u0034", "\\\\u002a"),
            ("&amp;#52;", "&amp;#42;"),
        ] {
            assert_eq!(masked(text, 0), expected, "{text}");
            assert_eq!(decoded(expected).replace(['＊', '\u{66d}'], "*"), "*", "{text}");
        }
    }

    #[test]
    fn an_incomplete_escape_is_not_consumed() {
        for (text, end) in [("ab%3", 2), ("ab%25", 2), ("ab%253", 2), ("ab\u{ff14}", 5), ("ab\\u00", 2)] {
            let decoded = Decoded::new(text.as_bytes(), false, Escapes::TEXT, b'*');
            assert_eq!(decoded.start(decoded.text().len()), end, "{text}");
        }
        let decoded = Decoded::new(b"ab\xef\xbc", false, Escapes::TEXT, b'*');
        assert_eq!(decoded.start(decoded.text().len()), 2);
    }
}
