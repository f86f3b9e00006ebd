//! What does each law of a stream demand of one text?
//!
//! One function for each law, under its name. It panics where the law does not hold. The property tests in `laws/` and
//! the fuzz targets bring the texts.

use super::{
    Abort, Body, BodyAction, BodyConfig, BodyFlow, BodyFormat, BodyProgress, Decoder, Detection, Finding, FindingKind,
    Framing, HoldBack, Inspector, MAX_UNDECIDED_TOKEN, MemoryBudget, Sender, Side, TextFormat, oracle,
};
use crate::mask::{Keep, MaskCharacter, Style};
use crate::scan::Decoded;
use crate::scan::pattern::Patterns;
use crate::scan::token::is_token_byte;
use crate::verdict::criteria::OwnPatterns;
use crate::verdict::{Brand, Criteria, Sensitivity};
use serde_json::Value;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// As what a text is read, and what its cards become.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Its notation.
    pub text_format: TextFormat,
    /// How strong the evidence for a card must be.
    pub sensitivity: Sensitivity,
    /// What a masked card looks like.
    pub style: Style,
    /// Whether tokens are read and patterns are matched too.
    pub tokens_and_patterns: bool,
}

/// What an operator may look for besides.
static PATTERNS: LazyLock<OwnPatterns> = LazyLock::new(|| {
    let compiled = Patterns::compile(&[r"\b\d{3}-\d{2}-\d{4}\b", "(?i)cust[a-z0-9]{2,8}", "[0-9]{5,9}x"]);
    let named = [("ssn", 4), ("customer", 0), ("x", 2)];
    OwnPatterns {
        compiled: compiled.unwrap_or_else(|(index, _)| panic!("pattern {index}")),
        named: named.map(|(name, keep_last)| (name.into(), keep_last)).into(),
    }
});

/// What kind of body it is, other than one text.
#[derive(Clone, Copy, Debug)]
pub enum Carrier {
    /// Messages of this framing.
    Messages(Framing),
    /// The same in base64.
    Base64(Framing),
    /// What this side sends through a websocket.
    WebSocket(Side),
}

/// How a body comes to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    WithLastChunk,
    AfterLastChunk,
    Trailers,
}

/// What was forwarded and what was found.
type Passed = (Vec<u8>, Vec<Seen>);

/// What is told of a finding, with its name as text.
type Seen = (FindingKind, Option<String>);

/// As much as any text here has may wait in the host.
const ROOMY: usize = 1 << 16;

/// With status and scrambling key, but without a reason.
const LONGEST_CLOSE: usize = 8;

impl Carrier {
    fn body(self, settings: Settings, action: BodyAction) -> Body {
        let config = settings.config(action, ROOMY);
        let shape = |framing| BodyFormat { framing, ..BodyFormat::text(Sender::EndUnknown, settings.text_format) };
        match self {
            Self::Messages(framing) => Body::new(shape(framing), config),
            Self::Base64(framing) => Body::new(BodyFormat { base64: true, ..shape(framing) }, config),
            Self::WebSocket(side) => Body::of_websocket(side, config),
        }
    }
}

impl Settings {
    /// What the filter does with a body when its policy says nothing else.
    pub fn of(text_format: TextFormat, keep: Keep) -> Self {
        let style = Style { keep, character: MaskCharacter::ASTERISK };
        Self { text_format, sensitivity: Sensitivity::Balanced, style, tokens_and_patterns: false }
    }

    fn body(self, sender: Sender, action: BodyAction, pause_limit: usize) -> Body {
        Body::new(BodyFormat::text(sender, self.text_format), self.config(action, pause_limit))
    }

    fn config(self, action: BodyAction, pause_limit: usize) -> BodyConfig {
        let (criteria, style) = (Arc::new(self.criteria()), self.style);
        BodyConfig { action, criteria, style, pause_limit, block_uninspectable: false }
    }

    /// What comes of a text that arrives in one piece.
    fn whole(self, text: &[u8]) -> Passed {
        let mut body = self.body(Sender::EndSignalled, BodyAction::Mask, 0);
        pass(&mut body, &[text.to_vec()], End::WithLastChunk).expect("nothing cuts it")
    }

