//! `panveil explain`: the reason for each decision, which must agree with the filter.

use crate::command::{failure, file, printed, run};
use serde_json::{Value, json};

fn explained(text: &str) -> String {
    printed(&["explain"], text.as_bytes())
}

#[test]
fn a_card_is_explained_step_by_step() {
    let expected = "\
4111 11** **** 1111
  digits       16 as 4-4-4-4 with spaces, as printed on cards
  issuer       visa, by range and length
  context      neutral
  field name   none that indicates a card
  Luhn         passes
  score        3 (range +2, layout +1); threshold 2 (balanced)
  verdict      card number: visa, 16 digits
";
    assert_eq!(printed(&["explain", "4111", "1111", "1111", "1111"], b""), expected);
    assert_eq!(printed(&["explain", "4111 1111 1111 1111"], b""), expected);
    assert_eq!(explained("4111 1111 1111 1111\n"), expected);
    assert_eq!(printed(&["explain", "-"], b"4111 1111 1111 1111\n"), expected);
    assert!(printed(&["explain", "-4111111111111111"], b"").starts_with("411111******1111   at byte 1\n"));
    let whole = printed(&["explain", "4111", "1111", "1111", "1111", "--show"], b"");
    assert_eq!(whole, expected.replace("4111 11** **** 1111", "4111 1111 1111 1111"));
}

#[test]
fn evidence_against_a_card_number_is_explained() {
    for (text, line) in [
        ("4111111111111112", "  Luhn         fails: check digit 2, expected 1\n"),
        ("4111111111111112", "  verdict      not a card number: fails Luhn\n"),
        ("4111111111111", "  issuer       visa, in a range or length that needs further evidence\n"),
        ("41111111111111", "  issuer       visa range, but numbers in it have 13 or 16 or 19 digits\n"),
        ("id: 4222222222222", "  field name   one that indicates an identifier\n"),
        ("imei 4716461583322103", "  score        -2 (range +2, field name -4); threshold 2 (balanced)\n"),
        ("imei 4716461583322103", "  verdict      not a card number: score below the threshold\n"),
        ("card: 4222222222222", "  score        3 (field name +3); threshold 2 (balanced)\n"),
        ("7748503543012", "  issuer       unknown range\n"),
        ("1748503543012", "  issuer       uatp range, but numbers in it have 15 digits\n"),
        ("1748503543012", "  verdict      not a card number: no issuer has this range and length\n"),
        ("4444444444444444", "  verdict      not a card number: all digits are equal\n"),
        ("x4111111111111111", "  context      adjacent to a letter\n"),
        ("0.4111111111111111", "  verdict      not a card number: part of a decimal number\n"),
        ("4111-1111-1111-1111-1", "  verdict      not a card number: part of a longer number with the same layout\n"),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "  digits       16, one by one with spaces\n"),
        ("4111 1111-1111 1111", "  digits       16 in groups with spaces and dashes\n"),
        ("at 3782.822463.10005", "  digits       15 as 4-6-5 with dots, as printed on cards\n"),
        ("4111/1111/1111/1111", "  digits       16 as 4-4-4-4 with other separators, as printed on cards\n"),
        ("card: 4.111111111111111e15", "  digits       16 in a float with an exponent\n"),
        ("<a>4111<!-- -->1111<![CDATA[11111111]]></a>", "  digits       16 in a row; escaped\n"),
        ("5A084111111111111111", "  digits       16 in EMV tag 5A\n"),
    ] {
        let explanation = explained(text);
        assert!(explanation.contains(line), "{text}: {explanation}");
    }
    assert!(explained("at 378282246310005").starts_with("378282*****0005   at byte 3\n"));
}

#[test]
fn numbers_without_a_candidate_have_a_reason() {
    for (text, reason) in [
        ("4111~1111~1111~1111", "'~' is not a separator of card numbers"),
        ("4111 1111.1111 1111", "groups with different separators"),
        ("4111   1111   1111   1111", "'   ' is not a separator of card numbers"),
        ("411 11111 1111 11 1 1 1", "no printed layout has this grouping"),
        ("411111111111111111111111", "24 digits in a row; a card number has at most 19"),
        ("41111 11111 11111 11111", "20 digits in total; a card number has at most 19"),
        ("**** **** **** 4111 1111 1111 1111", "rest of a masked number"),
    ] {
        let explanation = explained(text);
        assert!(
            explanation.ends_with(&format!("  verdict      not a card number: {reason}\n")),
            "{text}: {explanation}"
        );
        assert!(!explanation.contains("1111"), "{explanation}");
    }
    let row = explained("411111111111111111111111");
    assert!(row.contains("  digits       24 in a row\n"), "{row}");
    assert_eq!(
        explained("order 12345 of 2026"),
        "not a card number: at most 5 digits in a number; a card number has at least 12\n"
    );
    assert_eq!(explained("nothing"), "not a card number: no digits\n");
    assert_eq!(explained(""), "not a card number: no digits\n");
}

#[test]
fn every_number_of_a_text_has_a_paragraph() {
    let explanation = explained("411111111111111111111111 4111 1111 1111 1111 1748503543012");
    let verdicts: Vec<&str> = explanation.lines().filter_map(|line| line.strip_prefix("  verdict      ")).collect();
    let expected =
        ["not a card number: 24 digits in a row; a card number has at most 19", "card number: visa, 16 digits"];
    assert_eq!(verdicts[..2], expected, "{explanation}");
    assert_eq!(verdicts.last(), Some(&"not a card number: no issuer has this range and length"));
}

