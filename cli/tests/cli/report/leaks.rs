//! No output of a report has digits of a card number, wherever the input has one.

use super::{file, run};
use serde_json::json;

/// Public test numbers with digits that nothing else in a report has.
const CARDS: [&str; 3] = ["5555555555554444", "4012888888881881", "378282246310005"];

/// Longest run of digits of a card that may appear: of other numbers, by chance.
const LONGEST: usize = 6;

/// Spellings of a card number. The last ones are long texts, whose end the report cuts off within the number.
fn spellings(card: &str) -> Vec<String> {
    let groups = |separator: &str| {
        let digits: Vec<char> = card.chars().collect();
        digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<String>>().join(separator)
    };
    let escaped = card.bytes().map(|digit| format!("%{digit:02x}")).collect::<String>();
    let mut spellings = vec![card.to_owned(), groups(" "), groups("-"), escaped, format!("card={card}")];
    spellings.extend([148, 152, 186, 190].map(|before| format!("{}/{card}/{}", "a".repeat(before), "z".repeat(100))));
    spellings
}

/// Runs of digits of a card, without separators.
fn runs(card: &str) -> Vec<&str> {
    (0..card.len() - LONGEST).map(|at| &card[at..=at + LONGEST]).collect()
}

fn log() -> String {
    let mut lines = String::new();
    for card in CARDS {
        for spelling in spellings(card) {
            let finding = json!({
                "direction": spelling, "place": spelling, "field": spelling, "kind": "pan", "brand": spelling, "length": 16,
                "action": "allowed", "rule": spelling, "count": 1, "truncated": [spelling], "fingerprints": [spelling],
            });
            let secret = json!({"direction": "response", "place": "body", "field": spelling, "kind": "pin", "action": spelling, "count": 1});
            let pattern = json!({"direction": "request", "kind": "pattern", "pattern": spelling, "action": "blocked", "count": 1});
            let record = json!({
                "version": 1, "action": spelling, "found": 1, "method": spelling, "host": spelling, "path": format!("/{spelling}?{spelling}"),
                "route": spelling, "cluster": spelling, "request_id": spelling, "client": spelling, "source": spelling,
                "destination": if spelling.len() % 2 == 0 { json!(spelling) } else { json!(null) },
                "mtls": false, "findings": [finding, secret, pattern], "uninspected": [{"direction": spelling, "reason": spelling}],
                "limits": [{"direction": spelling, "limit": spelling}],
            });
            let line = json!({
                "time": "2026-11-30T00:00:00Z", "method": spelling, "path": spelling, "protocol": "HTTP/2", "panveil_action": spelling,
                "panveil_uninspected": format!("request:{spelling}"), "panveil_record": record.to_string(),
            });
            lines.push_str(&format!(
                "{line}\n{spelling} is no line of the log\n{{\"panveil_record\":\"{spelling}\"}}\n"
            ));
        }
    }
    lines
}

#[test]
fn no_output_has_digits_of_a_card_number() {
    let log = file("report-cards.log", log());
    let audit = CARDS.map(|card| {
        json!({"record": "finding", "subject": card, "problem": card, "rule": card, "severity": card, "requirement": card}).to_string()
    });
    let port = json!({"record": "port", "subject": CARDS[0], "inspected": true, "plugin": CARDS[1], "digest": CARDS[2], "mode": CARDS[0]});
    let begin = json!({"record": "audit", "version": CARDS[0], "time": "2026-11-30T00:00:00Z"});
    let audit = file("report-audit.json", format!("{begin}\n{port}\n{}\n", audit.join("\n")));
    let series = ["panveil_config_info", "ALERTS", "proxy:panveil_missing"].map(|name| {
        let labels = ["namespace", "pod", "version", "mode", "alertname", "severity"].map(|label| (label, CARDS[1]));
        let mut metric: serde_json::Map<String, _> =
            labels.map(|(label, card)| (label.to_owned(), json!(card))).into_iter().collect();
        metric.insert("__name__".to_owned(), json!(name));
        metric.insert("alertstate".to_owned(), json!("firing"));
        json!({"metric": metric, "values": [[1_796_040_754, "1"]]})
    });
    let prometheus =
        file("report-series.json", json!({"data": {"resultType": "matrix", "result": series}}).to_string());
    let all = ["report", "--audit", &audit, "--prometheus", &prometheus, &log, "4012888888881881"];
    let mut formats = vec![vec!["--format", "text"], vec!["--format", "json"], vec!["--format", "html"]];
    for table in [
        "data_flows",
        "locations",
        "paths",
        "rules",
        "permitted",
        "without_mtls",
        "incidents",
        "alerts",
        "plugins",
        "ports",
    ] {
        formats.push(vec!["--format", "csv", "--table", table]);
    }
    for format in formats {
        let output = run(&[&all[..], &format[..]].concat(), b"");
        for text in [output.stdout, output.stderr] {
            let text = String::from_utf8(text).unwrap();
            assert!(!text.is_empty());
            let plain: String = text.chars().filter(|character| !" -".contains(*character)).collect();
            for (card, run) in CARDS.iter().flat_map(|card| runs(card).into_iter().map(move |run| (card, run))) {
                assert!(!plain.contains(run), "{format:?}: {run} of {card} in\n{text}");
            }
            assert!(!text.contains("%35%35%35") && !text.contains("%34%30%31"), "{format:?}: {text}");
        }
    }
}
