//! Which cards are in a text that arrives piece by piece?

use super::TextFormat;
use super::charset;
use super::finding::{Finding, FindingKind};
use super::key_context::KeyContext;
use super::quick_check::may_contain;
use super::search::{self, Segment, SegmentMatch, Written};
use crate::mask::{Form, Style};
use crate::scan::{self, Decoded, Edit, Escapes, LOOKBEHIND, View, text_before};
use crate::verdict::{self, Criteria, Sensitivity, field};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// The state between two pieces of one text: a few bytes of it, however long it is.
///
/// Has no `Debug`: it holds bytes of the text.
#[derive(Clone)]
pub struct Inspector {
    document: TextFormat,
    escapes: Escapes,
    style: Style,
    criteria: Arc<Criteria>,
    anchor: u8,
    gap: usize,
    key_context: KeyContext,
    since_card: usize,
    behind: [u8; LOOKBEHIND],
    behind_len: usize,
}

/// Built once: it takes longer than to inspect a line, and a body may be one text a line.
static DEFAULT: LazyLock<Arc<Criteria>> = LazyLock::new(Arc::default);

impl Inspector {
    /// At the start of a text written in `document`, in which masks are written as `style` does.
    pub fn new(document: TextFormat, style: Style) -> Self {
        Self {
            document,
            escapes: document.escapes(),
            style,
            criteria: Arc::clone(&DEFAULT),
            anchor: 0,
            gap: 0,
            key_context: KeyContext::new(document == TextFormat::Csv),
            since_card: usize::MAX,
            behind: [0; LOOKBEHIND],
            behind_len: 0,
        }
    }

    /// The same, by other criteria than the default ones.
    pub fn with_criteria(self, criteria: Arc<Criteria>) -> Self {
        Self { criteria, ..self }
    }

    /// The same, for bytes that may be several texts of different notation in one.
    pub fn with_all_escapes(self) -> Self {
        Self { escapes: Escapes::FORM, ..self }
    }

    /// The same, as if `text` had come before. What a field is called tells what is in it.
    pub fn preceded_by(mut self, text: &[u8]) -> Self {
        self.remember(text, None);
        self
    }

    /// Inspects `window`, which begins at the first undecided byte of the text, and adds what is in it to `findings`.
    ///
    /// Returns how many bytes are decided. The rest, at most [`super::MAX_UNDECIDED`] bytes, or
    /// [`super::MAX_UNDECIDED_TOKEN`] where tokens are read, must come again, at the start of the next window and
    /// unchanged. With `last`, which says that the text ends here, nothing remains.
    pub fn inspect(&mut self, window: &[u8], last: bool, findings: &mut Vec<Finding>) -> usize {
        if self.behind_len == 0 {
            // The mark of a wide character set comes first, and has two bytes.
            if !last && matches!(window, [0xff | 0xfe]) {
                return 0;
            }
            if charset::begins_wide(window) {
                self.document = TextFormat::Wide;
                self.escapes = TextFormat::Wide.escapes();
            }
        }
        self.document = self.document.resolve(window);
        self.escapes.markup |= self.document == TextFormat::Markup;
        let mut decided: usize = 0;
        let mut size = BLOCK;
        loop {
            let rest = window.get(decided..).unwrap_or_default();
            let block = rest.get(..size).unwrap_or(rest);
            let plain = self.gap == 0 && scan::is_plain(self.behind(), block, self.escapes);
            let passed = if plain || size < BLOCK { 0 } else { self.pass_quiet(block) };
            if passed > 0 {
                decided = decided.saturating_add(passed);
                continue;
            }
            let whole = block.len() == rest.len();
            // What so many bytes cannot decide is decided with them.
            let forced = size < BLOCK && block.len() == size;
            let found = findings.len();
            let last = forced || (last && whole);
            let count = match plain {
                true => self.inspect_text(block, last, None, findings),
                false => self.inspect_escaped(block, last, findings),
            };
            for finding in findings.iter_mut().skip(found) {
                finding.span.start = finding.span.start.saturating_add(decided);
                finding.span.end = finding.span.end.saturating_add(decided);
            }
            decided = decided.saturating_add(count);
            let undecided = block.len().saturating_sub(count);
            if undecided > self.most_undecided() {
                size = self.most_undecided();
            } else if whole {
                return decided;
            } else {
                size = BLOCK;
            }
        }
    }

