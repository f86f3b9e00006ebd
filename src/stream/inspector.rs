//! Detection in a text that arrives in chunks.

use super::TextFormat;
use super::charset;
use super::field_path::{Boundary, FieldTracker, ValueFinder};
use super::finding::{Finding, FindingKind};
use super::key_context::KeyContext;
use super::quick_check::may_contain;
use super::search::{self, OpenMatch, Segment, SegmentMatch};
use crate::mask::{Form, Style};
use crate::policy::FindingDecisions;
use crate::scan::{self, Before, Decoded, Edit, Escapes, LOOKBEHIND, View, text_before};
use crate::verdict::{Criteria, Sensitivity, field};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// Detection state between two chunks of one text. Its size does not depend on the length of the text.
///
/// Has no `Debug`, because it contains bytes of the text.
#[derive(Clone)]
pub struct Inspector {
    text_format: TextFormat,
    escapes: Escapes,
    style: Style,
    criteria: Arc<Criteria>,
    /// The last [anchor](TextFormat::is_anchor) of the decided text.
    anchor: u8,
    /// Length of the source between the last decided character and the next window.
    gap: usize,
    key_context: KeyContext,
    /// Number of bytes since the last card.
    since_card: usize,
    field_tracking: FieldTracking,
    /// The match that ends with the decided text and may have a rest.
    open_match: Option<OpenMatch>,
    /// The end of the decided text, decoded.
    lookbehind: [u8; LOOKBEHIND],
    lookbehind_len: usize,
}

/// Tracking of the field that contains each finding.
#[derive(Clone)]
enum FieldTracking {
    /// No rule tests it.
    Off,
    /// The text has not begun.
    Before(Option<Boundary>, Option<FindingDecisions>),
    /// Position in the text, and the finder of values, if rules select some.
    At(Box<FieldTracker>, Option<Box<ValueFinder>>),
}

/// Shared, because building it takes longer than the inspection of a line, and each line of a body can be a text.
static DEFAULT: LazyLock<Arc<Criteria>> = LazyLock::new(Arc::default);

impl Inspector {
    /// Starts at the beginning of a text in `text_format`. Masks in it have the given `style`.
    pub fn new(text_format: TextFormat, style: Style) -> Self {
        Self {
            text_format,
            escapes: text_format.escapes(),
            style,
            criteria: Arc::clone(&DEFAULT),
            anchor: 0,
            gap: 0,
            key_context: KeyContext::new(text_format),
            since_card: usize::MAX,
            field_tracking: FieldTracking::Off,
            open_match: None,
            lookbehind: [0; LOOKBEHIND],
            lookbehind_len: 0,
        }
    }

    /// Replaces the default criteria.
    pub fn with_criteria(self, criteria: Arc<Criteria>) -> Self {
        Self { criteria, ..self }
    }

    /// Decodes the escapes of every text format, for bytes that may contain several texts.
    pub fn with_all_escapes(self) -> Self {
        Self { escapes: Escapes::FORM, ..self }
    }

    /// Determines the path of the field that contains each finding. `boundary` is that of a multipart body. If `decisions` select values, it
    /// finds these too.
    pub fn with_field_paths(self, boundary: Option<Boundary>, decisions: Option<FindingDecisions>) -> Self {
        let decisions = decisions.filter(FindingDecisions::test_values);
        Self { field_tracking: FieldTracking::Before(boundary, decisions), ..self }
    }

    /// True if rules select values of fields.
    pub fn selects_values(&self) -> bool {
        matches!(self.field_tracking, FieldTracking::Before(_, Some(_)) | FieldTracking::At(_, Some(_)))
    }

    /// True if a value that rules select may have been missed, because its field is unknown.
    pub fn missed_values(&self) -> bool {
        matches!(&self.field_tracking, FieldTracking::At(_, Some(values)) if values.missed())
    }

    /// Starts after `text`, which can be the name of the field that contains the inspected text.
    pub fn preceded_by(mut self, text: &[u8]) -> Self {
        self.remember(text, None);
        self
    }

