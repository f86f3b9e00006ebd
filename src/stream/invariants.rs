//! Checks of the stream invariants for one text.
//!
//! Each invariant is a function with its name, which panics when the invariant is violated. The property tests in `invariant_tests/`
//! and the fuzz targets supply the texts.

use super::{
    Abort, Body, BodyAction, BodyConfig, BodyFlow, BodyFormat, BodyProgress, Decoder, Detection, Finding, FindingKind,
    Framing, HoldBack, Inspector, MAX_UNDECIDED_TOKEN, MemoryBudget, Sender, Side, TextFormat, oracle,
};
use crate::mask::{Keep, MaskCharacter, Style};
use crate::scan::Decoded;
use crate::scan::token::is_token_byte;
use crate::verdict::builtin_patterns::BuiltInPattern;
use crate::verdict::check_digits::Check;
use crate::verdict::pattern_set::{Pattern, PatternSet};
use crate::verdict::{Brand, Criteria, Sensitivity};
use serde_json::Value;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// Settings of an inspection.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Format of the text.
    pub text_format: TextFormat,
    /// Sensitivity of the detection.
    pub sensitivity: Sensitivity,
    /// Mask style.
    pub style: Style,
    /// Whether base64 tokens and patterns are detected too.
    pub tokens_and_patterns: bool,
}

