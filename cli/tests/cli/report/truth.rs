//! Every number of a report is that of a slow count of the same streams.

use super::sample::{self, BEGIN, Finding, Stream};
use super::{file, json, printed, rows};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// Properties of findings that count together.
type Key = Vec<String>;

/// Streams, findings, card numbers, authentication data; first and last stream.
type Counts = ([u64; 4], (u64, u64));

const HOUR: u64 = 3600;

fn is_card(finding: &Finding) -> bool {
    ["pan", "track", "chip"].contains(&finding.kind)
}

fn is_secret(finding: &Finding) -> bool {
    ["track", "chip", "verification_code", "pin"].contains(&finding.kind)
}

/// Slow count by a property.
fn count(streams: &[Stream], key: impl Fn(&Stream, &Finding) -> Option<Key>) -> BTreeMap<Key, Counts> {
    let mut counts: BTreeMap<Key, Counts> = BTreeMap::new();
    for stream in streams {
        let keys: BTreeSet<Key> = stream.findings.iter().filter_map(|finding| key(stream, finding)).collect();
        for one in keys {
            let entry = counts.entry(one.clone()).or_insert(([0; 4], (u64::MAX, 0)));
            entry.0[0] += 1;
            entry.1 = (entry.1.0.min(stream.time), entry.1.1.max(stream.time));
            for finding in stream.findings.iter().filter(|finding| key(stream, finding).as_ref() == Some(&one)) {
                entry.0[1] += finding.count;
                entry.0[2] += if is_card(finding) { finding.count } else { 0 };
                entry.0[3] += if is_secret(finding) { finding.count } else { 0 };
            }
        }
    }
    counts
}

/// Counts in a table of the report, by the first `keys` columns.
fn reported(report: &Value, table: &str, keys: usize) -> BTreeMap<Key, Vec<(String, Value)>> {
    let row = |row: &Value| {
        let cells: Vec<(String, Value)> = row.as_object().unwrap().clone().into_iter().collect();
        let key = cells[..keys].iter().map(|(_, value)| value.as_str().unwrap_or_default().to_owned()).collect();
        (key, cells[keys..].to_vec())
    };
    rows(report, table).iter().map(row).collect()
}

fn compare(report: &Value, table: &str, keys: usize, truth: &BTreeMap<Key, Counts>) {
    let reported = reported(report, table, keys);
    assert!(!truth.is_empty(), "{table}");
    assert_eq!(reported.keys().collect::<Vec<_>>(), truth.keys().collect::<Vec<_>>(), "{table}");
    for (key, cells) in &reported {
        let ([streams, findings, cards, secrets], (first, last)) = truth[key];
        for (name, value) in cells {
            match name.as_str() {
                "streams" => assert_eq!(*value, streams, "{table} {key:?}"),
                "findings" => assert_eq!(*value, findings, "{table} {key:?}"),
                "card_numbers" => assert_eq!(*value, cards, "{table} {key:?}"),
                "authentication_data" => assert_eq!(*value, secrets, "{table} {key:?}"),
                "first" => assert_eq!(*value, time(first), "{table} {key:?}"),
                "last" => assert_eq!(*value, time(last), "{table} {key:?}"),
                _ => {}
            }
        }
    }
}

fn time(seconds: u64) -> String {
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).to_string()
}

/// Logs with these streams: a part as JSON, a part as text, and a part as a shipper's gzip.
fn logs(streams: &[Stream]) -> [String; 3] {
    let part = |index: usize| streams.iter().skip(index).step_by(3);
    let json: String = part(0).map(|stream| stream.json() + "\n").collect();
    let text: String = part(1).map(|stream| stream.text() + "\n").collect();
    let wrapped = |line: String| serde_json::json!({"log": line + "\n", "stream": "stdout"}).to_string() + "\n";
    let shipped: String = part(2).map(|stream| wrapped(stream.json())).collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(shipped.as_bytes()).unwrap();
    [file("report-json.log", json), file("report-text.log", text), file("report.log.gz", gzip.finish().unwrap())]
}