    /// Inspects `window`, which begins at the first undecided byte of the text, and appends to `findings`.
    ///
    /// Returns the number of decided bytes. The next window must begin with the undecided bytes, unchanged. Their number is at most
    /// [`super::MAX_UNDECIDED`], or [`super::MAX_UNDECIDED_TOKEN`] with base64 tokens. With `last`, the text ends with the window
    /// and all bytes are decided.
    pub fn inspect(&mut self, window: &[u8], last: bool, findings: &mut Vec<Finding>) -> usize {
        let found = findings.len();
        let decided = self.inspect_window(window, last, findings);
        self.track_fields(window.get(..decided).unwrap_or_default(), found, findings);
        decided
    }

    /// Adds the paths of their fields to the `findings` in `decided`, which begin at `from`, and the values that rules select.
    fn track_fields(&mut self, decided: &[u8], from: usize, findings: &mut Vec<Finding>) {
        if let FieldTracking::Before(boundary, decisions) = &mut self.field_tracking
            && self.text_format != TextFormat::Unknown
        {
            let tracker = Box::new(FieldTracker::new(self.text_format, *boundary));
            let values = decisions.take().map(|decisions| Box::new(ValueFinder::new(decisions)));
            self.field_tracking = FieldTracking::At(tracker, values);
        }
        let FieldTracking::At(tracker, values) = &mut self.field_tracking else { return };
        let mask = self.style.character.as_byte();
        let (mut at, mut found) = (0, Vec::new());
        let mut advance_to = |tracker: &mut FieldTracker, to: usize| {
            let text = decided.get(at..to).unwrap_or_default();
            match values {
                Some(values) => {
                    (at..).zip(text).for_each(|(index, byte)| values.step(tracker, (index, *byte), mask, &mut found));
                }
                None => tracker.advance(text),
            }
            at = to.max(at);
        };
        for finding in findings.get_mut(from..).unwrap_or_default() {
            finding.detection.field = tracker.path_at(&finding.span, &mut advance_to);
        }
        advance_to(tracker, decided.len());
        if !found.is_empty() {
            findings.append(&mut found);
            findings.get_mut(from..).unwrap_or_default().sort_by_key(|finding| finding.span.start);
        }
    }

    fn inspect_window(&mut self, window: &[u8], last: bool, findings: &mut Vec<Finding>) -> usize {
        if self.lookbehind_len == 0 {
            // A byte order mark has two bytes, or three in UTF-8, before text whose first byte decides its format.
            let may_begin_mark = match window {
                [0xff | 0xfe] => true,
                [0xef] | [0xef, 0xbb] => self.text_format == TextFormat::Unknown,
                _ => false,
            };
            if !last && may_begin_mark {
                return 0;
            }
            if charset::begins_wide(window) {
                self.text_format = TextFormat::Wide;
                self.escapes = TextFormat::Wide.escapes();
            }
        }
        self.text_format = self.text_format.resolve(window);
        self.escapes.markup |= matches!(self.text_format, TextFormat::Markup | TextFormat::Html);
        let mut decided: usize = 0;
        let mut size = BLOCK;
        loop {
            let rest = window.get(decided..).unwrap_or_default();
            let block = rest.get(..size).unwrap_or(rest);
            let plain = self.gap == 0 && scan::is_plain(self.lookbehind(), block, self.escapes);
            let whole = block.len() == rest.len();
            // At the limit, the decision uses the bytes available.
            let at_limit = size < BLOCK && block.len() == size;
            let found = findings.len();
            let last = at_limit || (last && whole);
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
            if undecided > self.max_undecided() {
                size = self.max_undecided();
            } else if whole {
                return decided;
            } else {
                size = BLOCK;
            }
        }
    }