    /// `pending`, the undecided bytes that follow what was inspected, in a form of the same length from which none of their digits
    /// can be read, nor the letters beside them, which may belong to a secret. A bare number of JSON stays one. Where tokens or
    /// patterns of the operator are read, all letters go.
    pub fn mask_undecided(&self, pending: &[u8]) -> Vec<u8> {
        let mask = self.style.character.as_byte();
        let source = Decoded::new(pending, self.gap, false, self.escapes, mask);
        let document = self.document.resolve(pending);
        let all_letters = self.criteria.base64 || self.criteria.patterns.is_some();
        let mut covered = pending.to_vec();
        let (mut anchor, mut start) = (self.anchor, 0_usize);
        for word in source.text().chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()) {
            let (is_word, has_digits) =
                (word.first().is_some_and(u8::is_ascii_alphanumeric), word.iter().any(u8::is_ascii_digit));
            let is_number = word.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'e' | b'E'));
            let may_be_bare = document.may_hold_bare_numbers() && matches!(anchor, 0 | b':' | b',' | b'[');
            let is_bare = may_be_bare && is_number;
            if is_word && (has_digits || all_letters) {
                for (offset, _) in word.iter().enumerate().filter(|(_, byte)| !is_bare || byte.is_ascii_digit()) {
                    let cover = match (is_bare, offset) {
                        (false, _) => mask,
                        (true, 0) => b'9',
                        (true, _) => b'0',
                    };
                    for (at, byte) in covering(&source, start.saturating_add(offset), cover, mask) {
                        if let Some(slot) = covered.get_mut(at) {
                            *slot = byte;
                        }
                    }
                }
            }
            start = start.saturating_add(word.len());
            let is_within_number = may_be_bare && (is_number || matches!(word, b"." | b"-" | b"+"));
            if !is_within_number && let Some(byte) = word.iter().rev().find(|byte| TextFormat::is_anchor(**byte)) {
                anchor = *byte;
            }
        }
        // What comes next completes its spelling, which has to be one then.
        let open = covered.get_mut(source.start(start)..).unwrap_or_default();
        if !tells_no_digit(open) {
            open.iter_mut().filter(|byte| byte.is_ascii_alphanumeric()).for_each(|byte| *byte = mask);
        }
        covered
    }

    /// Passes over what `block` begins with, when that has escapes and still says no number, and returns how much it is. What is
    /// read behind it is long enough to make later decisions by.
    fn pass_quiet(&mut self, block: &[u8]) -> usize {
        let Criteria { patterns: None, base64: false, .. } = self.criteria.as_ref() else { return 0 };
        let near_card = self.since_card <= NEAR_CARD;
        if self.gap > 0 || near_card || self.document == TextFormat::Csv || block.len() < 2 * LEAST_QUIET {
            return 0;
        }
        let mask = self.style.character.as_byte();
        let view = View::new(self.behind(), block, false, mask);
        let quiet = scan::skip_len(view, self.escapes, verdict::is_possible);
        let quiet = block.get(..quiet).unwrap_or_default();
        let mut splits = APART.iter().filter_map(|apart| quiet.split_at_checked(quiet.len().checked_sub(*apart)?));
        let apart = splits.find(|(_, near)| scan::decoded_len_min(near, self.escapes) >= NEAR_CARD);
        let end = apart.and_then(|(far, _)| scan::safe_cut(far));
        let Some(end) = end.filter(|end| *end >= LEAST_QUIET) else { return 0 };
        let passed = block.get(..end).unwrap_or_default();
        let (escapes, mut key_context) = (self.escapes, self.key_context.clone());
        let read = |end: usize| {
            let start = scan::safe_cut(passed.get(..end.checked_sub(REREAD)?)?)?;
            Some(Decoded::new(passed.get(start..end)?, 0, true, escapes, mask))
        };
        if let Some(bracket) = field::last_bracket(passed) {
            let Some(name) = read(bracket.saturating_add(1)) else { return 0 };
            key_context.advance(&[], name.text());
        }
        let Some(near) = read(end) else { return 0 };
        self.remember(near.text(), Some(key_context));
        self.since_card = self.since_card.saturating_add(end);
        end
    }

    /// The most bytes that wait for those after them.
    fn most_undecided(&self) -> usize {
        if self.criteria.base64 { super::MAX_UNDECIDED_TOKEN } else { super::MAX_UNDECIDED }
    }

    /// The end of the decided text, as it reads.
    fn behind(&self) -> &[u8] {
        self.behind.get(..self.behind_len).unwrap_or_default()
    }

    fn inspect_escaped(&mut self, block: &[u8], last: bool, findings: &mut Vec<Finding>) -> usize {
        let mask = self.style.character.as_byte();
        let decoded = Decoded::following(self.behind(), block, self.gap, last, self.escapes, mask);
        let decided = self.inspect_text(decoded.text(), last, Some(&decoded), findings);
        let gap_before = if decided == 0 { self.gap } else { 0 };
        self.gap = decoded.gap(decided).saturating_add(gap_before);
        decoded.start(decided)
    }

    /// Inspects `text`, which is what `source` says or was sent like this, and returns how much of it is decided.
    fn inspect_text(
        &mut self,
        text: &[u8],
        last: bool,
        source: Option<&Decoded<'_>>,
        findings: &mut Vec<Finding>,
    ) -> usize {
        let behind = self.behind;
        let behind = behind.get(..self.behind_len).unwrap_or_default();
        let hits = search::search(&Segment {
            behind,
            text,
            last,
            source,
            key_context: &self.key_context,
            since_card: self.since_card,
            criteria: &self.criteria,
            style: self.style,
        });
        let view = View::new(behind, text, last, self.style.character.as_byte());
        let mut since_card = self.since_card.saturating_add(hits.decided);
        let mut names = None;
        for mut hit in hits.found {
            if hit.detection.name.is_none() {
                let before = text_before(behind, text, hit.span.start, LOOKBEHIND);
                let cursor = || self.key_context.cursor(behind, text);
                let far = hit.far.take().unwrap_or_else(|| names.get_or_insert_with(cursor).names(hit.span.start));
                hit.detection.name = field::nearest(&before, &far);
            }
            if matches!(hit.detection.kind, FindingKind::Pan(_) | FindingKind::Track(_)) {
                since_card = hits.decided.saturating_sub(hit.span.end);
            }
            findings.push(self.finding(hit, view, source));
        }
        self.since_card = since_card;
        self.remember(text.get(..hits.decided).unwrap_or_default(), hits.key_context);
        hits.decided
    }

    /// The finding that `hit` in `view` is in the source.
    fn finding(&self, hit: SegmentMatch, view: View<'_>, source: Option<&Decoded<'_>>) -> Finding {
        let SegmentMatch { span, detection, written, .. } = hit;
        let sent =
            source.map_or(span.clone(), |source| source.start(span.start)..source.end(span.end.saturating_sub(1)));
        let form = match (written, source) {
            (Written::Anew(edits), None) => Form::Rewritten(edits),
            (Written::Anew(edits), Some(source)) => Form::Rewritten(spell(source, &span, edits)),
            (_, Some(source)) if sent.len() != span.len() => {
                let covered = |byte: &u8| match detection.kind {
                    FindingKind::Pan(_) => byte.is_ascii_digit(),
                    _ => byte.is_ascii_alphanumeric(),
                };
                Form::Encoded(spelled(source, &span, covered, self.style.character.as_byte()))
            }
            (Written::InHexadecimal, _) => Form::Hexadecimal,
            (Written::AsFloat, _) => Form::Scientific,
            (Written::Plainly, _) => match detection.kind {
                FindingKind::Pattern(_) => self.document.form_within(view, &span),
                _ => self.document.form_of(view, &span, self.anchor),
            },
        };
        Finding { span: sent, form, detection }
    }

    /// Keeps what later decisions need of the bytes decided now, behind which `key_context` holds if it is known.
    fn remember(&mut self, decided: &[u8], key_context: Option<KeyContext>) {
        let behind = self.behind;
        match key_context {
            Some(key_context) => self.key_context = key_context,
            None => self.key_context.advance(behind.get(..self.behind_len).unwrap_or_default(), decided),
        }
        if let Some(byte) = decided.iter().rev().find(|byte| TextFormat::is_anchor(**byte)) {
            self.anchor = *byte;
        }
        let fresh = decided.get(decided.len().saturating_sub(LOOKBEHIND)..).unwrap_or_default();
        let kept = self.behind_len.min(LOOKBEHIND.saturating_sub(fresh.len()));
        self.behind.copy_within(self.behind_len.saturating_sub(kept)..self.behind_len, 0);
        for (slot, byte) in self.behind.iter_mut().skip(kept).zip(fresh) {
            *slot = *byte;
        }
        self.behind_len = kept.saturating_add(fresh.len());
    }
}

