//! Tests of the paths of fields.

use super::*;
use crate::mask::Style;
use crate::policy::{Direction, Location, Policy, RequestContext};
use crate::stream::{Body, BodyConfig, BodyFormat, HoldBack, Inspector, Sender, Side};
use proptest::prelude::*;
use serde_json::Value;

/// Path at `position` of `text`, which arrives in chunks of that size.
fn path_at(text_format: TextFormat, text: &[u8], position: usize, chunk: usize) -> FieldPath {
    let mut tracker = FieldTracker::new(text_format, None);
    text[..position].chunks(chunk.max(1)).for_each(|chunk| tracker.advance(chunk));
    tracker.path()
}

/// Shown in place of a path: its names, `-` outside of fields, `?` if it is unknown.
fn shown(path: &FieldPath) -> String {
    match path {
        FieldPath::Unknown => "?".to_owned(),
        FieldPath::Outside => "-".to_owned(),
        FieldPath::Names(names) => String::from_utf8_lossy(names).into_owned(),
    }
}

/// Paths at the marks `^` of `text`, which are not part of it, separated by spaces. Each is the same in any chunks.
fn paths(text_format: TextFormat, text: &str) -> String {
    paths_with(|| FieldTracker::new(text_format, None), text)
}

fn paths_with(tracker: impl Fn() -> FieldTracker, text: &str) -> String {
    let text = text.as_bytes();
    let paths = |size: usize| {
        let (mut tracker, mut paths) = (tracker(), Vec::new());
        for part in text.split_inclusive(|byte| *byte == b'^') {
            let (bytes, is_mark) = part.strip_suffix(b"^").map_or((part, false), |bytes| (bytes, true));
            bytes.chunks(size).for_each(|chunk| tracker.advance(chunk));
            if is_mark {
                paths.push(shown(&tracker.path()));
            }
        }
        paths.join(" ")
    };
    let whole = paths(usize::MAX);
    for size in 1..8 {
        assert_eq!(paths(size), whole, "{size}");
    }
    whole
}