#[test]
fn explain_agrees_with_scan() {
    for text in [
        "2026 4111 1111 1111 1111",
        "4111 1111 1111 1111 12/26",
        "4111 1111 1111 1111 2222 3333",
        "4111111111111111 1234 5555-5555-5555-4444",
        "4111111111111111,378282246310005;30569309025904",
        "4242 4242 4242 4242 4242 4242 4242 4242",
        "3056930902590400 3056930902 5904 30569309025904",
        "DE89 4111 1111 1111 1111",
        "6205500000000000004 6200000000000005",
        "**** 4111 1111 1111 1111 **4111 1111 1111 1111**",
        "4111111111111111.00 4111111111111111.25",
        "pan=%34111111111111111&b=\\u0034111111111111111",
    ] {
        let cards = run(&["scan"], text.as_bytes());
        let cards = String::from_utf8(cards.stdout).unwrap().lines().count();
        let explanation = explained(text);
        assert_eq!(explanation.matches("verdict      card number: ").count(), cards, "{text}: {explanation}");
        assert!(!explanation.contains("111111111") && !explanation.contains("4242 4242 4242"), "{explanation}");
    }
}

#[test]
fn escapes_are_decoded() {
    let explanation = explained("pan=%34111+1111+1111%201111&x=1");
    assert!(explanation.starts_with("4111 11** **** 1111   at byte 4\n"), "{explanation}");
    assert!(explanation.contains("as printed on cards; escaped\n"), "{explanation}");
    assert!(explanation.ends_with("card number: visa, 16 digits\n"), "{explanation}");
}

#[test]
fn long_texts_are_rejected() {
    let text = "x".repeat((64 << 10) + 1);
    let line = "standard input: larger than 65536 bytes; use panveil scan for long texts";
    assert_eq!(failure(&["explain"], text.as_bytes()), line);
}

const POLICY: &str = "request: block
detect: {sensitivity: precise, ignore_keys: [order], card_keys: [kto]}
rules: [{name: charges, match: {direction: request, path: {prefix: /v1/charges}}, action: allow}]
";

#[test]
fn a_policy_decides_about_card_numbers() {
    let policy = file("explain.yaml", POLICY);
    let explained = |options: &[&str], text: &str| {
        let arguments = [&["explain", "--policy", &policy], options].concat();
        printed(&arguments, text.as_bytes())
    };
    for (options, action) in [
        (&[][..], "masked: response is mask"),
        // The path is unknown, and the strictest possible action applies.
        (&["--direction", "request"], "blocked: request is block"),
        (&["--direction", "request", "--path", "/v1/charges/7"], "allowed: charges is allow"),
        (&["--direction", "request", "--path", "/v1/notes"], "blocked: request is block"),
    ] {
        let text = explained(options, "card: 4111 1111 1111 1111");
        assert!(
            text.ends_with(&format!("  verdict      card number: visa, 16 digits\n  action       {action}\n")),
            "{text}"
        );
    }
    for (text, line) in [
        ("card: 4111 1111 1111 1111", "; threshold 4 (precise)\n"),
        ("order: 4111 1111 1111 1111", "  verdict      not a card number: the field is ignored\n"),
        ("kto: 4222222222222", "  verdict      card number: visa, 13 digits\n"),
    ] {
        let text = explained(&[], text);
        assert!(text.contains(line), "{text}");
    }
    assert!(!explained(&[], "order: 4111 1111 1111 1111").contains("action"));
    let skip = file("explain-skip.yaml", "response: skip\n");
    let text = printed(&["explain", "--policy", &skip], b"4111 1111 1111 1111");
    assert!(text.ends_with("  action       uninspected: response is skip\n"), "{text}");
    assert_eq!(failure(&["explain", "--policy", "-"], b"4111"), "--policy: standard input is the text; give a file");
    let invalid = file("explain-invalid.yaml", "mode: x\n");
    assert!(failure(&["explain", "--policy", &invalid], b"4111").contains(":1:7: mode: unknown value"));
}

#[test]
fn explanations_in_json_have_a_line_for_each_number() {
    let policy = file("explain-json.yaml", POLICY);
    let text = "card 4111 1111 1111 1111, not 4111 1111 1111 1112";
    let printed = printed(&["explain", "--format", "json", "--policy", &policy], text.as_bytes());
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{printed}");
    for (field, value) in [
        ("at", json!(5)),
        ("number", json!("4111 11** **** 1111")),
        ("digits", json!("16 as 4-4-4-4 with spaces, as printed on cards")),
        ("luhn", json!("passes")),
        ("verdict", json!("card number: visa, 16 digits")),
        ("action", json!("masked")),
        ("rule", json!("response")),
    ] {
        assert_eq!(lines[0][field], value, "{printed}");
    }
    assert_eq!(lines[1]["verdict"], "not a card number: fails Luhn");
    assert!(lines[1].get("action").is_none() && lines[1].get("field_name").is_some(), "{printed}");
    let short = run(&["explain", "--format", "json", "12"], b"");
    assert_eq!(
        String::from_utf8_lossy(&short.stdout),
        "{\"verdict\":\"not a card number: at most 2 digits in a number; a card number has at least 12\"}\n"
    );
}