    /// What `bytes` say once their escapes are read. `last` says that nothing follows.
    fn said(self, bytes: &[u8], last: bool) -> Vec<u8> {
        let escapes = self.text_format.resolve(bytes).escapes();
        Decoded::new(bytes, 0, last, escapes, self.style.character.as_byte()).text().to_vec()
    }

    /// True when `byte` may stand in the place of a digit that is covered.
    fn is_cover(self, byte: u8) -> bool {
        byte == self.style.character.as_byte() || matches!(byte, b'0' | b'9')
    }

    fn criteria(self) -> Criteria {
        let patterns = self.tokens_and_patterns.then(|| PATTERNS.clone());
        Criteria { base64: self.tokens_and_patterns, patterns, ..Criteria::with_sensitivity(self.sensitivity) }
    }

    fn find(self, text: &[u8]) -> Vec<Finding> {
        self.find_by(text, self.criteria())
    }

    /// The cards alone, without what a track has behind them, as the oracle tells of them.
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

/// With nothing found, the bytes out are the bytes in.
pub fn identity(text: &[u8], settings: Settings) {
    let (out, found) = settings.whole(text);
    assert!(!found.is_empty() || out == text, "{:?} became {:?}", shown(text), shown(&out));
}

/// Findings and bytes out do not depend on the `chunks` that a text comes in, nor on how its sender marks its end.
pub fn chunk_invariance(chunks: &[Vec<u8>], settings: Settings) {
    let text = chunks.concat();
    let expected = settings.whole(&text);
    for (sender, end) in every_sender(&text) {
        let seen = pass(&mut settings.body(sender, BodyAction::Mask, ROOMY), chunks, end).expect("nothing cuts it");
        assert_same(&seen, &expected, chunks, &format!("{sender:?} {end:?}"));
    }
}

/// The same for bodies of other kinds than one text; `chunks` are cut out of a row of whole messages. Blocked, such a body is
/// cut before the message of the first card or in it; observed, it passes untouched.
pub fn chunk_invariance_of_messages(chunks: &[Vec<u8>], carrier: Carrier, settings: Settings) {
    let body = |action| carrier.body(settings, action);
    // What is no base64 is read in two ways, and which of the two is first depends on the chunks.
    let ordered = |mut found: Vec<Seen>| {
        if matches!(carrier, Carrier::Base64(_)) {
            found.sort_by_key(|seen| format!("{seen:?}"));
        }
        found
    };
    let whole = [chunks.concat()];
    let (out, found) = pass(&mut body(BodyAction::Mask), &whole, End::WithLastChunk).expect("nothing cuts it");
    let expected = (out, ordered(found));
    assert_eq!(expected.0.len(), whole[0].len());
    for end in [End::WithLastChunk, End::AfterLastChunk, End::Trailers] {
        let how = format!("{carrier:?} {end:?}");
        match pass(&mut body(BodyAction::Mask), chunks, end) {
            Ok((out, found)) => assert_same(&(out, ordered(found)), &expected, chunks, &how),
            // A message that is not complete, and what could still follow.
            Err((cut, _)) => assert!(cut == Abort::HeldBackAtTrailers && end == End::Trailers, "{how} {cut:?}"),
        }
        let (out, found) = pass(&mut body(BodyAction::Observe), chunks, end).expect("nothing cuts it");
        assert_eq!(shown(&out), shown(&whole[0]), "{how}");
        assert_eq!(ordered(found), expected.1, "{how}");
        match pass(&mut body(BodyAction::Block), chunks, end) {
            Ok((out, _)) => assert!(expected.1.is_empty() && out == whole[0], "{how}"),
            Err((Abort::HeldBackAtTrailers, _)) => assert_eq!(end, End::Trailers, "{how}"),
            Err((cut, out)) => {
                let clean = whole[0].iter().zip(&expected.0).take_while(|(sent, passed)| sent == passed).count();
                let same = out.iter().zip(&whole[0]).take_while(|(out, sent)| out == sent).count();
                assert!(cut == Abort::Card && same <= clean && out.len() <= same + LONGEST_CLOSE, "{how}");
            }
        }
    }
}

/// More than any text takes, whole or in chunks.
fn budget() -> MemoryBudget {
    MemoryBudget::new(1 << 30)
}

/// Whatever a text is called: who reads it as one finds no card in it, or the body is cut where those are blocked.
pub fn no_finding_left(chunks: &[Vec<u8>], text: &[u8], carrier: Carrier, settings: Settings) {
    let has_control = text.iter().any(|byte| *byte < b' ' && !byte.is_ascii_whitespace());
    let spans: Vec<_> = settings.find(text).into_iter().map(|finding| finding.span).collect();
    if has_control || spans.is_empty() {
        return;
    }
    let (out, _) =
        pass(&mut carrier.body(settings, BodyAction::Mask), chunks, End::AfterLastChunk).expect("nothing cuts it");
    let start = out.len() - text.len();
    let expected = settings.whole(text).0;
    for (at, byte) in text.iter().enumerate().filter(|(at, byte)| expected[*at] != **byte) {
        assert_ne!(out[start + at], *byte, "{:?} became {:?}", shown(text), shown(&out));
    }
    let blocked = pass(&mut carrier.body(settings, BodyAction::Block), chunks, End::AfterLastChunk);
    assert!(blocked.is_err_and(|(cut, _)| cut == Abort::Card), "{:?}", shown(text));
}

/// What is compressed is forwarded as it reads, masked like `text`, which is what it says. Observed, it passes as it came.
pub fn decoding(chunks: &[Vec<u8>], coding: &str, text: &[u8], settings: Settings) {
    let expected = settings.whole(text);
    for sender in [Sender::Length(chunks.concat().len() as u64), Sender::EndSignalled, Sender::EndUnknown] {
        let body = |action| {
            let decoder = Decoder::of(coding.as_bytes(), u32::MAX, &budget()).ok().flatten().expect("a known coding");
            Body::encoded(decoder, BodyFormat::text(sender, settings.text_format), settings.config(action, ROOMY))
        };
        for end in [End::WithLastChunk, End::AfterLastChunk] {
            let seen = pass(&mut body(BodyAction::Mask), chunks, end).expect("nothing cuts it");
            assert_same(&seen, &expected, chunks, &format!("{coding} {sender:?} {end:?}"));
            let (out, found) = pass(&mut body(BodyAction::Observe), chunks, end).expect("nothing cuts it");
            assert_eq!((out, found), (chunks.concat(), expected.1.clone()), "{coding} {sender:?} {end:?}");
        }
    }
}

/// What comes under the name of a `coding` but may be anything: what is forwarded of it, and that it is cut, does not depend
/// on the chunks. Observed, it passes as it came.
pub fn decoding_of_anything(chunks: &[Vec<u8>], coding: &str, settings: Settings) {
    let body = |action| {
        let decoder = Decoder::of(coding.as_bytes(), 100, &budget()).ok().flatten().expect("a known coding");
        Body::encoded(decoder, BodyFormat::text(Sender::EndSignalled, settings.text_format), settings.config(action, 0))
    };
    let whole = pass(&mut body(BodyAction::Mask), &[chunks.concat()], End::AfterLastChunk);
    match (whole, pass(&mut body(BodyAction::Mask), chunks, End::AfterLastChunk)) {
        (Ok(whole), Ok(seen)) => assert_same(&seen, &whole, chunks, coding),
        (Err((whole, _)), Err((seen, _))) => assert_eq!(seen, whole, "{coding}"),
        (whole, seen) => panic!("{coding}: whole {:?}, in chunks {:?}", whole.is_ok(), seen.is_ok()),
    }
    let (out, _) = pass(&mut body(BodyAction::Observe), chunks, End::AfterLastChunk).expect("nothing cuts it");
    assert_eq!(out, chunks.concat(), "{coding}");
}

/// Nor do they depend on how many empty lines come before, at least one: on where in a long chunk the text stands.
pub fn offset_invariance(text: &[u8], lines: usize, settings: Settings) {
    let behind = |lines: usize| settings.whole(&[&vec![b'\n'; lines], text].concat());
    let (near, far) = (behind(1), behind(lines));
    let out = far.0.get(lines.saturating_sub(1)..).unwrap_or_default();
    assert_eq!(shown(out), shown(&near.0), "of {:?} behind {lines} lines", shown(text));
    assert_eq!(far.1, near.1, "in {:?} behind {lines} lines", shown(text));
}

/// At most [`MAX_UNDECIDED_TOKEN`] bytes are held.
pub fn bounded_hold_back(chunks: &[Vec<u8>], settings: Settings) {
    let mut body = settings.body(Sender::EndSignalled, BodyAction::Mask, 0);
    let (mut taken, mut given) = (0, 0);
    for chunk in chunks {
        let turn = body.push(chunk.clone(), false, &mut |_| {}, &mut advice);
        taken += chunk.len();
        given += turn.replacement.map_or(chunk.len(), |bytes| bytes.len());
        assert!(taken - given <= MAX_UNDECIDED_TOKEN, "{} bytes wait", taken - given);
    }
}

/// Every edit keeps its length, also in what escapes say, and touches nothing but letters, digits and tokens.
pub fn same_length(text: &[u8], settings: Settings) {
    let (out, _) = settings.whole(text);
    assert_eq!(out.len(), text.len());
    let mask = settings.style.character.as_byte();
    if mask == b'x' {
        // `&#120;` is longer than the reference of a digit, which is then covered whole.
        return;
    }
    if settings.find(text).iter().any(|finding| is_pattern_in_track(text, finding)) {
        // The number behind `%B` told a track from an escape. What the mask of a card leaves of it still does; the mask of a
        // pattern may cover any part of it.
        return;
    }
    let (before, after) = (settings.said(text, true), settings.said(&out, true));
    assert_eq!(before.len(), after.len(), "{:?} became {:?}", shown(text), shown(&out));
    let mut both = before.iter().zip(&after);
    assert!(both.all(|(a, b)| is_token_byte(*a) || a == b), "{:?} became {:?}", shown(text), shown(&out));
}

/// True when an operator's pattern begins among the digits behind `%B`.
fn is_pattern_in_track(text: &[u8], finding: &Finding) -> bool {
    let before = text.get(..finding.span.start).unwrap_or_default();
    let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    matches!(finding.detection.kind, FindingKind::Pattern(_)) && before[..before.len() - digits].ends_with(b"%B")
}

/// A JSON document stays one, and its numbers stay numbers.
pub fn well_formed(text: &[u8], settings: Settings) {
    let Ok(before) = serde_json::from_slice::<Value>(text) else { return };
    let (out, found) = Settings { text_format: TextFormat::Json, ..settings }.whole(text);
    let after: Value = serde_json::from_slice(&out).expect("JSON as before");
    assert!(is_of_same_shape(&before, &after), "{:?} became {:?}", shown(text), shown(&out));
    assert!(!found.is_empty() || after == before);
}

/// The output, inspected again, holds nothing more. What a pattern of the operator leaves may match it again, to the same
/// effect.
pub fn idempotence(text: &[u8], settings: Settings) {
    if settings.tokens_and_patterns && settings.style.character.as_byte() == b'x' {
        // A pattern that knows this letter may match digits before a mask that it did not match before.
        return;
    }
    let touches_digits = |finding: &Finding| text.get(finding.span.end).is_some_and(u8::is_ascii_digit);
    if settings.find(text).iter().any(touches_digits) {
        // A number whose length stands before it ends there. Behind its mask the digits that follow may be a number too.
        return;
    }
    let (once, _) = settings.whole(text);
    let (twice, found) = settings.whole(&once);
    assert_eq!(shown(&twice), shown(&once), "of {:?}", shown(text));
    let is_new = |(what, _): &Seen| !matches!(what, FindingKind::Pattern(_));
    assert!(!found.iter().any(is_new), "{:?} became {:?}", shown(text), shown(&once));
}

/// No byte is lost or doubled, however much may wait in the host; only a tail that trailers overtake is cut.
pub fn drain(chunks: &[Vec<u8>], settings: Settings, pause_limit: usize) {
    let text = chunks.concat();
    for (sender, end) in every_sender(&text) {
        match pass(&mut settings.body(sender, BodyAction::Mask, pause_limit), chunks, end) {
            Ok((out, _)) => assert_eq!(out.len(), text.len(), "{sender:?} {end:?}"),
            Err((cut, _)) => assert!(
                cut == Abort::HeldBackAtTrailers && sender == Sender::EndUnknown && end == End::Trailers,
                "{sender:?} {end:?} {cut:?}"
            ),
        }
    }
}

/// A blocked body is cut before its first card, and passes without one.
pub fn block(chunks: &[Vec<u8>], settings: Settings) {
    let text = chunks.concat();
    let first = settings.find(&text).first().map(|finding| finding.span.clone());
    for (sender, end) in every_sender(&text) {
        match (pass(&mut settings.body(sender, BodyAction::Block, ROOMY), chunks, end), &first) {
            (Ok((out, _)), None) => assert_eq!(shown(&out), shown(&text)),
            (Err((Abort::Card, out)), Some(span)) => assert!(out.len() <= span.start && text.starts_with(&out)),
            (outcome, first) => panic!("{sender:?} {end:?} {:?} {first:?}", outcome.is_ok()),
        }
    }
}

/// A body that is only observed passes untouched, and what is found in it is the same.
pub fn observe(chunks: &[Vec<u8>], settings: Settings) {
    let text = chunks.concat();
    let (_, expected) = settings.whole(&text);
    for (sender, end) in every_sender(&text) {
        let mut body = settings.body(sender, BodyAction::Observe, ROOMY);
        let (out, found) = pass(&mut body, chunks, end).expect("nothing cuts it");
        assert_eq!(shown(&out), shown(&text), "{sender:?} {end:?}");
        assert_eq!(found, expected, "{sender:?} {end:?}");
    }
}

/// What is found is what a slow, plain finder finds in the whole body.
pub fn oracle(text: &[u8], character: MaskCharacter) {
    let settings = Settings::of(TextFormat::Unknown, Keep::None);
    let settings = Settings { style: Style { character, ..settings.style }, ..settings };
    assert_eq!(settings.cards(text), oracle::find(text, character.as_byte()), "{:?}", shown(text));
}

/// Whatever waits in the host may be taken along by another filter at any moment: `taken` says before which chunks, the end
/// included, that happens. No byte is lost or doubled, and no digit can be read that a whole text would not show.
pub fn release(chunks: &[Vec<u8>], taken: &[bool], settings: Settings) {
    let text = chunks.concat();
    let (expected, _) = settings.whole(&text);
    for end in [End::WithLastChunk, End::AfterLastChunk, End::Trailers] {
        let mut body = settings.body(Sender::EndUnknown, BodyAction::Mask, ROOMY);
        // Bytes that look like those that waited may be those: then the body is cut.
        let Ok((out, _)) = pass_between(&mut body, chunks, end, taken) else { continue };
        let cut: Vec<_> = chunks.iter().map(|chunk| shown(chunk)).collect();
        let how = || format!("{end:?} {cut:?} taken along before {taken:?}: {:?}", shown(&out));
        assert_eq!(out.len(), text.len(), "{}", how());
        let (sent, masked, passed) =
            (settings.said(&text, true), settings.said(&expected, true), settings.said(&out, true));
        // Where lengths differ, an escape was cut in two and has broken.
        if sent.len() == passed.len() {
            for ((sent, masked), passed) in sent.iter().zip(&masked).zip(&passed) {
                // An escape that has begun is completed: `\u003` to `\u003a`.
                let is_completed = *passed == b':' && sent.is_ascii_digit();
                let is_covered = settings.is_cover(*passed) && sent.is_ascii_alphanumeric() || is_completed;
                let is_letter = passed == sent && !sent.is_ascii_digit();
                assert!(passed == masked || is_covered || is_letter, "{}", how());
            }
        }
        let first = settings.find(&text).first().map(|finding| finding.span.start);
        let mut body = settings.body(Sender::EndUnknown, BodyAction::Block, ROOMY);
        match (pass_between(&mut body, chunks, end, taken), first) {
            (Ok((out, _)), None) => assert_eq!(out.len(), text.len(), "{}", how()),
            (Err((Abort::Card, out)), Some(start)) => {
                // Without the escape that has begun at the end.
                let (before, passed) = (settings.said(&text[..start], true).len(), settings.said(&out, false));
                let sent = settings.said(&text[..out.len()], false);
                // Else an escape was cut in two and has broken.
                let both = if sent.len() == passed.len() { passed.iter().zip(&sent) } else { [].iter().zip(&[]) };
                for (passed, sent) in both.skip(before) {
                    let is_readable = passed == sent && sent.is_ascii_digit();
                    assert!(settings.is_cover(*passed) || !is_readable, "blocked: {}", how());
                }
            }
            (Err((Abort::Uninspectable, _)), _) => {}
            (outcome, first) => panic!("{:?} {first:?} {}", outcome.is_ok(), how()),
        }
    }
}

/// Where undecided bytes are held back when nothing but the sender matters.
fn advice(counts: BodyProgress) -> HoldBack {
    if counts.sender == Sender::EndUnknown { HoldBack::InHost } else { HoldBack::InFilter }
}

/// A host that forwards, keeps a paused chunk and gives it back, and gives no access to the body after the last chunk
/// unless that waits. Returns what was forwarded and found, or why the body was cut.
fn pass(body: &mut Body, chunks: &[Vec<u8>], end: End) -> Result<Passed, (Abort, Vec<u8>)> {
    pass_between(body, chunks, end, &[])
}

/// The same with another filter behind it, which takes a paused chunk along before those chunks for which `taken` says so.
fn pass_between(body: &mut Body, chunks: &[Vec<u8>], end: End, taken: &[bool]) -> Result<Passed, (Abort, Vec<u8>)> {
    let (mut out, mut waiting, mut found) = (Vec::new(), Vec::new(), Vec::new());
    let mut turns: Vec<(Vec<u8>, bool, bool)> = chunks.iter().map(|chunk| (chunk.clone(), false, false)).collect();
    match end {
        End::WithLastChunk => turns.last_mut().expect("a chunk").1 = true,
        End::AfterLastChunk => turns.push((Vec::new(), true, false)),
        End::Trailers => turns.push((Vec::new(), true, true)),
    }
    for (index, (chunk, last, trailers)) in turns.into_iter().enumerate() {
        let mut was_taken = false;
        if taken.get(index) == Some(&true) {
            was_taken = !waiting.is_empty();
            if was_taken && chunk.starts_with(&waiting) {
                // It looks as if it had come back: no digit is shown too many, but the bytes are not those that were sent.
                return Err((Abort::Uninspectable, out));
            }
            out.append(&mut waiting);
        }
        let paused = !waiting.is_empty();
        waiting.extend_from_slice(&chunk);
        assert!(was_taken || body.paused_len() == if paused { waiting.len() - chunk.len() } else { 0 });
        let arrived = waiting.len();
        let report = &mut |detection: Detection| found.push((detection.kind, detection.name.as_deref().map(shown)));
        let turn = if trailers {
            body.finish_before_trailers(waiting.clone(), report)
        } else {
            body.push(waiting.clone(), last, report, &mut advice)
        };
        if let Some(replacement) = turn.replacement {
            assert!(!trailers || paused, "no buffer to write to once trailers have begun");
            assert!(turn.flow != BodyFlow::Pause || replacement.len() >= arrived, "a paused chunk holds all that came");
            assert!(!paused || replacement.len() <= arrived, "a paused chunk never grows");
            waiting = replacement;
        }
        match turn.flow {
            BodyFlow::Pass => out.append(&mut waiting),
            BodyFlow::Pause => assert!(!last),
            BodyFlow::Abort(cut) => return Err((cut, out)),
            BodyFlow::Close(cut) => {
                out.append(&mut waiting);
                return Err((cut, out));
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

fn assert_same(seen: &Passed, expected: &Passed, chunks: &[Vec<u8>], how: &str) {
    let cut: Vec<_> = chunks.iter().map(|chunk| shown(chunk)).collect();
    assert_eq!(shown(&seen.0), shown(&expected.0), "{how} {cut:?}");
    assert_eq!(seen, expected, "{how} {cut:?}");
}

fn is_of_same_shape(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_of_same_shape(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.values().zip(b.values()).all(|(a, b)| is_of_same_shape(a, b))
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