/// How much has to say no number to be passed over.
const LEAST_QUIET: usize = 1024;

/// How much before the end of what says no number is read all the same: the first of these that says [`NEAR_CARD`] bytes.
const APART: [usize; 4] = [1024, 2048, 3072, 4096];

/// More than what is looked at before a card, and before a code that goes with it.
const NEAR_CARD: usize = 512;
const _: () = assert!(NEAR_CARD > LOOKBEHIND + search::REACH);

/// How much of what is passed over is read before a bracket, for the name of its array, and at its end, for the name of one that
/// begins right behind it: more than such a name and what stands around it, however it is escaped.
const REREAD: usize = 512;

/// How much is inspected at a time. What escapes say needs several times the room of the bytes; this bounds it.
const BLOCK: usize = 16_384;

/// For each byte at `span` of what `source` says that is to be `covered`, the bytes that mask it in the source, as offsets
/// from where the span begins there.
fn spelled(
    source: &Decoded<'_>,
    span: &Range<usize>,
    covered: impl Fn(&u8) -> bool,
    mask: u8,
) -> Vec<Vec<(usize, u8)>> {
    let start = source.start(span.start);
    let positions = span.clone().filter(|position| source.text().get(*position).is_some_and(&covered));
    let edits = positions.map(|position| {
        let edits = covering(source, position, mask, mask);
        edits.into_iter().map(|(at, byte)| (at.saturating_sub(start), byte)).collect()
    });
    edits.collect()
}

