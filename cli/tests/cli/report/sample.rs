//! Streams with known properties, and the lines that log them.

use serde_json::{Value, json};

/// Stream with known properties.
pub struct Stream {
    /// Seconds since 1970.
    pub time: u64,
    pub is_handled: bool,
    pub source: Option<&'static str>,
    pub client: &'static str,
    pub host: &'static str,
    pub path: &'static str,
    pub mtls: bool,
    pub findings: Vec<Finding>,
    pub uninspected: Vec<(&'static str, &'static str)>,
}

pub struct Finding {
    pub direction: &'static str,
    pub field: &'static str,
    pub kind: &'static str,
    pub brand: &'static str,
    pub action: &'static str,
    pub rule: &'static str,
    pub count: u64,
}

/// First second of the sample: 2026-11-28, in the last hour of the day.
pub const BEGIN: u64 = 1_795_906_800;

/// Seeded generator (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[usize::try_from(self.below(u64::try_from(values.len()).unwrap())).unwrap()]
    }
}

/// So many streams over about three days, always the same ones.
pub fn streams(count: u64) -> Vec<Stream> {
    let mut random = Random(20);
    (0..count).map(|index| stream(&mut random, index)).collect()
}

fn stream(random: &mut Random, index: u64) -> Stream {
    let source = random.of(&[
        Some("spiffe://cluster.local/ns/shop/sa/checkout"),
        Some("spiffe://cluster.local/ns/shop/sa/tickets"),
        Some("spiffe://cluster.local/ns/batch/sa/export"),
        None,
    ]);
    let is_handled = random.below(50) > 0;
    let findings = if is_handled && random.below(3) == 0 { 1 + random.below(3) } else { 0 };
    let uninspected = if is_handled { random.below(12) } else { 9 };
    Stream {
        // Hours 30 to 33 have no stream.
        time: BEGIN + index * 97 % 240_000 + if index * 97 % 240_000 >= 30 * 3600 { 3 * 3600 } else { 0 },
        is_handled,
        source,
        client: random.of(&["10.0.3.7", "10.0.3.8", "2001:db8::7"]),
        host: random.of(&["payments.shop", "tickets.shop", "reports.batch"]),
        path: random.of(&["/v1/charges?id=1", "/v1/charges?id=2", "/tickets", "/export"]),
        mtls: source.is_some() && random.below(9) > 0,
        findings: (0..findings).map(|_| finding(random)).collect(),
        uninspected: match uninspected {
            0 => vec![("response", "encoding")],
            1 => vec![("request", "skipped"), ("response", "binary")],
            2 => vec![("request", "coding_name")],
            _ => Vec::new(),
        },
    }
}

fn finding(random: &mut Random) -> Finding {
    let (kind, brand) = random.of(&[
        ("pan", "visa"),
        ("pan", "amex"),
        ("track", "mastercard"),
        ("chip", "visa"),
        ("verification_code", ""),
        ("pin", ""),
        ("pattern", "employee"),
    ]);
    Finding {
        direction: random.of(&["request", "response"]),
        field: random.of(&["number", "card/pan", "note", ""]),
        kind,
        brand,
        action: random.of(&["masked", "masked", "blocked", "allowed", "reported"]),
        rule: random.of(&["request", "cards-from-checkout", "export"]),
        count: 1 + random.below(4),
    }
}

impl Stream {
    /// Record of the stream, if there is something to record.
    fn record(&self) -> Option<String> {
        let finding = |finding: &Finding| {
            let mut object = json!({
                "direction": finding.direction, "place": "body", "kind": finding.kind, "length": 16, "action": finding.action,
                "rule": finding.rule, "count": finding.count,
            });
            let brand = if finding.kind == "pattern" { "pattern" } else { "brand" };
            for (name, value) in [("field", finding.field), (brand, finding.brand)] {
                if !value.is_empty() {
                    object[name] = value.into();
                }
            }
            object
        };
        let mut record = json!({
            "version": 1, "action": "masked", "found": self.findings.iter().map(|finding| finding.count).sum::<u64>(),
            "method": "POST", "host": self.host, "path": self.path, "cluster": "inbound|8080||",
            "request_id": format!("id-{}", self.time), "client": self.client, "mtls": self.mtls,
            "findings": self.findings.iter().map(finding).collect::<Vec<Value>>(),
        });
        if let Some(source) = self.source {
            record["source"] = source.into();
        }
        let is_empty = self.findings.is_empty() && self.uninspected.is_empty();
        (!is_empty).then(|| record.to_string())
    }

    fn columns(&self) -> Vec<(&'static str, Option<String>)> {
        let record = self.record();
        let list: Vec<String> =
            self.uninspected.iter().map(|(direction, reason)| format!("{direction}:{reason}")).collect();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(self.time);
        vec![
            (
                "time",
                Some(format!("{}.123Z", humantime::format_rfc3339_seconds(time).to_string().trim_end_matches('Z'))),
            ),
            ("method", self.is_handled.then(|| "POST".to_owned())),
            ("path", self.is_handled.then(|| self.path.to_owned())),
            ("protocol", Some("HTTP/2".to_owned())),
            ("flags", Some("-".to_owned())),
            ("bytes_received", Some("0".to_owned())),
            ("panveil_action", record.is_some().then(|| "masked".to_owned())),
            ("panveil_uninspected", (!list.is_empty()).then(|| list.join(","))),
            ("panveil_record", record),
        ]
    }

    /// Line of the log as JSON. Envoy from 1.40 on leaves out columns without a value, older ones write null.
    pub fn json(&self) -> String {
        let keeps_nulls = self.time.is_multiple_of(2);
        let columns = self.columns().into_iter().filter(|(_, value)| keeps_nulls || value.is_some());
        let columns = columns.map(|(name, value)| (name.to_owned(), Value::from(value)));
        Value::Object(columns.collect()).to_string()
    }

    /// Line of the log as text.
    pub fn text(&self) -> String {
        let columns = self.columns().into_iter();
        let columns = columns.map(|(name, value)| format!("{name}={}", value.unwrap_or_else(|| "-".to_owned())));
        columns.collect::<Vec<String>>().join(" ")
    }
}

/// Lines of the streams as JSON.
pub fn lines(streams: &[Stream]) -> Vec<String> {
    streams.iter().map(Stream::json).collect()
}
