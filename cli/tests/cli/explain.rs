//! `panveil explain`: the reason for each decision, which must agree with the filter.

use crate::command::{printed, refused, run};

fn explained(text: &str) -> String {
    printed(&["explain"], text.as_bytes())
}

#[test]
fn a_card_is_explained_step_by_step() {
    let expected = "\
4111 11** **** 1111
  digits       16 as 4-4-4-4 with spaces, as printed on cards
  issuer       visa has numbers like this
  beside it    nothing that speaks against a card
  named        by nothing that tells
  check digit  right
  score        5 (range +2, layout +1, known number +2); from 2 on it is a card (balanced)
  verdict      a card: visa, 16 digits
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
fn what_speaks_against_a_card_is_said() {
    for (text, line) in [
        ("4111111111111112", "  check digit  wrong: it is 2, and should be 1\n"),
        ("4111111111111112", "  verdict      no card: its check digit is wrong\n"),
        ("4111111111111", "  issuer       visa may have numbers like this; so have others, so its name must tell\n"),
        ("41111111111111", "  issuer       visa numbers begin like this, but have 13 or 16 or 19 digits\n"),
        ("id: 4222222222222", "  named        as an identifier\n"),
        ("imei 4716461583322103", "  score        -2 (range +2, name -4); from 2 on it is a card (balanced)\n"),
        ("imei 4716461583322103", "  verdict      no card: too little speaks for one\n"),
        ("card: 4222222222222", "  score        5 (name +3, known number +2); from 2 on it is a card (balanced)\n"),
        ("7748503543012", "  issuer       none has numbers that begin like this\n"),
        ("1748503543012", "  issuer       uatp numbers begin like this, but have 15 digits\n"),
        ("1748503543012", "  verdict      no card: no issuer has such numbers\n"),
        ("4444444444444444", "  verdict      no card: all its digits are the same\n"),
        ("x4111111111111111", "  beside it    a letter touches it\n"),
        ("0.4111111111111111", "  verdict      no card: it is one side of a decimal number\n"),
        (
            "4111-1111-1111-1111-1",
            "  verdict      no card: it goes on in the same layout, as part of something longer\n",
        ),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "  digits       16, each on its own between spaces\n"),
        ("at 3782.822463.10005", "  digits       15 as 4-6-5 with dots, as printed on cards\n"),
        ("4111/1111/1111/1111", "  digits       16 as 4-4-4-4 with other signs, as printed on cards\n"),
        ("card: 4.111111111111111e15", "  digits       16 of a float with an exponent\n"),
        ("<a>4111<!-- -->1111<![CDATA[11111111]]></a>", "  digits       16 in a row; written with escapes\n"),
        ("5A084111111111111111", "  digits       16 in a chip card's data object of tag 5A\n"),
    ] {
        let explanation = explained(text);
        assert!(explanation.contains(line), "{text}: {explanation}");
    }
    assert!(explained("at 378282246310005").starts_with("378282*****0005   at byte 3\n"));
}

#[test]
fn where_no_candidate_is_the_reason_is_said() {
    for (text, reason) in [
        ("4111~1111~1111~1111", "groups of a number are not joined by '~'"),
        ("4111 1111-1111 1111", "groups are joined by different signs"),
        ("4111   1111   1111   1111", "groups of a number are not joined by '   '"),
        ("411 11111 1111 11 1 1 1", "cards are not printed in such groups"),
        ("411111111111111111111111", "24 digits in a row; a card has at most 19"),
        ("41111 11111 11111 11111", "20 digits in all; a card has at most 19"),
        ("**** **** **** 4111 1111 1111 1111", "it is what a mask left of a number"),
    ] {
        let explanation = explained(text);
        assert!(explanation.ends_with(&format!("  verdict      no card: {reason}\n")), "{text}: {explanation}");
        assert!(!explanation.contains("1111"), "{explanation}");
    }
    let row = explained("411111111111111111111111");
    assert!(row.contains("  digits       24 in a row\n"), "{row}");
    assert_eq!(explained("order 12345 of 2026"), "no card: at most 5 digits belong together; a card has at least 12\n");
    assert_eq!(explained("nothing"), "no card: there are no digits\n");
    assert_eq!(explained(""), "no card: there are no digits\n");
}

#[test]
fn every_number_of_a_text_has_its_paragraph() {
    let explanation = explained("411111111111111111111111 4111 1111 1111 1111 1748503543012");
    let verdicts: Vec<&str> = explanation.lines().filter_map(|line| line.strip_prefix("  verdict      ")).collect();
    let expected = ["no card: 24 digits in a row; a card has at most 19", "a card: visa, 16 digits"];
    assert_eq!(verdicts[..2], expected, "{explanation}");
    assert_eq!(verdicts.last(), Some(&"no card: no issuer has such numbers"));
}

#[test]
fn it_agrees_with_scan() {
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
        assert_eq!(explanation.matches("verdict      a card: ").count(), cards, "{text}: {explanation}");
        assert!(!explanation.contains("111111111") && !explanation.contains("4242 4242 4242"), "{explanation}");
    }
}

#[test]
fn escapes_are_read() {
    let explanation = explained("pan=%34111+1111+1111%201111&x=1");
    assert!(explanation.starts_with("4111 11** **** 1111   at byte 4\n"), "{explanation}");
    assert!(explanation.contains("as printed on cards; written with escapes\n"), "{explanation}");
    assert!(explanation.ends_with("a card: visa, 16 digits\n"), "{explanation}");
}

#[test]
fn long_texts_are_for_scan() {
    let text = "x".repeat((64 << 10) + 1);
    let line = "more than 65536 bytes to explain; panveil scan is for long texts";
    assert_eq!(refused(&["explain"], text.as_bytes()), line);
}