/// The edits that make `source` say `cover` where it says the byte at `position`. A spelling that has no room for it is broken
/// with `mask`: better that than a readable digit.
fn covering(source: &Decoded<'_>, position: usize, cover: u8, mask: u8) -> Vec<Edit> {
    let edits = source.mask(position, cover);
    if edits.is_empty() { (source.start(position)..source.end(position)).map(|at| (at, mask)).collect() } else { edits }
}

/// True when what begins like this spells no digit yet, nor tells which one.
fn tells_no_digit(beginning: &[u8]) -> bool {
    !beginning.iter().any(u8::is_ascii_digit) || OPEN_ESCAPES.contains(&beginning)
}

/// Escapes that have begun, have digits, and are completed to that of a mask as to that of any digit.
const OPEN_ESCAPES: [&[u8]; 5] = [b"%3", br"\u0", br"\u00", br"\u003", b"&#x3"];

/// The `edits` of what `source` says at `span`, made in the source.
fn spell(source: &Decoded<'_>, span: &Range<usize>, edits: Vec<(usize, u8)>) -> Vec<(usize, u8)> {
    let start = source.start(span.start);
    let lower = edits.into_iter().flat_map(|(offset, byte)| source.mask(span.start.saturating_add(offset), byte));
    lower.map(|(at, byte)| (at.saturating_sub(start), byte)).collect()
}

/// A whole `text` in which every card is hidden with all its digits, and what goes with it. Whatever level a policy sets, what
/// may be a card is hidden.
pub fn redacted(text: &[u8]) -> Cow<'_, [u8]> {
    redacted_by(text, &Arc::new(Criteria::with_sensitivity(Sensitivity::Strict)), Style::HIDE)
}

