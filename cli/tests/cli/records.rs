//! `panveil scan --records`: one result for every record.

use crate::command::{file, printed, run, stderr_line};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

fn record(id: &str, channel: &str, content_type: &str, bytes: &[u8]) -> String {
    let bytes = STANDARD.encode(bytes);
    format!("{{\"id\":{id},\"kind\":\"pos\",\"ch\":\"{channel}\",\"ct\":{content_type},\"b\":\"{bytes}\"}}\n")
}

#[test]
fn every_record_has_a_result_in_order() {
    let records = [
        record("\"A-1\"", "body", "\"application/json\"", b"{\"pan\": 4111111111111111}"),
        record("\"A-2\"", "header", "null", b"nothing"),
        "\n".to_owned(),
        record("3", "path", "null", b"/\xff/4111 1111 1111 1111/5555555555554444"),
        record("\"\\u0041\"", "cookie", "null", b"pan=378282246310005"),
    ]
    .concat();
    let results = "{\"id\":\"A-1\",\"spans\":[[8,24]]}\n\
        {\"id\":\"A-2\",\"spans\":[]}\n\
        {\"id\":3,\"spans\":[[3,22],[23,39]]}\n\
        {\"id\":\"A\",\"spans\":[[4,19]]}\n";
    assert_eq!(printed(&["scan", "--records", "-"], records.as_bytes()), results);
    assert_eq!(printed(&["scan", "--records", "-"], records.trim_end().as_bytes()), results);
    assert_eq!(printed(&["scan", "--records", &file("records.jsonl", &records)], b""), results);
    assert_eq!(printed(&["scan", "--records", "-"], b""), "");
}

#[test]
fn the_level_applies_to_every_part_of_a_message() {
    let records = [
        record("1", "header", "null", b"x-order-id: 4111111111111111"),
        record("2", "path", "null", b"/pay?order_id=4111111111111111&card=5555555555554444"),
        record("3", "cookie", "null", b"a=4111111111111111"),
    ]
    .concat();
    for (level, expected) in [("strict", [1, 2, 1]), ("balanced", [0, 1, 1]), ("precise", [0, 1, 0])] {
        let results = printed(&["scan", "--records", "-", "--level", level], records.as_bytes());
        let found: Vec<usize> = results.lines().map(|result| result.matches('[').count() - 1).collect();
        assert_eq!(found, expected, "{level}: {results}");
    }
}

#[test]
fn more_records_than_fit_into_one_read_have_results() {
    let one = record("1", "body", "null", &b"4111111111111111 ".repeat(50));
    let results = printed(&["scan", "--records", "-"], one.repeat(3000).as_bytes());
    assert_eq!(results.lines().count(), 3000);
    assert!(results.lines().all(|result| result.matches("],[").count() == 49));
}

#[test]
fn an_invalid_record_ends_the_run_with_its_line() {
    const EXPECTED: &str =
        r#"expected {"id": …, "ch": "body" | "header" | "path" | "cookie", "ct": text or null, "b": base64}"#;

    let good = record("1", "body", "null", b"x");
    for (invalid, problem) in [
        ("{\"id\":1", "not JSON at column 7".to_owned()),
        ("{\"id\":1,\"ch\":\"body\",\"ct\":null}", format!("missing field \"b\"; {EXPECTED}")),
        ("{\"id\":1,\"ch\":\"4111111111111111\",\"ct\":null,\"b\":\"\"}", format!("not a record; {EXPECTED}")),
        ("{\"id\":1,\"ch\":\"body\",\"ct\":null,\"b\":\"!\"}", "field \"b\": not base64".to_owned()),
        ("[]", format!("not a record; {EXPECTED}")),
    ] {
        let output = run(&["scan", "--records", "-"], format!("{good}{invalid}\n{good}").as_bytes());
        assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"id\":1,\"spans\":[]}\n");
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(stderr_line(&output), format!("standard input: line 2: {problem}"));
    }
    let output = run(&["scan", "--records", "no/such"], b"");
    assert_eq!(stderr_line(&output), "no/such: cannot be read: No such file or directory (os error 2)");
}