/// Patterns of an operator, and all of panveil.
static PATTERNS: LazyLock<Vec<PatternSet>> = LazyLock::new(|| {
    let pattern = |name: &str, regex: &str, keep_last| Pattern {
        name: name.to_owned(),
        regex: regex.to_owned(),
        keep_last,
        ..Pattern::default()
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let own = [
        pattern("ssn", r"\b\d{3}-\d{2}-\d{4}\b", 4),
        pattern("customer", "(?i)cust[a-z0-9]{2,8}", 0),
        pattern("x", "[0-9]{5,9}x", 2),
        Pattern { check: Some(Check::Luhn), ..pattern("luhn", "L[0-9]{5,9}", 1) },
        Pattern { near: words(&["card", "pin"]), ..pattern("near", "N[0-9]{2}", 0) },
        Pattern { not_near: words(&["order", "card"]), ..pattern("not-near", "Z[0-9]{1,3}", 0) },
        Pattern {
            check: Some(Check::Verhoeff),
            near: words(&["imei", "id"]),
            not_near: words(&["cvv"]),
            ..pattern("all", "V[0-9](?:[ -]?[0-9]){2,12}", 2)
        },
    ];
    let built_in = BuiltInPattern::ALL.into_iter().map(BuiltInPattern::patterns);
    let sets = std::iter::once(own.to_vec()).chain(built_in);
    sets.map(|set| PatternSet::compile(&set).unwrap_or_else(|(index, _)| panic!("pattern {index}"))).collect()
});

/// Kind of a body that is not one text.
#[derive(Clone, Copy, Debug)]
pub enum Carrier {
    /// Messages of this framing.
    Messages(Framing),
    /// Messages of this framing in base64.
    Base64(Framing),
    /// WebSocket frames from this side.
    WebSocket(Side),
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    WithLastChunk,
    AfterLastChunk,
    Trailers,
}

/// The forwarded bytes and the reported findings.
type Outcome = (Vec<u8>, Vec<ReportedFinding>);

/// A reported finding and its name.
type ReportedFinding = (FindingKind, Option<String>);

/// A pause limit that no text here reaches.
const UNLIMITED_PAUSE: usize = 1 << 16;

/// Length of a close frame with a status code and a masking key, but without a reason.
const MAX_CLOSE_LEN: usize = 8;

impl Carrier {
    fn body(self, settings: Settings, action: BodyAction) -> Body {
        let config = settings.config(action, UNLIMITED_PAUSE);
        let format = |framing| BodyFormat { framing, ..BodyFormat::text(Sender::EndUnknown, settings.text_format) };
        match self {
            Self::Messages(framing) => Body::new(format(framing), config),
            Self::Base64(framing) => Body::new(BodyFormat { base64: true, ..format(framing) }, config),
            Self::WebSocket(side) => Body::of_websocket(side, config),
        }
    }
}

impl Settings {
    /// The default settings of the filter.
    pub fn of(text_format: TextFormat, keep: Keep) -> Self {
        let style = Style { keep, character: MaskCharacter::ASTERISK };
        Self { text_format, sensitivity: Sensitivity::Balanced, style, tokens_and_patterns: false }
    }

    fn body(self, sender: Sender, action: BodyAction, pause_limit: usize) -> Body {
        Body::new(BodyFormat::text(sender, self.text_format), self.config(action, pause_limit))
    }

    fn config(self, action: BodyAction, pause_limit: usize) -> BodyConfig {
        let (criteria, style) = (Arc::new(self.criteria()), self.style);
        BodyConfig { action, by_finding: None, criteria, style, pause_limit, block_uninspectable: false }
    }

    /// The outcome for a text in one chunk.
    fn whole(self, text: &[u8]) -> Outcome {
        let mut body = self.body(Sender::EndSignalled, BodyAction::Mask, 0);
        pass(&mut body, &[text.to_vec()], End::WithLastChunk).expect("not aborted")
    }

    /// Decodes the escapes of `bytes`. `last` means that nothing follows.
    fn decode(self, bytes: &[u8], last: bool) -> Vec<u8> {
        let escapes = self.text_format.resolve(bytes).escapes();
        Decoded::new(bytes, last, escapes, self.style.character.as_byte()).text().to_vec()
    }

    /// The number of decoded bytes of `text` before the offset `end`. Escapes can depend on the bytes behind it.
    fn decoded_before(self, text: &[u8], end: usize) -> usize {
        let escapes = self.text_format.resolve(text).escapes();
        let decoded = Decoded::new(text, true, escapes, self.style.character.as_byte());
        (0..decoded.text().len()).take_while(|position| decoded.start(*position) < end).count()
    }

    /// True when `byte` can mask an undecided digit.
    fn is_masked(self, byte: u8) -> bool {
        byte == self.style.character.as_byte() || matches!(byte, b'0' | b'9')
    }

    fn criteria(self) -> Criteria {
        let patterns = if self.tokens_and_patterns { PATTERNS.clone() } else { Vec::new() };
        Criteria { base64: self.tokens_and_patterns, patterns, ..Criteria::with_sensitivity(self.sensitivity) }
    }

    fn find(self, text: &[u8]) -> Vec<Finding> {
        self.find_by(text, self.criteria())
    }

    /// Card numbers without track data, as the oracle finds them.
    fn cards(self, text: &[u8]) -> Vec<(Range<usize>, Brand)> {
        let findings = self.find_by(text, Criteria { authentication_data: None, ..self.criteria() });
        findings.into_iter().map(|finding| (finding.span, finding.detection.kind.brand().expect("a card"))).collect()
    }

    fn find_by(self, text: &[u8], criteria: Criteria) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut inspector = Inspector::new(self.text_format, self.style).with_criteria(Arc::new(criteria));
        let decided = inspector.inspect(text, true, &mut findings);
        assert_eq!(decided, text.len());
        findings
    }
}

/// Without a finding, the output equals the input.
pub fn identity(text: &[u8], settings: Settings) {
    let (out, found) = settings.whole(text);
    assert!(!found.is_empty() || out == text, "{:?} became {:?}", shown(text), shown(&out));
}

/// Findings and output depend neither on the `chunks` of a text nor on how its sender marks its end.
pub fn chunk_invariance(chunks: &[Vec<u8>], settings: Settings) {
    let text = chunks.concat();
    let expected = settings.whole(&text);
    for (sender, end) in every_sender(&text) {
        let actual =
            pass(&mut settings.body(sender, BodyAction::Mask, UNLIMITED_PAUSE), chunks, end).expect("not aborted");
        assert_same(&actual, &expected, chunks, &format!("{sender:?} {end:?}"));
    }
}