/// The same by other criteria, those of [`Criteria::for_redaction`], and as `style` wants it.
pub fn redacted_by<'t>(text: &'t [u8], criteria: &Arc<Criteria>, style: Style) -> Cow<'t, [u8]> {
    if !may_contain(text, Escapes::FORM, criteria, style) {
        return Cow::Borrowed(text);
    }
    let mut findings = Vec::new();
    let inspector = Inspector::new(TextFormat::Text, style).with_criteria(Arc::clone(criteria));
    inspector.with_all_escapes().inspect(text, true, &mut findings);
    let mut hidden = text.to_vec();
    for finding in &findings {
        if let Some(span) = hidden.get_mut(finding.span.clone()) {
            finding.mask(span, style);
        }
    }
    Cow::Owned(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is found in `text` when it comes in pieces of `size` bytes.
    fn found(text: &[u8], document: TextFormat, size: usize) -> Vec<Finding> {
        let mut inspector = Inspector::new(document, Style::HIDE);
        let (mut all, mut decided, mut came) = (Vec::new(), 0, 0_usize);
        while decided < text.len() {
            came = text.len().min(came.saturating_add(size));
            let mut findings = Vec::new();
            let count = inspector.inspect(&text[decided..came], came == text.len(), &mut findings);
            all.extend(findings.into_iter().map(|finding| {
                let span = finding.span.start + decided..finding.span.end + decided;
                Finding { span, ..finding }
            }));
            decided += count;
        }
        all
    }

    /// What comes next completes the spelling that a covered text ends in.
    #[test]
    fn a_spelling_that_has_begun_stays_one() {
        for (document, text, expected) in [
            (TextFormat::Json, r#""\u00341\u003"#, r#""\u002a*\u003"#),
            (TextFormat::Json, r#""41\"#, r#""**\"#),
            (TextFormat::Json, r#""41\u41"#, r#""**\***"#),
            (TextFormat::Form, "%341%3", "%2A*%3"),
            (TextFormat::Form, "41%4", "**%*"),
            (TextFormat::Text, "41&#5", "**&#*"),
            (TextFormat::Text, "41&amp;3", "**&***;*"),
            (TextFormat::Text, "41&#x3", "**&#x3"),
            (TextFormat::Text, "41&#52", "**&#**"),
        ] {
            let covered = Inspector::new(document, Style::HIDE).mask_undecided(text.as_bytes());
            assert_eq!(String::from_utf8(covered).unwrap(), expected, "{text}");
        }
    }

    /// Text with escapes in which nothing is, again and again.
    fn quiet() -> impl Strategy<Value = String> {
        let texts = prop::sample::select(vec![
            "<a href=\"/p/1?page=2&amp;sort=price\">12.99&nbsp;EUR</a>\n",
            "{\\\"order\\\":10000001,\\\"items\\\":[1,2],\\\"note\\\":\\\"a\\nb\\\"},",
            "name=Zo%C3%AB&city=a%20b&",
            "caf\u{e9}, \u{4e2d}\u{6587}: 2026-08-17; ",
            "\"cards\":[\\\"",
            "\\u000a",
            "&#10;",
            "&quot;,\n",
        ]);
        (texts, prop_oneof![0..60_usize, 100..400_usize]).prop_map(|(text, times)| text.repeat(times))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// What is passed over would not have mattered had it been read.
        #[test]
        fn what_is_quiet_does_not_matter(
            parts in prop::collection::vec(
                (
                    quiet(),
                    prop::sample::select(vec![
                        "4111111111111111", "%34111 1111 1111 1111", "\"card\":\"5555555555554444", "cvv=123&", "1036222064194035, ",
                        "4222222222222", "6799990100000000019", "&#52;111111111111111", "\"ids\":[", "\"cards\":[", "}", "imei ",
                        "\u{200b}", "%B4111111111111111^", "12/26", "\"pin\":\"1234\"", "****", "&amp;#52;", "\\", "%", "",
                    ]),
                ),
                1..8,
            ),
            document in prop::sample::select(vec![TextFormat::Text, TextFormat::Json, TextFormat::Form, TextFormat::Csv]),
        ) {
            let text: String = parts.into_iter().map(|(quiet, part)| quiet + part).collect();
            let (once, piecemeal) = (found(text.as_bytes(), document, usize::MAX), found(text.as_bytes(), document, 300));
            prop_assert!(once == piecemeal, "{} and {} findings in {text}", once.len(), piecemeal.len());
        }
    }

    #[test]
    fn redaction_hides_every_digit() {
        let path = b"/cards/4111111111111111?pan=5555-5555-5555-4444&ts=1748503543012";
        assert_eq!(&*redacted(path), b"/cards/****************?pan=****-****-****-****&ts=1748503543012");
    }
}