#[test]
fn every_number_equals_the_truth() {
    let streams = sample::streams(1500);
    let logs = logs(&streams);
    let paths: Vec<&str> = logs.iter().map(String::as_str).collect();
    let report = json(&paths);
    let own = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Key>());
    let mtls = |stream: &Stream| if stream.mtls { "yes" } else { "no" };
    let source = |stream: &Stream| stream.source.unwrap_or_default();
    let path = |stream: &Stream| stream.path.split('?').next().unwrap_or_default().to_owned();
    let has_passed = |finding: &Finding| ["allowed", "reported"].contains(&finding.action);
    compare(&report, "data_flows", 4, &count(&streams, |s, f| own(&[source(s), s.host, f.direction, mtls(s)])));
    compare(
        &report,
        "locations",
        7,
        &count(&streams, |s, f| own(&[s.host, f.direction, "body", f.field, f.kind, f.brand, f.action])),
    );
    compare(&report, "paths", 3, &count(&streams, |s, f| own(&[s.host, &path(s), f.direction])));
    compare(&report, "brands", 4, &count(&streams, |_, f| own(&[f.kind, f.brand, f.direction, f.action])));
    compare(&report, "rules", 2, &count(&streams, |_, f| own(&[f.rule, f.action])));
    compare(
        &report,
        "permitted",
        5,
        &count(&streams, |s, f| own(&[f.rule, f.action, source(s), s.host, f.direction]).filter(|_| has_passed(f))),
    );
    compare(
        &report,
        "without_mtls",
        4,
        &count(&streams, |s, f| {
            own(&[s.client, s.host, f.direction, f.action]).filter(|_| !s.mtls && f.kind != "pattern")
        }),
    );
    compare(
        &report,
        "incidents",
        10,
        &count(&streams, |s, f| {
            let reason = if is_secret(f) && f.direction == "response" {
                "authentication data in a response"
            } else if has_passed(f) && !s.mtls && f.kind != "pattern" {
                "passed without mutual TLS"
            } else if f.action == "reported" {
                "passed in monitor mode"
            } else if f.action == "blocked" {
                "blocked"
            } else {
                return None;
            };
            own(&[reason, source(s), s.client, s.host, &path(s), f.direction, "body", f.field, f.kind, f.action])
        }),
    );
    totals(&report["summary"], &streams);
    days(&report, &streams);
    coverage(&report, &streams);
    let page = printed(&[&["report", "--format", "html"], paths.as_slice()].concat(), b"");
    graph(&page, &streams);
    outputs(&report, &page, &paths);
}

/// The numbers of the lines of the graph are findings, each once.
fn graph(page: &str, streams: &[Stream]) {
    let mut truth: BTreeMap<String, (u64, bool)> = BTreeMap::new();
    for stream in streams {
        for finding in &stream.findings {
            let name = format!("{} → {}", stream.source.unwrap_or("no certificate"), stream.host);
            let (findings, has_account_data) = truth.entry(name).or_default();
            *findings += finding.count;
            *has_account_data |= is_card(finding) || is_secret(finding);
        }
    }
    let truth = truth.into_iter().filter(|(_, (_, has_account_data))| *has_account_data);
    let titles = page.split("<title>").filter_map(|rest| rest.split("</title>").next()?.split_once(": "));
    assert_eq!(
        titles.map(|(name, findings)| (name.to_owned(), findings.parse().unwrap())).collect::<BTreeMap<_, u64>>(),
        truth.map(|(name, (findings, _))| (name, findings)).collect()
    );
}

/// Compares an object with the totals of these streams.
fn totals(object: &Value, streams: &[Stream]) {
    let sum = |is_one: &dyn Fn(&Finding) -> bool| -> u64 {
        streams.iter().flat_map(|stream| &stream.findings).filter(|one| is_one(one)).map(|one| one.count).sum()
    };
    let number = |is_one: &dyn Fn(&&Stream) -> bool| u64::try_from(streams.iter().filter(is_one).count()).unwrap();
    let is_uninspected = |stream: &&Stream| stream.uninspected.iter().any(|(_, reason)| *reason != "coding_name");
    for (name, truth) in [
        ("streams", number(&|_| true)),
        ("streams_with_findings", number(&|stream| !stream.findings.is_empty())),
        ("card_numbers", sum(&is_card)),
        ("authentication_data", sum(&is_secret)),
        ("masked", sum(&|finding| finding.action == "masked")),
        ("blocked", sum(&|finding| finding.action == "blocked")),
        ("allowed", sum(&|finding| finding.action == "allowed")),
        ("reported", sum(&|finding| finding.action == "reported")),
        ("uninspected_streams", number(&is_uninspected)),
        ("unhandled_streams", number(&|stream| !stream.is_handled)),
    ] {
        assert_eq!(object[name], truth, "{name} in {object}");
    }
}