#[test]
fn json_has_the_keys_of_its_objects() {
    for (text, expected) in [
        (r#"{"a":"^x","b":{"c":^1,"d":[^1,{"e":"^"},^2]},"f":^2}"#, "a b.c b.d b.d.e b.d f"),
        (r#"[^1,{"a":^1}]"#, "- a"),
        (r#""^a""#, "-"),
        (r#"{"^a":1,"b":{"^c":2}}"#, "- -"),
        (r#"{"a\u002eb\"":"^","\u0063\u00e9":^1,"d":"\\","e":^1}"#, "a.b\" cé e"),
        (r#"{"a":^1} {"b":^2}{"c":^3}"#, "a b c"),
        ("\u{1e}{\"a\":^1}\n\u{1e}{\"b\":^2}\n", "a b"),
        ("\u{feff}{\"a\":^1}", "a"),
        (r#"{"a":tru^e,"b":-^1.5e3,"c":^null}"#, "a b c"),
        (r#"{"a":[[[^1]]],"b":[{"c":^1},{"c":{"d":^1}}]}"#, "a b.c b.c.d"),
        (r#"{"a":^1]"b":"^2"}"#, "a ?"),
        (r#"{'a':^1}"#, "?"),
        (r#"{"a":1,,"b":"^2"}"#, "?"),
        (r#"{"\ud800":^1,"b":^2}"#, "? b"),
        (r#"while(1);{"a":^1}"#, "?"),
        (r#"[NaN,{"a":^NaN,"b":^-Infinity,"c":^-0}]"#, "a b c"),
        (r#"{"a":n^ull,"b":^1}"#, "a b"),
        (r#"{"a":nul,"b":^1}"#, "?"),
        (r#"{"a":nulls,"b":^1}"#, "?"),
        (r#"{"a":Jane,"b":^1}"#, "?"),
        (r#"{"a":0x1f,"b":^1}"#, "?"),
    ] {
        assert_eq!(paths(TextFormat::Json, text), expected, "{text}");
    }
    let deep =
        [&"{\"a\":".repeat(MOST_LEVELS), "{\"b\":{\"c\":[\"^]}\"]},\"b\":^2},\"d\":^1", &"}".repeat(MOST_LEVELS)]
            .concat();
    let known = ["a."; MOST_LEVELS - 1].concat();
    assert_eq!(paths(TextFormat::Json, &deep), format!("? ? {known}d"));
    let long = "k".repeat(LONGEST_NAME + 1);
    let text = format!(r#"{{"{long}":{{"a":^1}},"{}":^2}}"#, &long[1..]);
    assert_eq!(paths(TextFormat::Json, &text), format!("? {}", &long[1..]));
}

#[test]
fn forms_have_the_names_of_their_parameters() {
    for (text, expected) in [
        ("a=^1&b=^2", "a b"),
        ("a^=1&^", "- -"),
        ("card%5Bnumber%5D=^1&card[exp][0]=^2&ids[]=^3", "card.number card.exp ids"),
        ("a+b=^1&%63%C3%A9=^2&=^3", "a b cé -"),
        ("a=b=^1&%=^2&%zz=^3&a%=^4&a%e=^5", "a % %zz a% a%e"),
        // A name is decoded once, and only as forms are.
        ("%2561=^1&%5Cu0061=^2&%EF%BC%91=^3&+a+=^4", "%61 \\u0061 １ a"),
        // Some receivers begin a parameter at a semicolon.
        ("a=^1;b=^2&c;d=^3", "a ? ?"),
        // Some receivers end a name at the first bracket before an equals sign.
        ("a=b]^=^1&a=b%5d=^2&a=]^&b[c]=d=^3", "a ? ? a b.c"),
        // JSON and XML with the content type of a form.
        ("{\"a\":\"^1&b=^2", "? ?"),
        ("\n<a>^1", "?"),
        ("a=^1&[b]=^2", "a ?"),
    ] {
        assert_eq!(paths(TextFormat::Form, text), expected, "{text}");
    }
    let long = "k".repeat(LONGEST_NAME + 1);
    assert_eq!(paths(TextFormat::Form, &format!("{long}=^1&a=^2")), "? a");
}

#[test]
fn xml_has_its_elements_and_attributes() {
    for (text, expected) in [
        ("<a><b>^1</b>^<c x='^1' y=\"^2\">^3</c></a>", "a.b a a.c.x a.c.y a.c"),
        ("<?xml version='1.0'?><!-- a > b --><s:a xmlns:s='u'><s:b>^1</s:b></s:a>", "a.b"),
        ("<a><![CDATA[<b>^1]]</b>]]]>^<b/><c d='1'/>^<e>^</e></a>^", "a a a a.e -"),
        ("<a><!-- ^ <b> --->^</a>", "a a"),
        ("<a b='>'>^1<c\nd = '/e'/>^2</a >", "a a"),
        ("<a b=1>^2", "?"),
        ("<a b>^2", "?"),
        ("<a b='1'c='2'>^3", "a"),
        ("<a b='1''c='2'>^3", "?"),
        ("<a b='<'>^3", "?"),
        ("<a b<c='1'>^3", "?"),
        ("<a>1</a/>^2", "?"),
        ("<!DOCTYPE cXML SYSTEM \"u\"><cXML>^1</cXML>", "cXML"),
        ("<!DOCTYPE a [<!ENTITY b '1'>]><a>^1</a>", "?"),
        ("<a><b>1</a>^2", "?"),
        ("<!doctype html><html><body><br>^1</body>^2", "html.body.br ?"),
        ("\u{feff}\n<a>^1</a>\n<!-- 2 -->^", "a -"),
        ("^1<a>^2", "- ?"),
        ("<a>1</a>2<a>^3", "?"),
    ] {
        assert_eq!(paths(TextFormat::Markup, text), expected, "{text}");
    }
    assert_eq!(paths(TextFormat::Html, "<p>^1<br>^2</p>"), "? ?");
}

#[test]
fn long_paths_are_unknown() {
    let name = "k".repeat(LONGEST_NAME);
    let path = [name.as_str(); 3].join(".");
    let json = |levels: usize| format!("{}^1,\"b\":^2", format!("{{\"{name}\":").repeat(levels));
    assert_eq!(paths(TextFormat::Json, &json(3)), format!("{path} {}b", &path[..2 * LONGEST_NAME + 2]));
    assert_eq!(paths(TextFormat::Json, &json(4)), format!("? {path}.b"));
    let xml = format!("{}^1{}<b>^2</b>", format!("<{name}>").repeat(4), format!("</{name}>").repeat(1));
    assert_eq!(paths(TextFormat::Markup, &xml), format!("? {path}.b"));
}

#[test]
fn csv_has_the_headings_of_its_columns() {
    let text = "id,\"card, number\"\n1,^2\n\"^a,\",^3\n";
    assert_eq!(paths(TextFormat::Csv, text), "card, number id card, number");
    for (text, expected) in [
        ("id,^pan\n", "?"),
        ("\u{feff}id,pan\r\n^1,^2", "id pan"),
        ("id,pan\r^1,^2\r^3", "id pan id"),
        ("pan\n^1\n", "?"),
    ] {
        assert_eq!(paths(TextFormat::Csv, text), expected, "{text}");
    }
}

#[test]
fn multipart_has_the_names_of_its_parts() {
    let boundary = |content_type: &str| Boundary::of_content_type(content_type.as_bytes());
    let tracker =
        || FieldTracker::new(TextFormat::Text, boundary("Multipart/form-data; charset=utf-8; boundary=\"-x\""));
    for (text, expected) in [
        (
            "---x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n^1\r\n--^-y\r\n---x\r\n\
          content-type: text/plain\r\ncontent-disposition:form-data;filename=\"^f\";name=b\r\n\r\n^2\r\n---x--\r\n^",
            "a a - b -",
        ),
        (
            "pre^amble\r\n---x  \r\nContent-Disposition: form-data; name=\"card[number]\"\r\n\r\n{\"a\":^1}",
            "? card.number",
        ),
        // Another boundary than the declared one.
        ("---z\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n^1", "?"),
        // Parts that only some receivers see.
        (
            "---x\nContent-Disposition: form-data; name=\"a\"\n\n^1\n^---x\nContent-Disposition: form-data; name=b\n\n^2",
            "a a ?",
        ),
        ("---x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n^1\r---x\r\n^2", "a ?"),
        ("---x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n^1\r\n---x-y\r\n^2", "a ?"),
        ("---x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n^1\r\n---x--y\r\n^2", "a ?"),
        ("---x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n---x--\t\r\n^\r\n---x", "-"),
        ("---xy\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n^1", "?"),
        ("---x\r\n\r\n^1", "?"),
        ("---x\r\ncontent-type: text/plain\r\n\r\n^1", "?"),
    ] {
        assert_eq!(paths_with(tracker, text), expected, "{text}");
    }
    for (headers, expected) in [
        ("content-disposition : form-data; NAME = a ", "a"),
        ("content-disposition: form-data; filename=\"x; name=b; y\"; name=\"a;c\"", "a;c"),
        ("content-disposition: form-data; name=\"a\"; names=b", "a"),
        ("content-disposition: form-data; name=a; name=b", "?"),
        ("content-disposition: form-data; name=a; name*=utf-8''b", "?"),
        ("content-disposition: form-data; name*=utf-8''b", "?"),
        ("content-disposition: form-data; name=\"a\\\"b\"", "?"),
        ("content-disposition: form-data; name=a\r\ncontent-disposition: form-data; name=b", "?"),
        ("content-disposition: form-data; name=a\r\n\t; name=b", "?"),
        ("content-disposition: form-data", "?"),
        ("content-disposition\r\nname: a", "?"),
        ("content-disposition: form-data; name=a\r\ncontent", "?"),
        ("content-disposition: form-data; name=a\r\n\rcontent: 1", "?"),
    ] {
        assert_eq!(paths_with(tracker, &format!("---x\r\n{headers}\r\n\r\n^1")), expected, "{headers}");
    }
    let long = format!("---x\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n^1", "a".repeat(2000));
    assert_eq!(paths_with(tracker, &long), "?");
    assert!(boundary("multipart/mixed; boundary=a").is_none());
    for unusable in [
        "",
        "; boundary=",
        "; boundary*=utf-8''a",
        "; boundary=a; boundary=b",
        &format!("; boundary={}", "a".repeat(71)),
    ] {
        let tracker = || FieldTracker::new(TextFormat::Text, boundary(&format!("multipart/form-data{unusable}")));
        assert_eq!(paths_with(tracker, "^--a"), "?", "{unusable}");
    }
}

#[test]
fn headers_have_their_name_and_that_of_a_cookie_or_parameter() {
    for (name, value, expected) in [
        ("x-order", "^1^", "x-order"),
        (":path", "/a/^1^?b=2", "-"),
        (":path", "/a?b=2&card[number]=^1^#x", "card.number"),
        ("referer", "https://a.example/?q=^1^", "referer.q"),
        ("location", "/a/^1^", "location"),
        ("cookie", "a=1; b=^2^; c=3", "cookie.b"),
        ("set-cookie", "a=^2^; Path=/", "set-cookie.a"),
        ("set-cookie", "a=2; Path=/^1^", "set-cookie"),
        ("cookie", "^1^", "cookie"),
        ("cookie", "a=^1; b=2^", "?"),
    ] {
        let marks: Vec<usize> = value.match_indices('^').map(|(at, _)| at).collect();
        let path = of_header(name.as_bytes(), value.replace('^', "").as_bytes(), &(marks[0]..marks[1] - 1));
        assert_eq!(shown(&path), expected, "{name}: {value}");
    }
}

#[test]
fn a_span_across_fields_has_no_known_path() {
    let text = br#"{"a":"1","b":"2"}"#;
    for (span, expected) in [(6..7, "a"), (6..14, "?"), (14..15, "b")] {
        let mut tracker = FieldTracker::new(TextFormat::Json, None);
        let mut at = 0;
        let path = tracker.path_at(&span, |tracker, to| {
            tracker.advance(&text[at..to]);
            at = to;
        });
        assert_eq!(shown(&path), expected);
    }
}

/// Values whose leaves are whole numbers.
fn values() -> impl Strategy<Value = Value> {
    let key = "[a-z .\\[\"\\\\é\u{1}💳]{0,4}";
    Just(Value::from(0)).prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Numbers the leaves of `value` from 1000 on, and collects their paths.
fn number_leaves(value: &mut Value, path: &[String], paths: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| number_leaves(item, path, paths)),
        Value::Object(members) => {
            for (key, member) in members {
                number_leaves(member, &[path, std::slice::from_ref(key)].concat(), paths);
            }
        }
        leaf => {
            *leaf = Value::from(1000 + paths.len());
            paths.push(if path.is_empty() { "-".to_owned() } else { path.join(".") });
        }
    }
}

proptest! {
    /// The paths are those of a JSON parser, in any chunks and with any white space.
    #[test]
    fn json_paths_are_those_of_a_parser(mut value in values(), pretty: bool, chunk in 1_usize..40) {
        let mut expected = Vec::new();
        number_leaves(&mut value, &[], &mut expected);
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        for (index, expected) in expected.iter().enumerate() {
            let position = text.find(&(1000 + index).to_string()).unwrap();
            prop_assert_eq!(&shown(&path_at(TextFormat::Json, text.as_bytes(), position, chunk)), expected);
        }
    }

    /// Any bytes have the same paths in any chunks.
    #[test]
    fn paths_do_not_depend_on_chunks(bytes in "[\\[\\]{}<>/!?=&:,;\"'a\\\\ \r\n-]{0,60}", chunk in 1_usize..8) {
        for text_format in [TextFormat::Json, TextFormat::Form, TextFormat::Markup, TextFormat::Csv] {
            let text = bytes.as_bytes();
            let whole = path_at(text_format, text, text.len(), usize::MAX);
            prop_assert!(path_at(text_format, text, text.len(), chunk) == whole);
        }
    }
}

/// `text` with the selected values masked, and the number of findings that are reported.
fn masked(inspector: Inspector, text: &[u8], chunk: usize) -> (Vec<u8>, usize, bool) {
    let mut inspector = inspector;
    let (mut output, mut held_back, mut reported) = (Vec::new(), Vec::new(), 0);
    let mut chunks = text.chunks(chunk.max(1)).peekable();
    while let Some(chunk) = chunks.next() {
        held_back.extend_from_slice(chunk);
        let mut findings = Vec::new();
        let decided = inspector.inspect(&held_back, chunks.peek().is_none(), &mut findings);
        reported += findings.iter().filter(|finding| !finding.is_continued).count();
        for finding in &findings {
            finding.mask(&mut held_back[finding.span.clone()], Style::HIDE);
        }
        output.extend(held_back.drain(..decided));
    }
    (output, reported, inspector.missed_values())
}

/// Inspector with a rule that selects the values of `field`, as it decides about a request.
fn selecting(field: &str, text_format: TextFormat, boundary: Option<Boundary>) -> Inspector {
    let rule =
        format!(r#"{{"name":"a","match":{{"where":["body"],"field":["{field}"],"kind":["value"]}},"action":"mask"}}"#);
    let policy = Policy::parse(format!(r#"{{"rules":[{rule}]}}"#).as_bytes()).unwrap();
    let decisions = policy.judge(Direction::Request, &RequestContext::default());
    let decisions = policy.finding_decisions(&decisions, Location::Body);
    Inspector::new(text_format, Style::HIDE).with_field_paths(boundary, decisions)
}

#[test]
fn values_of_a_field_are_masked_whatever_they_are() {
    let boundary = Boundary::of_content_type(b"multipart/form-data; boundary=x");
    let json = TextFormat::Json;
    for (text_format, text, expected, found) in [
        (json, r#"{"s":"Jo\"é\u0041","t":"Jo"}"#, r#"{"s":"************","t":"Jo"}"#, 1),
        (
            json,
            r#"{"s":[-12.50e+07,0,"",true,null,false,{"s":"a","t":1}]}"#,
            r#"{"s":[-11.11e+00,1,"",true,null,false,{"s":"*","t":1}]}"#,
            3,
        ),
        (json, r#"{"S":"a b"}"#, r#"{"S":"***"}"#, 1),
        (
            json,
            r#"{"s":"4111111111111111","x":"4111111111111111"}"#,
            r#"{"s":"****************","x":"****************"}"#,
            3,
        ),
        (TextFormat::Form, "s=a%41+b&t=c&s=&x[s]=d;e", "s=******&t=c&s=&x[s]=***", 2),
        (
            TextFormat::Markup,
            "<a s='b &amp; c'><s>\n x y <b/>z<![CDATA[1]2]]><!-- a-b --></s><!-- c --></a>",
            "<a s='* ***** *'><s>\n * * <b/>*<![CDATA[*]*]]><!-- *-* --></s><!-- c --></a>",
            5,
        ),
        (TextFormat::Csv, "id,s\n1,\"a, \"\"b\"\"\n c\"\n2,d\r\n", "id,s\n1,\"*,*\"\"*\"\"\n**\"\n2,*\r\n", 2),
        (
            TextFormat::Text,
            "--x\r\nContent-Disposition: form-data; name=\"s\"\r\n\r\na\r\n--b \r\n--x--\r\n",
            "--x\r\nContent-Disposition: form-data; name=\"s\"\r\n\r\n*\r\n--**\r\n--x--\r\n",
            1,
        ),
        (
            TextFormat::Text,
            "\r\n--x\r\nContent-Disposition: form-data; name=\"s\"\r\n\r\n-\n\r--\nx\r\r\n--x--\r\n-",
            "\r\n--x\r\nContent-Disposition: form-data; name=\"s\"\r\n\r\n*\n\r--\n*\r\r\n--x--\r\n-",
            1,
        ),
    ] {
        let boundary = boundary.filter(|_| text_format == TextFormat::Text);
        for chunk in [1, 2, 3, 7, text.len()] {
            let (output, reported, missed) = masked(selecting("s", text_format, boundary), text.as_bytes(), chunk);
            assert_eq!(String::from_utf8_lossy(&output), expected, "{chunk}");
            assert_eq!((reported, missed), (found, false), "{text} {chunk}");
        }
    }
}

#[test]
fn values_whose_field_is_unknown_are_missed() {
    let deep = ["{\"a\":".repeat(70), "1".to_owned(), "}".repeat(70)].concat();
    for (text_format, text, is_missed) in [
        (TextFormat::Json, "{\"t\":1}", false),
        (TextFormat::Json, "{\"t\":1]", false),
        (TextFormat::Json, "{\"t\":1],\"s\":2}", true),
        (TextFormat::Json, deep.as_str(), true),
        (TextFormat::Markup, "<a><b></a>x", true),
        (TextFormat::Json, "{\"s\":Jane}", true),
        (TextFormat::Markup, "text", true),
        (TextFormat::Html, "text<br></s>", false),
        (TextFormat::Text, "s 1", false),
        (TextFormat::Wide, "{\"s\":1}", true),
        (TextFormat::Events, "data: {\"s\":1}\n\n", true),
        (TextFormat::Json, "\u{feff}{\"t\":1}", false),
        (TextFormat::Form, "{\"s\":1}", true),
        (TextFormat::Form, "t=1;s=2", true),
        (TextFormat::Form, "t=1&u", false),
        (TextFormat::Csv, "a,b\n1,2,3\n", true),
        (TextFormat::Csv, "s\n1", true),
        (TextFormat::Csv, "sep=;\ns;t\n", false),
        (
            TextFormat::Text,
            "--x\nContent-Disposition: form-data; name=t\n\n1\n--x\nContent-Disposition: form-data; name=s\n\n2",
            true,
        ),
        (TextFormat::Text, "--y\r\nContent-Disposition: form-data; name=s\r\n\r\n2", true),
    ] {
        let boundary = Boundary::of_content_type(b"multipart/form-data; boundary=x").filter(|_| text.starts_with('-'));
        let (output, reported, missed) = masked(selecting("s", text_format, boundary), text.as_bytes(), usize::MAX);
        assert_eq!((output.as_slice(), reported, missed), (text.as_bytes(), 0, is_missed), "{text}");
    }
}

#[test]
fn missed_values_in_messages_are_recorded() {
    let rule = r#"{"name":"a","match":{"where":["body"],"field":["s"],"kind":["value"]},"action":"mask"}"#;
    let policy = Policy::parse(format!(r#"{{"rules":[{rule}]}}"#).as_bytes()).unwrap();
    let decisions = policy.judge(Direction::Response, &RequestContext::default());
    for (text, expected, is_missed) in
        [(r#"{"s":"ab"}"#, r#"{"s":"**"}"#, false), (r#"{"t":1],"s":2}"#, r#"{"t":1],"s":2}"#, true)]
    {
        let config = || BodyConfig::of(&policy, &decisions).unwrap();
        let frame = |text: &str| [&[0x81, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let format = BodyFormat::text(Sender::EndSignalled, TextFormat::Json);
        for (mut body, bytes, expected) in [
            (Body::of_websocket(Side::Server, config()), frame(text), frame(expected)),
            (Body::upgrading(format, config()), text.as_bytes().to_vec(), expected.as_bytes().to_vec()),
        ] {
            let output = body.push(bytes.clone(), true, &mut |_| {}, &mut |_| HoldBack::InFilter);
            assert!(output.replacement.unwrap_or(bytes) == expected, "{text}");
            assert_eq!(body.passed_uninspected(), is_missed, "{text}");
        }
    }
}

proptest! {
    /// A masked JSON document has the same length and structure, its selected values are masked, and the others stay, in any chunks.
    #[test]
    fn a_masked_document_has_the_same_structure(mut value in values(), words: bool, pretty: bool, chunk in 1_usize..40) {
        let mut paths = Vec::new();
        number_leaves(&mut value, &[], &mut paths);
        if words {
            spell_leaves(&mut value);
        }
        let mut expected = value.clone();
        let field = "a";
        let selected = mask_leaves(&mut expected, field, false);
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        let (output, found, missed) = masked(selecting(field, TextFormat::Json, None), text.as_bytes(), chunk);
        prop_assert_eq!(output.len(), text.len());
        prop_assert_eq!(serde_json::from_slice::<Value>(&output).unwrap(), expected);
        prop_assert_eq!((found, missed), (selected, false));
        let (again, ..) = masked(selecting(field, TextFormat::Json, None), &output, chunk);
        prop_assert_eq!(again, output);
    }
}

/// Writes the leaves as strings.
fn spell_leaves(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(spell_leaves),
        Value::Object(members) => members.values_mut().for_each(spell_leaves),
        leaf => *leaf = Value::from(format!("n{leaf}")),
    }
}

/// Masks the leaves whose last key is `field`, ignoring case, and returns their number. `is_selected` is the result for the outer key.
fn mask_leaves(value: &mut Value, field: &str, is_selected: bool) -> usize {
    match value {
        Value::Array(items) => items.iter_mut().map(|item| mask_leaves(item, field, is_selected)).sum(),
        Value::Object(members) => {
            let last = |key: &str| key.rsplit('.').next().unwrap_or_default().eq_ignore_ascii_case(field);
            members.iter_mut().map(|(key, member)| mask_leaves(member, field, last(key))).sum()
        }
        leaf if is_selected => {
            *leaf = if leaf.is_string() { Value::from("*".repeat(5)) } else { Value::from(1111) };
            1
        }
        _ => 0,
    }
}
