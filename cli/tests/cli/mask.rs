//! `panveil mask`: the text masked as the policy says.

use crate::command::{drain, failure, file, panveil, printed, run, stderr_line};
use std::io::{Read, Write};

#[test]
fn mask_masks() {
    assert_eq!(printed(&["mask"], b""), "");
    assert_eq!(printed(&["mask"], b"card 4111 1111 1111 1111\n"), "card 4111 11** **** 1111\n");
    assert_eq!(printed(&["mask"], b"ends in 4111111111111111"), "ends in 411111******1111");
    assert_eq!(printed(&["mask"], b"{\"pan\": 4111111111111111}"), "{\"pan\": 4111110000001111}");
    assert_eq!(printed(&["mask", "--content-type", "text/csv"], b"[id, 4111111111111111]"), "[id, 411111******1111]");
}

#[test]
fn mask_follows_the_policy() {
    let card = "card 4111111111111111\n";
    let policy = file("style.json", r#"{"mask":{"keep":"none","character":"x"},"request":"allow"}"#);
    let output = run(&["mask", "--policy", &policy], card.as_bytes());
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"card xxxxxxxxxxxxxxxx\n".as_slice()));
    assert_eq!(stderr_line(&output), "1 card number masked: response is mask");

    let passes = |name: &str, policy: &str, note: &str| {
        let output = run(&["mask", "--policy", &file(name, policy), "--direction", "request"], card.as_bytes());
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8_lossy(&output.stdout), card);
        assert_eq!(stderr_line(&output), note);
    };
    passes("allow.json", r#"{"request":"allow"}"#, "1 card number passed: request is allow");
    passes("monitor.json", r#"{"mode":"monitor"}"#, "1 card number passed: mode is monitor");
    passes("skip.json", r#"{"request":"skip"}"#, "not inspected: request is skip");

    let block = file("block.json", r#"{"response":"block"}"#);
    assert_eq!(
        failure(&["mask", "--policy", &block], card.as_bytes()),
        "blocked: card number found, and response is block"
    );
    assert_eq!(printed(&["mask", "--policy", &block], b"no card\n"), "no card\n");

    // A gRPC message with the compressed flag set, in a stream without a compression algorithm.
    let unread = ["--content-type", "application/grpc", "--policy"];
    let message = b"\x01\0\0\0\x03abc";
    let uninspectable = file("uninspectable.json", r#"{"uninspectable":"block"}"#);
    assert_eq!(
        failure(&[&["mask"][..], &unread, &[uninspectable.as_str()]].concat(), message),
        "blocked: a part cannot be inspected, and uninspectable is block"
    );
    for policy in [r#"{"mode":"monitor","uninspectable":"block"}"#, "{}"] {
        let output = run(&[&["mask"][..], &unread, &[file("unread.json", policy).as_str()]].concat(), message);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &message[..]));
        assert_eq!(stderr_line(&output), "a part cannot be inspected and passed");
    }

    let wrong = file("wrong.json", r#"{"mask":[]}"#);
    assert_eq!(
        failure(&["mask", "--policy", &wrong], card.as_bytes()),
        format!("{wrong}:1:9: mask: found a list, expected an object")
    );
}

#[test]
fn mask_follows_the_rules() {
    let policy = file(
        "rules.json",
        r#"{"rules":[
            {"name":"charges","match":{"method":["POST"],"host":["*.example.com"],"path":{"prefix":"/v1/charges"}},"action":"allow"},
            {"name":"images","match":{"content_type":["image/*"]},"action":"skip"}]}"#,
    );
    let charges = ["--method", "POST", "--host", "api.example.com:443", "--path", "/v1/charges/7?x=1"];
    let card = "card 4111111111111111\n";
    for (options, note, masked) in [
        (&charges[..], "1 card number passed: charges is allow", false),
        // The method is unknown.
        (&charges[2..], "1 card number masked: response is mask", true),
        (&["--path", "/v2", "--content-type", "image/png"], "not inspected: images is skip", false),
        (&[], "1 card number masked: response is mask", true),
    ] {
        let output = run(&[&["mask", "--policy", &policy], options].concat(), card.as_bytes());
        let expected = if masked { "card 411111******1111\n" } else { card };
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{options:?}");
        assert_eq!(stderr_line(&output), note, "{options:?}");
    }
}

#[test]
fn mask_forwards_decided_bytes_before_the_input_ends() {
    let mut child = panveil(&["mask"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    for _ in 0..3 {
        stdin.write_all(b"card 4111111111111111, and no digit for a long while after it..............\n").unwrap();
        let mut line = [0; 30];
        stdout.read_exact(&mut line).unwrap();
        assert!(!line.windows(16).any(|bytes| bytes == b"4111111111111111"));
        drain(&mut stdout);
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn mask_keeps_every_other_byte_of_a_large_input() {
    let line = b"\xff\x00 4111111111111111 and 378282246310005 and 1234567890123456\n";
    let masked = b"\xff\x00 411111******1111 and 378282*****0005 and 1234567890123456\n";
    let output = run(&["mask"], &line.repeat(100_000));
    assert!(output.stdout == masked.repeat(100_000));
    assert!(output.status.success());
}

#[test]
fn a_closed_output_is_not_an_error() {
    let mut child = panveil(&["mask"]).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // The command exits at its first write. After that the pipe has no reader.
    stdin.write_all(&b"text\n".repeat(1_000_000)).ok();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}
