//! Do the laws of a stream hold? One property test for each, under the law's name.
//!
//! Texts are put together from fragments that are likely to meet at awkward places. A failing case is printed in its
//! smallest form, with the seed, and kept in `proptest-regressions/`.

use super::{Body, Cut, Document, Finding, Flow, Inspector, MAX_UNDECIDED, Plan, Sender, Treatment, What, oracle};
use crate::mask::{Keep, MaskCharacter, Style};
use crate::scan::{Decoded, Escapes};
use crate::verdict::{Brand, Criteria};
use proptest::prelude::*;
use std::sync::Arc;

const STYLES: [Keep; 4] = [Keep::None, Keep::Last4, Keep::First6Last4, Keep::First8Last4];

fn style(keep: Keep) -> Style {
    Style { keep, character: MaskCharacter::ASTERISK }
}

fn plan(treatment: Treatment, style: Style, pause_limit: usize) -> Plan {
    Plan { treatment, criteria: Arc::default(), style, pause_limit, pause_until: usize::MAX, refuse_unread: false }
}

/// A piece of text with something to find, or something that must not be found, or a bit of either.
fn fragment() -> impl Strategy<Value = String> {
    let cards = prop::sample::select(vec![
        "4111111111111111",
        "4111 1111 1111 1111",
        "5555-5555-5555-4444",
        "3782 822463 10005",
        "378282246310005",
        "30569309025904",
        "6011.1111.1111.1117",
        "6205500000000000004",
        "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
        "6 2 0 5 5 0 0 0 0 0 0 0 0 0 0 0 0 0 4",
        "6 2 0 5 5 0 0 0 0 0 0 0 0 0 0 0 0 0 4 1",
        "3056 930902 5904",
        "4000056655665556",
    ]);
    let remains =
        prop::sample::select(vec!["411111******1111", "4111 11** **** 1111", "**", "***", "****", "*", "* * * *"]);
    let others = prop::sample::select(vec![
        "1748503543012",
        "47223179-9330-4259-8123-123456789012",
        "41111111111111111111",
        "0.4111111111111111",
        "DE89 3704 0044 0532 0130 00",
        ".00",
        ".000000",
        ".25",
    ]);
    let spelled = prop::sample::select(vec![
        "%34111111111111111",
        "4111%201111%201111%201111",
        "4111%2520111125201111%C2%A01111",
        "\\u0034111 1111 1111 1111",
        "\\n4111111111111111",
        "&#52;111111111111111",
        "4111&nbsp;1111&nbsp;1111&nbsp;1111",
        "４１１１１１１１１１１１１１１１",
        "٤١١١١١١١١١١١١١١١",
        "4111\u{a0}1111\u{a0}1111\u{a0}1111",
        "4\u{200b}111111111111111",
        "%25%34",
        "%B4111111111111111^",
        "%",
        "%3",
        "\\",
        "\\u00",
        "&",
        "&#5",
        "&amp;",
        "é",
        "1\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}1",
    ]);
    let names = prop::sample::select(vec![
        "\"card\":\"",
        "\"order_id\":",
        "imei ",
        "card no ",
        "cvv",
        " 12/26",
        "test_",
        "x_",
        "pub-",
        "=2512101",
        "^DOE",
        ";",
        "%B",
        "unionpay: ",
        "\"name\":\"card_number\",\"value\":\"",
        "\"ids\":[",
        "1036222064194035, ",
        ", 2517890091822525",
        "4222222222222",
        "6799990100000000019",
        "50339619890917",
        "6212345678901232",
        "4111 11111 1111111",
        "\"cvv\":\"123\",",
        "cvc=4567&",
        "\"pin\":1234,",
        "pin_block: 0412AC89ABCDEF67 ",
        "cvv: ",
        "123",
        "\"card\":{\"number\":",
        "<b>",
        "card number: ",
        "exp_month=12&",
        "4.111111111111111e15",
        "5A08",
        "5A 08 41 11 11 11 11 11 11 11",
        "5A0A6799990100000000019F",
        "5711",
        "D2512201000000000F",
        "57114111111111111111D25122010000000000",
    ]);
    let glue = prop::sample::select(vec![
        "", " ", "-", ".", "  ", "\n", ",", ":", "\"", "{", "[", "}", "]", "a", "e", "\u{5361}", "\0", "{\"a\":",
    ]);
    let groups =
        prop::sample::select(vec!["4111 1111 1111 1111", "4242424242424242", "1111", "22222", "****", "0", "000"]);
    let joints = prop::sample::select(vec![" ", " ", "-", ".", "  ", "--", " - ", "/", "_", "| ", "*"]);
    let chains = (prop::collection::vec(groups, 2..8), joints)
        .prop_map(|(groups, joint)| groups.join(joint).replace(' ', joint));
    prop_oneof![
        2 => chains,
        3 => spelled.prop_map(str::to_owned),
        3 => names.prop_map(str::to_owned),
        3 => cards.prop_map(str::to_owned),
        1 => remains.prop_map(str::to_owned),
        1 => others.prop_map(str::to_owned),
        4 => glue.prop_map(str::to_owned),
        2 => "[0-9]{1,6}",
        1 => "[0-9]{12,21}",
        1 => "[ .*0-9-]{0,12}",
        1 => "[ ./_|4-]{0,12}",
        1 => "[0-9A-F]{0,12}",
        1 => "[a-z ]{0,20}",
    ]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(fragment(), 0..14).prop_map(|fragments| fragments.concat().into_bytes())
}