fn days(report: &Value, streams: &[Stream]) {
    let mut days: BTreeMap<String, Vec<Stream>> = BTreeMap::new();
    for stream in sample::streams(u64::try_from(streams.len()).unwrap()) {
        days.entry(time(stream.time)[..10].to_owned()).or_default().push(stream);
    }
    assert_eq!(rows(report, "days").len(), days.len());
    assert!(days.len() > 2);
    for (row, (day, streams)) in rows(report, "days").iter().zip(&days) {
        assert_eq!(row["day"], *day);
        totals(row, streams);
    }
}

fn coverage(report: &Value, streams: &[Stream]) {
    let mut reasons: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    streams.iter().flat_map(|stream| &stream.uninspected).for_each(|one| *reasons.entry(*one).or_default() += 1);
    let reported = rows(report, "uninspected").iter().map(|row| {
        ((row["direction"].as_str().unwrap(), row["reason"].as_str().unwrap()), row["streams"].as_u64().unwrap())
    });
    assert_eq!(reported.collect::<BTreeMap<_, _>>(), reasons);

    let mut times: Vec<u64> = streams.iter().filter(|stream| !stream.is_handled).map(|stream| stream.time).collect();
    times.sort_unstable();
    let gaps = times.chunk_by(|one, next| next - one <= 300);
    let gaps: Vec<_> = gaps
        .map(|gap| {
            let (first, last) = (gap[0], gap[gap.len() - 1]);
            serde_json::json!({"from": time(first), "to": time(last), "duration": last - first, "streams": gap.len()})
        })
        .collect();
    assert!(gaps.len() > 5);
    assert_eq!(*rows(report, "gaps"), gaps);

    let begin = BEGIN + 30 * HOUR;
    let silence = serde_json::json!({"from": time(begin), "to": time(begin + 3 * HOUR), "duration": 3 * HOUR});
    assert_eq!(*rows(report, "log_gaps"), [silence]);
}

/// CSV and HTML have the rows of the JSON.
fn outputs(report: &Value, page: &str, paths: &[&str]) {
    for (name, table) in report["tables"].as_object().unwrap() {
        let rows = table["rows"].as_array().unwrap();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned).replace("null", "");
        let cells = |row: &Value| row.as_object().unwrap().values().map(text).collect::<Vec<String>>();
        let csv = printed(&[&["report", "--format", "csv", "--table", name], paths].concat(), b"");
        let lines: Vec<Vec<String>> =
            csv.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect();
        assert_eq!(lines, rows.iter().map(cells).collect::<Vec<_>>(), "{name}");

        let section =
            page.split(&format!("<section id=\"{name}\">")).nth(1).map(|rest| rest.split("</section>").next());
        let Some(section) = section.flatten() else {
            assert!(rows.is_empty(), "{name}");
            continue;
        };
        let shown: Vec<Vec<String>> = section.split("<tr>").skip(2).map(html_cells).collect();
        // Durations are words there.
        let has_duration = rows.iter().any(|row| row.get("duration").is_some());
        if !has_duration {
            assert_eq!(shown, rows.iter().map(cells).collect::<Vec<_>>(), "{name}");
        }
        assert_eq!(shown.len(), rows.len(), "{name}");
    }
    for (name, value) in report["summary"].as_object().unwrap() {
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert!(page.contains(&format!("<dt>{}</dt><dd>{shown}</dd>", name.replace('_', " "))), "{name}");
    }
}

fn html_cells(row: &str) -> Vec<String> {
    let cells = row.split("<td").skip(1).filter_map(|cell| cell.split_once('>')?.1.split("</td>").next());
    cells.map(|cell| cell.replace("<time>", "").replace("</time>", "")).collect()
}