/// Chunk invariance of bodies that are not one text; `chunks` divide a sequence of complete messages. With `Block`, such a body is
/// aborted before or in the message of the first card; with `Observe`, it is unchanged.
pub fn chunk_invariance_of_messages(chunks: &[Vec<u8>], carrier: Carrier, settings: Settings) {
    let body = |action| carrier.body(settings, action);
    // Invalid base64 is inspected in two ways, whose order depends on the chunks.
    let ordered = |mut found: Vec<ReportedFinding>| {
        if matches!(carrier, Carrier::Base64(_)) {
            found.sort_by_key(|reported| format!("{reported:?}"));
        }
        found
    };
    let whole = [chunks.concat()];
    let (out, found) = pass(&mut body(BodyAction::Mask), &whole, End::WithLastChunk).expect("not aborted");
    let expected = (out, ordered(found));
    assert_eq!(expected.0.len(), whole[0].len());
    for end in [End::WithLastChunk, End::AfterLastChunk, End::Trailers] {
        let how = format!("{carrier:?} {end:?}");
        match pass(&mut body(BodyAction::Mask), chunks, end) {
            Ok((out, found)) => assert_same(&(out, ordered(found)), &expected, chunks, &how),
            // The last message is incomplete and has undecided bytes.
            Err((abort, _)) => assert!(abort == Abort::HeldBackAtTrailers && end == End::Trailers, "{how} {abort:?}"),
        }
        let (out, found) = pass(&mut body(BodyAction::Observe), chunks, end).expect("not aborted");
        assert_eq!(shown(&out), shown(&whole[0]), "{how}");
        assert_eq!(ordered(found), expected.1, "{how}");
        match pass(&mut body(BodyAction::Block), chunks, end) {
            Ok((out, _)) => assert!(expected.1.is_empty() && out == whole[0], "{how}"),
            Err((Abort::HeldBackAtTrailers, _)) => assert_eq!(end, End::Trailers, "{how}"),
            Err((abort, out)) => {
                let clean = whole[0].iter().zip(&expected.0).take_while(|(sent, passed)| sent == passed).count();
                let same = out.iter().zip(&whole[0]).take_while(|(out, sent)| out == sent).count();
                assert!(abort == Abort::Card && same <= clean && out.len() <= same + MAX_CLOSE_LEN, "{how}");
            }
        }
    }
}

/// A budget that no text here reaches.
fn budget() -> MemoryBudget {
    MemoryBudget::new(1 << 30)
}

/// A receiver that reads the body as a text finds no card in it, whatever its content type; with `Block`, the body is aborted.
pub fn no_finding_left(chunks: &[Vec<u8>], text: &[u8], carrier: Carrier, settings: Settings) {
    let has_control = text.iter().any(|byte| *byte < b' ' && !byte.is_ascii_whitespace());
    let spans: Vec<_> = settings.find(text).into_iter().map(|finding| finding.span).collect();
    if has_control || spans.is_empty() {
        return;
    }
    let (out, _) =
        pass(&mut carrier.body(settings, BodyAction::Mask), chunks, End::AfterLastChunk).expect("not aborted");
    let start = out.len() - text.len();
    let expected = settings.whole(text).0;
    for (at, byte) in text.iter().enumerate().filter(|(at, byte)| expected[*at] != **byte) {
        assert_ne!(out[start + at], *byte, "{:?} became {:?}", shown(text), shown(&out));
    }
    let blocked = pass(&mut carrier.body(settings, BodyAction::Block), chunks, End::AfterLastChunk);
    assert!(blocked.is_err_and(|(abort, _)| abort == Abort::Card), "{:?}", shown(text));
}

