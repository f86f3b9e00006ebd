//! Requests of the demo with the card numbers in them, as its steps record them, and the numbers that a report must show.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Workload;

/// Requests of all steps.
#[derive(Debug, Default)]
pub struct Truth {
    /// In the order of the steps.
    pub exchanges: Vec<Exchange>,
}

/// Request and response.
#[derive(Debug)]
pub struct Exchange {
    /// Calling workload. `None` for a client without a sidecar.
    source: Option<&'static Workload>,
    receiver: &'static Workload,
    /// Path without its query.
    path: String,
    /// False if the receiving sidecar has no panveil.
    inspected: bool,
    findings: Vec<Found>,
}

/// Card number or verification code in a message, with its decision.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// `request` or `response`.
    pub direction: &'static str,
    /// `pan` or `verification_code`.
    pub kind: &'static str,
    /// Action.
    pub action: &'static str,
    /// Deciding rule.
    pub rule: &'static str,
}

/// Table of a report: its name, the columns of a key, and the columns of counts.
pub type Columns = (&'static str, &'static [&'static str], &'static [&'static str]);

/// Compared tables.
pub const TABLES: [Columns; 5] = [
    (
        "data_flows",
        &["source", "receiver", "direction", "mtls"],
        &["streams", "card_numbers", "authentication_data", "masked", "blocked", "allowed", "reported"],
    ),
    ("paths", &["host", "path", "direction"], &["streams", "card_numbers", "authentication_data"]),
    ("brands", &["kind", "brand", "direction", "action"], &["streams", "findings"]),
    ("rules", &["rule", "action"], &["streams", "findings"]),
    ("permitted", &["rule", "action", "source", "receiver", "direction"], &["streams", "findings"]),
];

/// Compared totals.
const TOTALS: [&str; 6] = ["card_numbers", "authentication_data", "masked", "blocked", "allowed", "reported"];

/// Counts by key.
pub type Rows = BTreeMap<Vec<String>, Vec<u64>>;

impl Exchange {
    /// Request from one workload to another, through both sidecars.
    pub fn new(source: &'static Workload, receiver: &'static Workload, path: impl Into<String>) -> Self {
        Self { source: Some(source), receiver, path: path.into(), inspected: true, findings: Vec::new() }
    }

    /// Request of a client without a sidecar.
    pub fn of_stranger(receiver: &'static Workload) -> Self {
        Self { source: None, receiver, path: String::new(), inspected: true, findings: Vec::new() }
    }

    /// Adds findings.
    pub fn with(mut self, count: usize, found: Found) -> Self {
        self.findings.extend(std::iter::repeat_n(found, count));
        self
    }

    /// The same request past a sidecar without panveil.
    pub fn uninspected(mut self) -> Self {
        self.inspected = false;
        self
    }

    /// Value of a key column for one of its findings.
    fn property(&self, found: Found, column: &str) -> &str {
        match column {
            "source" => self.source.map_or("", Workload::identity),
            "receiver" | "host" => self.receiver.host,
            "path" => &self.path,
            "mtls" => "yes",
            "brand" if found.kind == "pan" => "visa",
            "brand" => "",
            "kind" => found.kind,
            "direction" => found.direction,
            "action" => found.action,
            "rule" => found.rule,
            other => unreachable!("no column {other}"),
        }
    }
}

impl Found {
    /// True if it counts in this column.
    fn counts(self, column: &str) -> bool {
        match column {
            "findings" => true,
            "card_numbers" => self.kind == "pan",
            "authentication_data" => self.kind == "verification_code",
            action => self.action == action,
        }
    }
}

impl Truth {
    /// Number of lines in the access logs of all sidecars: one of the sender, and one of the receiver.
    pub fn streams(&self) -> u64 {
        self.inbound() + self.outbound()
    }

    /// Requests at the sidecar of the receiver.
    pub fn inbound(&self) -> u64 {
        count(self.exchanges.iter())
    }

    /// Number of lines in the access log of a workload's sidecar.
    pub fn lines(&self, workload: &'static Workload) -> usize {
        let is = |other: &Workload| std::ptr::eq(other, workload);
        let inbound = self.exchanges.iter().filter(|exchange| is(exchange.receiver));
        let outbound = self.exchanges.iter().filter(|exchange| exchange.source.is_some_and(is));
        inbound.chain(outbound).count()
    }

    /// Requests through the sidecar of the sender, which does not inspect them.
    pub fn outbound(&self) -> u64 {
        count(self.exchanges.iter().filter(|exchange| exchange.source.is_some()))
    }

    /// Requests past a sidecar without panveil.
    pub fn uninspected(&self) -> u64 {
        count(self.exchanges.iter().filter(|exchange| !exchange.inspected))
    }

    /// Totals by name.
    pub fn totals(&self) -> BTreeMap<&'static str, u64> {
        let findings = || self.exchanges.iter().flat_map(|exchange| &exchange.findings);
        let mut totals: BTreeMap<_, _> =
            TOTALS.map(|name| (name, count(findings().filter(|found| found.counts(name))))).into();
        let with_findings = self.exchanges.iter().filter(|exchange| !exchange.findings.is_empty());
        totals.extend([
            ("streams", self.streams()),
            ("streams_with_findings", count(with_findings)),
            ("unhandled_streams", self.outbound() + self.uninspected()),
            ("uninspected_streams", 0),
            ("findings_beyond", 0),
        ]);
        totals
    }

    /// Rows of a table.
    pub fn rows(&self, (table, keys, values): Columns) -> Rows {
        let mut rows = Rows::new();
        for exchange in &self.exchanges {
            let mut of_exchange = Rows::new();
            for found in &exchange.findings {
                if table == "permitted" && !matches!(found.action, "allowed" | "reported") {
                    continue;
                }
                let key = keys.iter().map(|column| exchange.property(*found, column).to_owned()).collect();
                let row = of_exchange.entry(key).or_insert_with(|| vec![0; values.len()]);
                for (sum, column) in row.iter_mut().zip(values) {
                    // A stream counts once.
                    *sum = if *column == "streams" { 1 } else { *sum + u64::from(found.counts(column)) };
                }
            }
            for (key, row) in of_exchange {
                let sums = rows.entry(key).or_insert_with(|| vec![0; values.len()]);
                sums.iter_mut().zip(row).for_each(|(sum, more)| *sum += more);
            }
        }
        rows
    }
}

/// Rows of a table in a report in JSON.
pub fn reported_rows(report: &Value, (table, keys, values): Columns) -> Rows {
    let rows = report["tables"][table]["rows"].as_array().into_iter().flatten();
    let key = |row: &Value| keys.iter().map(|name| row[*name].as_str().unwrap_or_default().to_owned()).collect();
    rows.map(|row| (key(row), values.iter().map(|name| row[*name].as_u64().unwrap_or(u64::MAX)).collect())).collect()
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    items.map(|_| 1).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{CHECKOUT, PAYMENT_API};
    use super::*;

    const PAN: Found = Found { direction: "request", kind: "pan", action: "allowed", rule: "till" };

    fn truth() -> Truth {
        let code = Found { kind: "verification_code", ..PAN };
        let pay = || Exchange::new(&CHECKOUT, &PAYMENT_API, "/pay").with(1, PAN).with(1, code);
        let masked = Found { action: "masked", rule: "request", ..PAN };
        let other = Exchange::new(&CHECKOUT, &PAYMENT_API, "/pay").with(2, masked);
        let past = Exchange::new(&CHECKOUT, &PAYMENT_API, "/pay").uninspected();
        Truth { exchanges: vec![pay(), pay(), other, past, Exchange::of_stranger(&PAYMENT_API)] }
    }

    #[test]
    fn streams_and_findings_are_counted_once() {
        let (truth, totals) = (truth(), truth().totals());
        assert_eq!((truth.streams(), truth.lines(&CHECKOUT), truth.lines(&PAYMENT_API)), (9, 4, 5));
        assert_eq!((totals["streams_with_findings"], totals["unhandled_streams"]), (3, 5));
        assert_eq!((totals["card_numbers"], totals["authentication_data"]), (4, 2));
        let key = |rule: &str, action: &str| vec![rule.to_owned(), action.to_owned()];
        let rows = [(key("request", "masked"), vec![1, 2]), (key("till", "allowed"), vec![2, 4])];
        assert_eq!(truth.rows(TABLES[3]), Rows::from(rows));
        assert_eq!(truth.rows(TABLES[4]).into_values().collect::<Vec<_>>(), [vec![2, 4]]);
    }

    #[test]
    fn a_wrong_number_in_a_report_is_a_difference() {
        let rows = |findings: u64| {
            json!({"tables": {"rules": {"rows": [
                {"rule": "till", "action": "allowed", "streams": 2, "findings": findings},
                {"rule": "request", "action": "masked", "streams": 1, "findings": 2},
            ]}}})
        };
        assert_eq!(reported_rows(&rows(4), TABLES[3]), truth().rows(TABLES[3]));
        assert_ne!(reported_rows(&rows(5), TABLES[3]), truth().rows(TABLES[3]));
        assert_ne!(reported_rows(&json!({}), TABLES[3]), truth().rows(TABLES[3]));
    }
}