    /// Returns `undecided`, the bytes after the decided text, in a masked form of the same length. It contains no digit, and no
    /// letter next to a digit, because a secret may include it. A JSON number stays a number. With base64 tokens, patterns or values that
    /// rules select, all letters are masked.
    pub fn mask_undecided(&self, undecided: &[u8]) -> Vec<u8> {
        let mask = self.style.character.as_byte();
        let source = Decoded::following(Before { text: &[], gap: self.gap }, undecided, false, self.escapes, mask);
        let text_format = self.text_format.resolve(undecided);
        let all_letters = self.criteria.base64 || !self.criteria.patterns.is_empty() || self.selects_values();
        let mut masked = undecided.to_vec();
        let (mut anchor, mut start) = (self.anchor, 0_usize);
        for word in source.text().chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()) {
            let (is_word, has_digits) =
                (word.first().is_some_and(u8::is_ascii_alphanumeric), word.iter().any(u8::is_ascii_digit));
            let is_number = word.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'e' | b'E'));
            let may_be_bare = text_format.may_contain_json_numbers() && matches!(anchor, 0 | b':' | b',' | b'[');
            let is_bare = may_be_bare && is_number;
            if is_word && (has_digits || all_letters) {
                for (offset, _) in word.iter().enumerate().filter(|(_, byte)| !is_bare || byte.is_ascii_digit()) {
                    let replacement = match (is_bare, offset) {
                        (false, _) => mask,
                        (true, 0) => b'9',
                        (true, _) => b'0',
                    };
                    for (at, byte) in mask_edits(&source, start.saturating_add(offset), replacement, mask) {
                        if let Some(slot) = masked.get_mut(at) {
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
        // An escape at the end stays incomplete but valid, because the next bytes complete it.
        let incomplete_escape = masked.get_mut(source.start(start)..).unwrap_or_default();
        if !reveals_no_digit(incomplete_escape) {
            incomplete_escape.iter_mut().filter(|byte| byte.is_ascii_alphanumeric()).for_each(|byte| *byte = mask);
        }
        masked
    }

    /// Maximum number of undecided bytes.
    fn max_undecided(&self) -> usize {
        if self.criteria.base64 { super::MAX_UNDECIDED_TOKEN } else { super::MAX_UNDECIDED }
    }

    /// The end of the decided text, decoded.
    fn lookbehind(&self) -> &[u8] {
        self.lookbehind.get(..self.lookbehind_len).unwrap_or_default()
    }

    fn inspect_escaped(&mut self, block: &[u8], last: bool, findings: &mut Vec<Finding>) -> usize {
        let mask = self.style.character.as_byte();
        let before = Before { text: self.lookbehind(), gap: self.gap };
        let decoded = Decoded::following(before, block, last, self.escapes, mask);
        let decided = self.inspect_text(decoded.text(), last, Some(&decoded), findings);
        let gap_before = if decided == 0 { self.gap } else { 0 };
        self.gap = decoded.gap(decided).saturating_add(gap_before);
        decoded.start(decided)
    }

    /// Inspects `text`, which was decoded from `source` if there is one. Returns the length of its decided part.
    fn inspect_text(
        &mut self,
        text: &[u8],
        last: bool,
        source: Option<&Decoded<'_>>,
        findings: &mut Vec<Finding>,
    ) -> usize {
        let lookbehind = self.lookbehind;
        let lookbehind = lookbehind.get(..self.lookbehind_len).unwrap_or_default();
        let segment = Segment {
            lookbehind,
            text,
            last,
            source,
            key_context: &self.key_context,
            since_card: self.since_card,
            open_match: self.open_match,
            criteria: &self.criteria,
            style: self.style,
        };
        let matches = search::search(&segment);
        let open_match = matches.open_match(&segment);
        let view = View::new(lookbehind, text, last, self.style.character.as_byte());
        let mut since_card = self.since_card.saturating_add(matches.decided);
        let mut names = None;
        for mut found in matches.found {
            if found.detection.name.is_none() {
                let before = text_before(lookbehind, text, found.span.start, LOOKBEHIND);
                let cursor = || self.key_context.cursor(lookbehind, text);
                let enclosing =
                    found.enclosing.take().unwrap_or_else(|| names.get_or_insert_with(cursor).names(found.span.start));
                found.detection.name = field::nearest(&before, &enclosing);
            }
            if found.detection.kind.pan().is_some() {
                since_card = matches.decided.saturating_sub(found.span.end);
            }
            findings.push(self.finding(found, view, source));
        }
        self.since_card = since_card;
        self.open_match = open_match;
        self.remember(text.get(..matches.decided).unwrap_or_default(), matches.key_context);
        matches.decided
    }

    /// Converts a match in `view` to a finding in the source.
    fn finding(&self, found: SegmentMatch, view: View<'_>, source: Option<&Decoded<'_>>) -> Finding {
        let SegmentMatch { span, detection, form, .. } = found;
        let source_span =
            source.map_or(span.clone(), |source| source.start(span.start)..source.end(span.end.saturating_sub(1)));
        let form = match (form, source) {
            (Some(Form::Rewritten(edits)), Some(source)) => Form::Rewritten(edits_in_source(source, &span, edits)),
            (Some(Form::Rewritten(edits)), None) => Form::Rewritten(edits),
            (_, Some(source)) if source_span.len() != span.len() => {
                let is_masked = |byte: &u8| match detection.kind {
                    FindingKind::Pan(_) => byte.is_ascii_digit(),
                    _ => byte.is_ascii_alphanumeric(),
                };
                Form::Encoded(masked_spelling(source, &span, is_masked, self.style.character.as_byte()))
            }
            (Some(form), _) => form,
            (None, _) => match detection.kind {
                FindingKind::Pattern(_) => self.text_format.form_within(view, &span),
                _ => self.text_format.form_of(view, &span, self.anchor),
            },
        };
        Finding { span: source_span, form, detection, is_continued: false }
    }

    /// Keeps the context of later decisions from the bytes decided now. `key_context` is the one after them, if it is known.
    fn remember(&mut self, decided: &[u8], key_context: Option<KeyContext>) {
        let lookbehind = self.lookbehind;
        match key_context {
            Some(key_context) => self.key_context = key_context,
            None => self.key_context.advance(lookbehind.get(..self.lookbehind_len).unwrap_or_default(), decided),
        }
        if let Some(byte) = decided.iter().rev().find(|byte| TextFormat::is_anchor(**byte)) {
            self.anchor = *byte;
        }
        let fresh = decided.get(decided.len().saturating_sub(LOOKBEHIND)..).unwrap_or_default();
        let kept = self.lookbehind_len.min(LOOKBEHIND.saturating_sub(fresh.len()));
        self.lookbehind.copy_within(self.lookbehind_len.saturating_sub(kept)..self.lookbehind_len, 0);
        for (slot, byte) in self.lookbehind.iter_mut().skip(kept).zip(fresh) {
            *slot = *byte;
        }
        self.lookbehind_len = kept.saturating_add(fresh.len());
    }
}

/// Number of bytes that are inspected at once. It bounds the memory for decoded text, several times the length of the source.
const BLOCK: usize = 16_384;

/// The edits in the source that mask each decoded byte at `span` for which `is_masked` is true. Their offsets are relative to the
/// start of the span in the source.
fn masked_spelling(
    source: &Decoded<'_>,
    span: &Range<usize>,
    is_masked: impl Fn(&u8) -> bool,
    mask: u8,
) -> Vec<Vec<(usize, u8)>> {
    let start = source.start(span.start);
    let positions = span.clone().filter(|position| source.text().get(*position).is_some_and(&is_masked));
    let edits = positions.map(|position| {
        let edits = mask_edits(source, position, mask, mask);
        edits.into_iter().map(|(at, byte)| (at.saturating_sub(start), byte)).collect()
    });
    edits.collect()
}

/// The edits in `source` that replace the decoded byte at `position`. An escape that has no room for the replacement is destroyed
/// with `mask`, because a readable digit would be worse.
fn mask_edits(source: &Decoded<'_>, position: usize, replacement: u8, mask: u8) -> Vec<Edit> {
    let edits = source.mask(position, replacement);
    if edits.is_empty() { (source.start(position)..source.end(position)).map(|at| (at, mask)).collect() } else { edits }
}

/// True when these bytes, the start of an escape, reveal no digit.
fn reveals_no_digit(start: &[u8]) -> bool {
    !start.iter().any(u8::is_ascii_digit) || INCOMPLETE_ESCAPES.contains(&start)
}

/// Starts of escapes that contain digits, and that the escape of a mask character and of every digit begin with.
const INCOMPLETE_ESCAPES: [&[u8]; 5] = [b"%3", br"\u0", br"\u00", br"\u003", b"&#x3"];

/// Converts `edits` of the decoded text at `span` to edits in the source.
fn edits_in_source(source: &Decoded<'_>, span: &Range<usize>, edits: Vec<(usize, u8)>) -> Vec<(usize, u8)> {
    let start = source.start(span.start);
    let in_source = edits.into_iter().flat_map(|(offset, byte)| source.mask(span.start.saturating_add(offset), byte));
    in_source.map(|(at, byte)| (at.saturating_sub(start), byte)).collect()
}

/// Returns a complete `text` in which all digits of every possible card number, and its authentication data, are masked. Uses the
/// strictest sensitivity, independent of a policy.
pub fn redacted(text: &[u8]) -> Cow<'_, [u8]> {
    redacted_by(text, &Arc::new(Criteria::with_sensitivity(Sensitivity::Strict)), Style::HIDE)
}

/// Returns a complete `text` redacted by `criteria`, which come from [`Criteria::for_redaction`], in the given `style`.
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

    /// The findings in `text` in chunks of `size` bytes.
    fn find_in_chunks(text: &[u8], text_format: TextFormat, size: usize) -> Vec<Finding> {
        let mut inspector = Inspector::new(text_format, Style::HIDE);
        let (mut all, mut decided, mut received) = (Vec::new(), 0, 0_usize);
        while decided < text.len() {
            received = text.len().min(received.saturating_add(size));
            let mut findings = Vec::new();
            let count = inspector.inspect(&text[decided..received], received == text.len(), &mut findings);
            all.extend(findings.into_iter().map(|finding| {
                let span = finding.span.start + decided..finding.span.end + decided;
                Finding { span, ..finding }
            }));
            decided += count;
        }
        all
    }

    /// The next bytes complete the escape at the end of a masked text.
    #[test]
    fn an_incomplete_escape_stays_one() {
        for (text_format, text, expected) in [
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
            let masked = Inspector::new(text_format, Style::HIDE).mask_undecided(text.as_bytes());
            assert_eq!(String::from_utf8(masked).unwrap(), expected, "{text}");
        }
    }

    /// Repeated text with escapes and without findings.
    fn filler() -> impl Strategy<Value = String> {
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

        /// Skipping does not change the findings.
        #[test]
        fn skipping_changes_no_finding(
            parts in prop::collection::vec(
                (
                    filler(),
                    prop::sample::select(vec![
                        "4111111111111111", "%34111 1111 1111 1111", "\"card\":\"5555555555554444", "cvv=123&", "1036222064194035, ",
                        "4222222222222", "6799990100000000019", "&#52;111111111111111", "\"ids\":[", "\"cards\":[", "}", "imei ",
                        "\u{200b}", "%B4111111111111111^", "12/26", "\"pin\":\"1234\"", "****", "&amp;#52;", "\\", "%", "",
                    ]),
                ),
                1..8,
            ),
            text_format in prop::sample::select(vec![TextFormat::Text, TextFormat::Json, TextFormat::Form, TextFormat::Csv]),
        ) {
            let text: String = parts.into_iter().map(|(filler, part)| filler + part).collect();
            let (once, in_chunks) = (find_in_chunks(text.as_bytes(), text_format, usize::MAX), find_in_chunks(text.as_bytes(), text_format, 300));
            prop_assert!(once == in_chunks, "{} and {} findings in {text}", once.len(), in_chunks.len());
        }
    }

    #[test]
    fn redaction_hides_every_digit() {
        let path = b"/cards/4111111111111111?pan=5555-5555-5555-4444&ts=1748503543012";
        assert_eq!(&*redacted(path), b"/cards/****************?pan=****-****-****-****&ts=1748503543012");
    }
}