/// A compressed body is forwarded decompressed and masked like `text`, its content. With `Observe`, it is unchanged.
pub fn decoding(chunks: &[Vec<u8>], coding: &str, text: &[u8], settings: Settings) {
    let expected = settings.whole(text);
    for sender in [Sender::Length(chunks.concat().len() as u64), Sender::EndSignalled, Sender::EndUnknown] {
        let body = |action| {
            let decoder = Decoder::of(coding.as_bytes(), u32::MAX, &budget()).ok().flatten().expect("a known coding");
            Body::encoded(
                decoder,
                BodyFormat::text(sender, settings.text_format),
                settings.config(action, UNLIMITED_PAUSE),
            )
        };
        for end in [End::WithLastChunk, End::AfterLastChunk] {
            let actual = pass(&mut body(BodyAction::Mask), chunks, end).expect("not aborted");
            assert_same(&actual, &expected, chunks, &format!("{coding} {sender:?} {end:?}"));
            let (out, found) = pass(&mut body(BodyAction::Observe), chunks, end).expect("not aborted");
            assert_eq!((out, found), (chunks.concat(), expected.1.clone()), "{coding} {sender:?} {end:?}");
        }
    }
}

/// For any bytes with the content encoding `coding`, the output and an abort do not depend on the chunks. With `Observe`, the body is
/// unchanged.
pub fn decoding_of_anything(chunks: &[Vec<u8>], coding: &str, settings: Settings) {
    let body = |action| {
        let decoder = Decoder::of(coding.as_bytes(), 100, &budget()).ok().flatten().expect("a known coding");
        Body::encoded(decoder, BodyFormat::text(Sender::EndSignalled, settings.text_format), settings.config(action, 0))
    };
    let whole = pass(&mut body(BodyAction::Mask), &[chunks.concat()], End::AfterLastChunk);
    match (whole, pass(&mut body(BodyAction::Mask), chunks, End::AfterLastChunk)) {
        (Ok(whole), Ok(actual)) => assert_same(&actual, &whole, chunks, coding),
        (Err((whole, _)), Err((actual, _))) => assert_eq!(actual, whole, "{coding}"),
        (whole, actual) => panic!("{coding}: whole {:?}, in chunks {:?}", whole.is_ok(), actual.is_ok()),
    }
    let (out, _) = pass(&mut body(BodyAction::Observe), chunks, End::AfterLastChunk).expect("not aborted");
    assert_eq!(out, chunks.concat(), "{coding}");
}

/// Findings and output do not depend on the offset of a text in a long chunk, here the number of empty lines before it.
pub fn offset_invariance(text: &[u8], lines: usize, settings: Settings) {
    let after_lines = |lines: usize| settings.whole(&[&vec![b'\n'; lines], text].concat());
    let (near, far) = (after_lines(1), after_lines(lines));
    let out = far.0.get(lines.saturating_sub(1)..).unwrap_or_default();
    assert_eq!(shown(out), shown(&near.0), "of {:?} after {lines} lines", shown(text));
    assert_eq!(far.1, near.1, "in {:?} after {lines} lines", shown(text));
}

/// At most [`MAX_UNDECIDED_TOKEN`] bytes are held back.
pub fn bounded_hold_back(chunks: &[Vec<u8>], settings: Settings) {
    let mut body = settings.body(Sender::EndSignalled, BodyAction::Mask, 0);
    let (mut received, mut forwarded) = (0, 0);
    for chunk in chunks {
        let output = body.push(chunk.clone(), false, &mut |_| {}, &mut hold_back);
        received += chunk.len();
        forwarded += output.replacement.map_or(chunk.len(), |bytes| bytes.len());
        assert!(received - forwarded <= MAX_UNDECIDED_TOKEN, "{} bytes are held back", received - forwarded);
    }
}

/// No edit changes the length, of the text or decoded, and only letters, digits and tokens are edited.
pub fn same_length(text: &[u8], settings: Settings) {
    let (out, _) = settings.whole(text);
    assert_eq!(out.len(), text.len());
    let mask = settings.style.character.as_byte();
    if mask == b'x' {
        // `&#120;` is longer than the reference of a digit, which is then destroyed.
        return;
    }
    if settings.find(text).iter().any(|finding| is_pattern_in_track(text, finding)) {
        // The digits after `%B` distinguish a track from an escape. The mask of a card keeps enough of them, but the mask of a
        // pattern may not.
        return;
    }
    let (before, after) = (settings.decode(text, true), settings.decode(&out, true));
    assert_eq!(before.len(), after.len(), "{:?} became {:?}", shown(text), shown(&out));
    let mut both = before.iter().zip(&after);
    // Next to a mask, the no-break space of ISO/IEC 8859 is read as a space.
    let is_same = |a: &u8, b: &u8| a == b || (*a == 0xa0 && *b == b' ');
    assert!(both.all(|(a, b)| is_token_byte(*a) || is_same(a, b)), "{:?} became {:?}", shown(text), shown(&out));
}