fn cuts(text: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| text[pair[0]..pair[1]].to_vec()).collect()
}

/// How a body comes to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    WithLastChunk,
    AfterLastChunk,
    Trailers,
}

/// What was forwarded and what was found.
type Passed = (Vec<u8>, Vec<What>);

/// A host that forwards, keeps a paused chunk and gives it back, and gives no access to the body after the last chunk
/// unless that waits. Returns what was forwarded and found, or why the body was cut.
fn pass(body: &mut Body, chunks: &[Vec<u8>], end: End) -> Result<Passed, (Cut, Vec<u8>)> {
    let (mut out, mut waiting, mut found) = (Vec::new(), Vec::new(), Vec::new());
    let mut turns: Vec<(Vec<u8>, bool, bool)> = chunks.iter().map(|chunk| (chunk.clone(), false, false)).collect();
    match end {
        End::WithLastChunk => turns.last_mut().expect("a chunk").1 = true,
        End::AfterLastChunk => turns.push((Vec::new(), true, false)),
        End::Trailers => turns.push((Vec::new(), true, true)),
    }
    for (chunk, last, trailers) in turns {
        let paused = !waiting.is_empty();
        waiting.extend_from_slice(&chunk);
        assert_eq!(body.paused_len(), if paused { waiting.len() - chunk.len() } else { 0 });
        let arrived = waiting.len();
        let report = |pan| found.push(pan);
        let turn = if trailers {
            body.finish_before_trailers(waiting.clone(), report)
        } else {
            body.push(waiting.clone(), last, report)
        };
        if let Some(replacement) = turn.replacement {
            assert!(!trailers || paused, "no buffer to write to once trailers have begun");
            assert!(turn.flow == Flow::Pass || replacement.len() == arrived, "a paused chunk keeps its length");
            assert!(!paused || replacement.len() <= arrived, "a paused chunk never grows");
            waiting = replacement;
        }
        match turn.flow {
            Flow::Pass => out.append(&mut waiting),
            Flow::Pause => assert!(!last),
            Flow::Cut(cut) => return Err((cut, out)),
        }
    }
    Ok((out, found))
}

fn whole(text: &[u8], document: Document, style: Style) -> (Vec<u8>, Vec<What>) {
    let mut body = Body::new(Sender::Announced, document, plan(Treatment::Mask, style, 0));
    pass(&mut body, &[text.to_vec()], End::WithLastChunk).expect("nothing cuts it")
}

fn find(text: &[u8]) -> Vec<Finding> {
    find_by(text, Criteria::default())
}

fn find_by(text: &[u8], criteria: Criteria) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut inspector = Inspector::new(Document::Unknown, style(Keep::None)).under(Arc::new(criteria));
    let decided = inspector.inspect(text, true, &mut findings);
    assert_eq!(decided, text.len());
    findings
}

/// The cards alone, without what a track has behind them, as the oracle tells of them.
fn cards(text: &[u8]) -> Vec<(std::ops::Range<usize>, Brand)> {
    let findings = find_by(text, Criteria { authentication_data: None, ..Criteria::default() });
    findings.into_iter().map(|finding| (finding.span, finding.what.brand().expect("a card"))).collect()
}