/// True when a pattern match begins in the digits after `%B`.
fn is_pattern_in_track(text: &[u8], finding: &Finding) -> bool {
    let before = text.get(..finding.span.start).unwrap_or_default();
    let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    matches!(finding.detection.kind, FindingKind::Pattern(_)) && before[..before.len() - digits].ends_with(b"%B")
}

/// A JSON document stays valid, and its numbers stay numbers.
pub fn well_formed(text: &[u8], settings: Settings) {
    let Ok(before) = serde_json::from_slice::<Value>(text) else { return };
    let (out, found) = Settings { text_format: TextFormat::Json, ..settings }.whole(text);
    let after: Value = serde_json::from_slice(&out).expect("valid JSON");
    assert!(has_same_structure(&before, &after), "{:?} became {:?}", shown(text), shown(&out));
    assert!(!found.is_empty() || after == before);
}

/// The output contains no further finding. A pattern may match its own mask again, without a change.
pub fn idempotence(text: &[u8], settings: Settings) {
    if settings.tokens_and_patterns && settings.style.character.as_byte() == b'x' {
        // A pattern that matches this letter may match digits and a mask after them.
        return;
    }
    let touches_digits = |finding: &Finding| text.get(finding.span.end).is_some_and(u8::is_ascii_digit);
    if settings.find(text).iter().any(touches_digits) {
        // A length prefix ended the number. Without it, the digits after the mask may be a number.
        return;
    }
    let (once, _) = settings.whole(text);
    let (twice, found) = settings.whole(&once);
    assert_eq!(shown(&twice), shown(&once), "of {:?}", shown(text));
    let is_new = |(kind, _): &ReportedFinding| !matches!(kind, FindingKind::Pattern(_));
    assert!(!found.iter().any(is_new), "{:?} became {:?}", shown(text), shown(&once));
}

/// No byte is lost or duplicated, whatever the pause limit. The only abort is for held-back bytes when trailers arrive.
pub fn drain(chunks: &[Vec<u8>], settings: Settings, pause_limit: usize) {
    let text = chunks.concat();
    for (sender, end) in every_sender(&text) {
        match pass(&mut settings.body(sender, BodyAction::Mask, pause_limit), chunks, end) {
            Ok((out, _)) => assert_eq!(out.len(), text.len(), "{sender:?} {end:?}"),
            Err((abort, _)) => assert!(
                abort == Abort::HeldBackAtTrailers && sender == Sender::EndUnknown && end == End::Trailers,
                "{sender:?} {end:?} {abort:?}"
            ),
        }
    }
}

/// With `Block`, a body is aborted before its first card; without a card, it is forwarded.
pub fn block(chunks: &[Vec<u8>], settings: Settings) {
    let text = chunks.concat();
    let first = settings.find(&text).first().map(|finding| finding.span.clone());
    for (sender, end) in every_sender(&text) {
        match (pass(&mut settings.body(sender, BodyAction::Block, UNLIMITED_PAUSE), chunks, end), &first) {
            (Ok((out, _)), None) => assert_eq!(shown(&out), shown(&text)),
            (Err((Abort::Card, out)), Some(span)) => assert!(out.len() <= span.start && text.starts_with(&out)),
            (outcome, first) => panic!("{sender:?} {end:?} {:?} {first:?}", outcome.is_ok()),
        }
    }
}

/// With `Observe`, a body is unchanged and the findings are the same.
pub fn observe(chunks: &[Vec<u8>], settings: Settings) {
    let text = chunks.concat();
    let (_, expected) = settings.whole(&text);
    for (sender, end) in every_sender(&text) {
        let mut body = settings.body(sender, BodyAction::Observe, UNLIMITED_PAUSE);
        let (out, found) = pass(&mut body, chunks, end).expect("not aborted");
        assert_eq!(shown(&out), shown(&text), "{sender:?} {end:?}");
        assert_eq!(found, expected, "{sender:?} {end:?}");
    }
}

/// The findings equal those of a slow, simple finder in the whole body.
pub fn oracle(text: &[u8], character: MaskCharacter) {
    for text_format in [TextFormat::Unknown, TextFormat::Mime] {
        let settings = Settings::of(text_format, Keep::None);
        let settings = Settings { style: Style { character, ..settings.style }, ..settings };
        let is_message = text_format == TextFormat::Mime;
        if is_message && text.trim_ascii_start().starts_with(b"<") {
            return;
        }
        let expected = oracle::find(text, character.as_byte(), is_message);
        assert_eq!(settings.cards(text), expected, "{text_format:?} {:?}", shown(text));
    }
}

/// Another filter may forward the paused bytes at any time; `taken` says before which chunks, including the end, it does. No byte is
/// lost or duplicated, and no digit is readable that is masked in one chunk.
pub fn release(chunks: &[Vec<u8>], taken: &[bool], settings: Settings) {
    let text = chunks.concat();
    let (expected, _) = settings.whole(&text);
    for end in [End::WithLastChunk, End::AfterLastChunk, End::Trailers] {
        let mut body = settings.body(Sender::EndUnknown, BodyAction::Mask, UNLIMITED_PAUSE);
        // New bytes that equal the paused ones cannot be distinguished from them, so the body is aborted.
        let Ok((out, _)) = pass_between(&mut body, chunks, end, taken) else { continue };
        let split: Vec<_> = chunks.iter().map(|chunk| shown(chunk)).collect();
        let how = || format!("{end:?} {split:?} taken before {taken:?}: {:?}", shown(&out));
        assert_eq!(out.len(), text.len(), "{}", how());
        let (sent, masked, passed) =
            (settings.decode(&text, true), settings.decode(&expected, true), settings.decode(&out, true));
        // The lengths differ when an escape was split and destroyed.
        if sent.len() == passed.len() {
            for ((sent, masked), passed) in sent.iter().zip(&masked).zip(&passed) {
                // An incomplete escape is completed: `\u003` to `\u003a`.
                let is_completed = *passed == b':' && sent.is_ascii_digit();
                let is_covered = settings.is_masked(*passed) && sent.is_ascii_alphanumeric() || is_completed;
                let is_letter = passed == sent && !sent.is_ascii_digit();
                assert!(passed == masked || is_covered || is_letter, "{}", how());
            }
        }
        let first = settings.find(&text).first().map(|finding| finding.span.start);
        let mut body = settings.body(Sender::EndUnknown, BodyAction::Block, UNLIMITED_PAUSE);
        match (pass_between(&mut body, chunks, end, taken), first) {
            (Ok((out, _)), None) => assert_eq!(out.len(), text.len(), "{}", how()),
            (Err((Abort::Card, out)), Some(start)) => {
                // Without the incomplete escape at the end.
                let (before, passed) = (settings.decoded_before(&text, start), settings.decode(&out, false));
                let sent = settings.decode(&text[..out.len()], false);
                // The lengths differ when an escape was split and destroyed.
                let both = if sent.len() == passed.len() { passed.iter().zip(&sent) } else { [].iter().zip(&[]) };
                for (passed, sent) in both.skip(before) {
                    let is_readable = passed == sent && sent.is_ascii_digit();
                    assert!(settings.is_masked(*passed) || !is_readable, "blocked: {}", how());
                }
            }
            (Err((Abort::Uninspectable, _)), _) => {}
            (outcome, first) => panic!("{:?} {first:?} {}", outcome.is_ok(), how()),
        }
    }
}

/// The location of held-back bytes when it depends only on the sender.
fn hold_back(progress: BodyProgress) -> HoldBack {
    if progress.sender == Sender::EndUnknown { HoldBack::InHost } else { HoldBack::InFilter }
}