fn every_sender(text: &[u8]) -> [(Sender, End); 6] {
    let length = Sender::Length(text.len() as u64);
    [
        (length, End::WithLastChunk),
        (length, End::AfterLastChunk),
        (length, End::Trailers),
        (Sender::Announced, End::AfterLastChunk),
        (Sender::Open, End::WithLastChunk),
        (Sender::Open, End::Trailers),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn identity(text in text()) {
        let (out, found) = whole(&text, Document::Unknown, style(Keep::Last4));
        prop_assert!(!found.is_empty() || out == text);
    }

    #[test]
    fn cut_invariance(text in text(), at in prop::collection::vec(any::<prop::sample::Index>(), 0..8), keep in 0..4_usize) {
        let style = style(STYLES[keep]);
        let expected = whole(&text, Document::Unknown, style);
        let chunks = cuts(&text, &at);
        for (sender, end) in every_sender(&text) {
            let mut body = Body::new(sender, Document::Unknown, plan(Treatment::Mask, style, 1 << 16));
            let seen = pass(&mut body, &chunks, end).expect("nothing cuts it");
            prop_assert_eq!(&seen, &expected, "{:?} {:?} {:?}", sender, end, chunks.iter().map(|chunk| String::from_utf8_lossy(chunk)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn cut_invariance_of_tables(rows in prop::collection::vec(text(), 1..4), at in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let rows: Vec<String> = rows.iter().map(|row| String::from_utf8_lossy(row).replace('\n', ",")).collect();
        let text = format!("id,card,imei,4111111111111111,x\n{}", rows.join("\n")).into_bytes();
        let style = style(Keep::Last4);
        let mut body = Body::new(Sender::Announced, Document::Csv, plan(Treatment::Mask, style, 0));
        let seen = pass(&mut body, &cuts(&text, &at), End::AfterLastChunk).expect("nothing cuts it");
        prop_assert_eq!(seen, whole(&text, Document::Csv, style));
    }

    #[test]
    fn bounded_wait(text in text(), step in 1..40_usize) {
        let mut body = Body::new(Sender::Announced, Document::Unknown, plan(Treatment::Mask, style(Keep::None), 0));
        let (mut taken, mut given) = (0, 0);
        for chunk in text.chunks(step) {
            let turn = body.push(chunk.to_vec(), false, |_| {});
            taken += chunk.len();
            given += turn.replacement.map_or(chunk.len(), |bytes| bytes.len());
            prop_assert!(taken - given <= MAX_UNDECIDED);
        }
    }

    #[test]
    fn same_length(text in text(), keep in 0..4_usize) {
        let (out, _) = whole(&text, Document::Json, style(STYLES[keep]));
        prop_assert_eq!(out.len(), text.len());
        let said = |bytes: &[u8]| Decoded::new(bytes, 0, true, Escapes::TEXT, b'*').text().to_vec();
        let (before, after) = (said(&text), said(&out));
        prop_assert_eq!(before.len(), after.len(), "{:?} {:?}", String::from_utf8_lossy(&text), String::from_utf8_lossy(&out));
        prop_assert!(before.iter().zip(&after).all(|(a, b)| a.is_ascii_digit() || a == b));
    }

    #[test]
    fn idempotence(text in text(), keep in 0..4_usize, json in any::<bool>()) {
        let document = if json { Document::Json } else { Document::Text };
        let (once, _) = whole(&text, document, style(STYLES[keep]));
        let (twice, found) = whole(&once, document, style(STYLES[keep]));
        prop_assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&once));
        prop_assert!(found.is_empty(), "{:?} {:?}", String::from_utf8_lossy(&text), String::from_utf8_lossy(&once));
    }

    #[test]
    fn drain(text in text(), at in prop::collection::vec(any::<prop::sample::Index>(), 0..5), limit in 0..80_usize) {
        let chunks = cuts(&text, &at);
        for (sender, end) in every_sender(&text) {
            let mut body = Body::new(sender, Document::Text, plan(Treatment::Mask, style(Keep::None), limit));
            match pass(&mut body, &chunks, end) {
                Ok((out, _)) => prop_assert_eq!(out.len(), text.len()),
                Err((cut, _)) => prop_assert!(cut == Cut::TrailersOverTail && sender == Sender::Open && end == End::Trailers),
            }
        }
    }

    #[test]
    fn a_blocked_body_never_gives_the_card_away(text in text(), at in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let first = find(&text).first().map(|finding| finding.span.clone());
        for (sender, end) in every_sender(&text) {
            let mut body = Body::new(sender, Document::Unknown, plan(Treatment::Block, style(Keep::None), 1 << 16));
            match (pass(&mut body, &cuts(&text, &at), end), &first) {
                (Ok((out, _)), None) => prop_assert_eq!(&out, &text),
                (Err((Cut::Card, out)), Some(span)) => prop_assert!(out.len() <= span.start && text.starts_with(&out)),
                (outcome, first) => prop_assert!(false, "{:?} {:?}", outcome.is_ok(), first),
            }
        }
    }

    #[test]
    fn observing_changes_and_holds_nothing(text in text(), at in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let chunks = cuts(&text, &at);
        let (_, expected) = whole(&text, Document::Unknown, style(Keep::None));
        for (sender, end) in every_sender(&text) {
            let mut body = Body::new(sender, Document::Unknown, plan(Treatment::Observe, style(Keep::None), 1 << 16));
            let (out, found) = pass(&mut body, &chunks, end).expect("nothing cuts it");
            prop_assert_eq!(&out, &text);
            prop_assert_eq!(&found, &expected);
        }
    }

    #[test]
    fn oracle(text in text()) {
        prop_assert_eq!(cards(&text), oracle::find(&text, b'*'));
    }

    #[test]
    fn oracle_agrees_on_noise(text in "[0-9 .*/ADe5-]{0,300}") {
        prop_assert_eq!(cards(text.as_bytes()), oracle::find(text.as_bytes(), b'*'));
    }

    #[test]
    fn well_formed(document in json(4), pretty in any::<bool>(), keep in 0..4_usize) {
        let text = if pretty { serde_json::to_vec_pretty(&document) } else { serde_json::to_vec(&document) }.unwrap();
        let (out, found) = whole(&text, Document::of_content_type(Some(b"application/json")), style(STYLES[keep]));
        let masked: serde_json::Value = serde_json::from_slice(&out).expect("JSON as before");
        prop_assert!(same_shape(&document, &masked));
        prop_assert!(!found.is_empty() || masked == document);
    }
}

/// Every cut of short texts, into two and into single bytes.
#[test]
fn every_cut() {
    for text in [
        "{\"pan\":\"4111 1111 1111 1111\",\"n\":4111111111111111,\"t\":1748503543012}",
        "a 4111111111111111.00 b 0.4111111111111111",
        "5500 00** **** 4111 1111 1111 1111",
        "2026 4111 1111 1111 1111 12/26",
        "[-4111111111111111, 5555-5555-5555-4444]",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    ] {
        let text = text.as_bytes();
        let expected = whole(text, Document::Unknown, style(Keep::First6Last4));
        let halves = (0..=text.len()).map(|cut| vec![text[..cut].to_vec(), text[cut..].to_vec()]);
        let bytes = std::iter::once(text.iter().map(|byte| vec![*byte]).collect());
        for chunks in halves.chain(bytes) {
            for (sender, end) in every_sender(text) {
                let mut body =
                    Body::new(sender, Document::Unknown, plan(Treatment::Mask, style(Keep::First6Last4), 1 << 16));
                assert_eq!(pass(&mut body, &chunks, end), Ok(expected.clone()), "{sender:?} {end:?} {chunks:?}");
            }
        }
    }
}

fn json(depth: u32) -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let string = prop::collection::vec(fragment(), 0..4).prop_map(|fragments| Value::from(fragments.concat()));
    let number = prop_oneof![
        any::<i32>().prop_map(Value::from),
        Just(Value::from(4_111_111_111_111_111_u64)),
        Just(Value::from(-378_282_246_310_005_i64)),
        Just(Value::from(30_569_309_025_904_u64)),
        Just(Value::from(4_111_111_111_111_111.0_f64)),
    ];
    let leaf = prop_oneof![string, number, Just(Value::Null), any::<bool>().prop_map(Value::from)];
    leaf.prop_recursive(depth, 24, 5, move |inner| {
        let key = "[a-z]{1,8}|4111111111111111";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn same_shape(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.values().zip(b.values()).all(|(a, b)| same_shape(a, b))
        }
        (Value::String(a), Value::String(b)) => a.len() == b.len(),
        (Value::Number(a), Value::Number(b)) => {
            a.is_f64() == b.is_f64() && (a.as_f64() < Some(0.0)) == (b.as_f64() < Some(0.0))
        }
        (a, b) => a == b,
    }
}