/// Processes the chunks like a host. It returns a paused chunk with the next one. After the last chunk it has no buffer, unless that is
/// paused. Returns the outcome, or the reason of an abort and the bytes forwarded before.
fn pass(body: &mut Body, chunks: &[Vec<u8>], end: End) -> Result<Outcome, (Abort, Vec<u8>)> {
    pass_between(body, chunks, end, &[])
}

/// Processes the chunks like a host with a later filter, which forwards a paused chunk before those chunks that `taken` selects.
fn pass_between(body: &mut Body, chunks: &[Vec<u8>], end: End, taken: &[bool]) -> Result<Outcome, (Abort, Vec<u8>)> {
    let (mut out, mut buffer, mut found) = (Vec::new(), Vec::new(), Vec::new());
    let mut callbacks: Vec<(Vec<u8>, bool, bool)> = chunks.iter().map(|chunk| (chunk.clone(), false, false)).collect();
    match end {
        End::WithLastChunk => callbacks.last_mut().expect("a chunk").1 = true,
        End::AfterLastChunk => callbacks.push((Vec::new(), true, false)),
        End::Trailers => callbacks.push((Vec::new(), true, true)),
    }
    for (index, (chunk, last, trailers)) in callbacks.into_iter().enumerate() {
        let mut was_taken = false;
        if taken.get(index) == Some(&true) {
            was_taken = !buffer.is_empty();
            if was_taken && chunk.starts_with(&buffer) {
                // The body takes it for the paused chunk: no digit is readable, but the bytes differ from the input.
                return Err((Abort::Uninspectable, out));
            }
            out.append(&mut buffer);
        }
        let paused = !buffer.is_empty();
        buffer.extend_from_slice(&chunk);
        assert!(was_taken || body.paused_len() == if paused { buffer.len() - chunk.len() } else { 0 });
        let arrived = buffer.len();
        let report = &mut |detection: Detection| found.push((detection.kind, detection.name.as_deref().map(shown)));
        let output = if trailers {
            body.finish_before_trailers(buffer.clone(), report)
        } else {
            body.push(buffer.clone(), last, report, &mut hold_back)
        };
        if let Some(replacement) = output.replacement {
            assert!(!trailers || paused, "no buffer to write to once trailers have begun");
            assert!(
                output.flow != BodyFlow::Pause || replacement.len() >= arrived,
                "a paused chunk holds all that came"
            );
            assert!(!paused || replacement.len() <= arrived, "a paused chunk never grows");
            buffer = replacement;
        }
        match output.flow {
            BodyFlow::Pass => out.append(&mut buffer),
            BodyFlow::Pause => assert!(!last),
            BodyFlow::Abort(abort) => return Err((abort, out)),
            BodyFlow::Close(abort) => {
                out.append(&mut buffer);
                return Err((abort, out));
            }
        }
    }
    Ok((out, found))
}

fn every_sender(text: &[u8]) -> [(Sender, End); 6] {
    let length = Sender::Length(text.len() as u64);
    [
        (length, End::WithLastChunk),
        (length, End::AfterLastChunk),
        (length, End::Trailers),
        (Sender::EndSignalled, End::AfterLastChunk),
        (Sender::EndUnknown, End::WithLastChunk),
        (Sender::EndUnknown, End::Trailers),
    ]
}

fn assert_same(actual: &Outcome, expected: &Outcome, chunks: &[Vec<u8>], how: &str) {
    let split: Vec<_> = chunks.iter().map(|chunk| shown(chunk)).collect();
    assert_eq!(shown(&actual.0), shown(&expected.0), "{how} {split:?}");
    assert_eq!(actual, expected, "{how} {split:?}");
}

fn has_same_structure(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| has_same_structure(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.values().zip(b.values()).all(|(a, b)| has_same_structure(a, b))
        }
        (Value::String(a), Value::String(b)) => a.len() == b.len(),
        (Value::Number(a), Value::Number(b)) => {
            a.is_f64() == b.is_f64() && (a.as_f64() < Some(0.0)) == (b.as_f64() < Some(0.0))
        }
        (a, b) => a == b,
    }
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
