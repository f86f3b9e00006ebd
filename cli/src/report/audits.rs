//! Output of `panveil audit --format json`: coverage of the mesh at the time of each audit.

use super::table::{Cell, Table};
use crate::clock;
use crate::failure::Failure;
use crate::input;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Largest file that is read.
const MAX_BYTES: usize = 256 << 20;

/// Audits, by time.
#[derive(Default)]
pub struct Audits(BTreeMap<u64, Audit>);

/// One audit.
struct Audit {
    version: String,
    lines: Vec<Line>,
}

/// Line of an audit.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    record: String,
    time: Option<String>,
    version: String,
    subject: String,
    port: Option<u64>,
    protocol: Option<String>,
    inspected: bool,
    mtls: Option<String>,
    plugin: Option<String>,
    digest: Option<String>,
    policy_digest: Option<String>,
    mode: Option<String>,
    phase: Option<String>,
    fail_strategy: Option<String>,
    rule: String,
    reason: Option<String>,
    severity: String,
    requirement: String,
    problem: String,
    expires: Option<String>,
}

impl Audits {
    /// Adds the audit in the file at `path`.
    pub fn read(&mut self, path: &Path) -> Result<(), Failure> {
        let name = input::name(path);
        let error = |problem: &str| Failure::Error(format!("{name}: {problem}"));
        let bytes = input::text(path, MAX_BYTES, "larger than 256 MiB; give the output of one audit")?;
        let text = str::from_utf8(&bytes)
            .map_err(|_| error("not UTF-8; expected the output of panveil audit --format json"))?;
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let number = index.saturating_add(1);
            let expected = "expected the output of panveil audit --format json";
            let line = serde_json::from_str::<Line>(line)
                .map_err(|_| error(&format!("line {number}: not an object of an audit; {expected}")))?;
            lines.push(line);
        }
        let audit = lines.iter().find(|line| line.record == "audit");
        let time = audit.and_then(|line| line.time.as_deref()).and_then(clock::parse);
        let (Some(audit), Some(time)) = (audit, time) else {
            return Err(error("no line with \"record\":\"audit\" and a time; repeat the audit with this version"));
        };
        let audit = Audit { version: audit.version.clone(), lines };
        match self.0.insert(time, audit) {
            Some(_) => Err(error("same time as another audit; give one audit of each time")),
            None => Ok(()),
        }
    }

    /// Tables of all audits. The ports are those of the last one.
    pub fn tables(&self) -> Vec<Table> {
        if self.0.is_empty() {
            return Vec::new();
        }
        vec![self.audit_table(), self.plugin_table(), self.port_table(), self.finding_table()]
    }

    fn audit_table(&self) -> Table {
        let row = |(time, audit): (&u64, &Audit)| {
            let count = |is_one: &dyn Fn(&&Line) -> bool| {
                Cell::Count(u64::try_from(audit.lines.iter().filter(is_one).count()).unwrap_or(u64::MAX))
            };
            let severity = |severity| count(&|line| line.record == "finding" && line.severity == severity);
            vec![
                Cell::Time(*time),
                Cell::text(&audit.version),
                count(&|line| line.record == "port"),
                count(&|line| line.record == "port" && line.inspected),
                severity("high"),
                severity("medium"),
                severity("low"),
                count(&|line| line.record == "suppressed"),
            ]
        };
        Table {
            name: "audits",
            title: "Audits of the mesh",
            about: "Ports of workloads and gateways, and findings, at the time of each audit.",
            requirement: "10.7.2, 12.5.2",
            columns: vec!["time", "version", "ports", "inspected", "high", "medium", "low", "suppressed"],
            rows: self.0.iter().map(row).collect(),
            omitted: 0,
        }
    }

    /// Modules and policies, with the first and the last audit that shows them.
    fn plugin_table(&self) -> Table {
        let key = |line: &Line| {
            let Line { plugin, digest, policy_digest, mode, phase, fail_strategy, .. } = line;
            let cells = [plugin, digest, policy_digest, mode, phase, fail_strategy];
            (line.record == "port" && line.inspected).then(|| cells.map(optional).to_vec())
        };
        Table {
            name: "plugins",
            title: "Modules and policies over time",
            about: "Plugins that inspect a port, with the digests of their module and policy, and the first and last audit that shows \
                    this combination. Equal policies in another spelling have another digest.",
            requirement: "6.5.1, 10.7.2",
            columns: vec!["plugin", "module", "policy", "mode", "phase", "on_failure", "first", "last"],
            rows: self.over_time(key, false),
            omitted: 0,
        }
    }

    fn port_table(&self) -> Table {
        let lines = self.0.last_key_value().into_iter().flat_map(|(_, audit)| &audit.lines);
        let row = |line: &Line| {
            vec![
                Cell::text(&line.subject),
                line.port.map_or(Cell::Absent, Cell::Count),
                optional(&line.protocol),
                Cell::text(if line.inspected { "yes" } else { "no" }),
                if line.inspected { optional(&line.plugin) } else { Cell::text(&line.rule) },
                optional(&line.reason),
                optional(&line.mtls),
            ]
        };
        Table {
            name: "ports",
            title: "Ports of workloads and gateways",
            about: "State at the time of the last audit.",
            requirement: "12.5.2; mutual TLS bears on 4.2.1 if the network is open",
            columns: vec!["workload", "port", "protocol", "inspected", "by", "reason", "mtls"],
            rows: lines.filter(|line| line.record == "port").map(row).collect(),
            omitted: 0,
        }
    }

    /// Findings, with the first and the last audit that shows them.
    fn finding_table(&self) -> Table {
        let key = |line: &Line| {
            let state = match line.record.as_str() {
                "finding" => "",
                "suppressed" => "accepted",
                _ => return None,
            };
            let port = line.port.map_or(Cell::Absent, Cell::Count);
            let texts = [&line.severity, &line.rule, &line.subject].map(|text| Cell::text(text));
            let accepted = if state.is_empty() { Cell::Absent } else { optional(&line.reason) };
            let rest =
                [port, Cell::text(&line.problem), Cell::text(&line.requirement), accepted, optional(&line.expires)];
            Some(texts.into_iter().chain(rest).collect())
        };
        Table {
            name: "audit_findings",
            title: "Gaps of the coverage",
            about: "Findings of the audits, with the first and last audit that shows them. A finding is open if the last audit has it. \
                    An accepted one has a reason and a last day.",
            requirement: "by finding",
            columns: vec![
                "severity",
                "rule",
                "subject",
                "port",
                "problem",
                "requirement",
                "accepted",
                "expires",
                "first",
                "last",
                "open",
            ],
            rows: self.over_time(key, true),
            omitted: 0,
        }
    }

    /// Rows with these cells, and the first and the last audit that has them. With `state`, a last cell says if the last audit does.
    fn over_time(&self, key: impl Fn(&Line) -> Option<Vec<Cell>>, state: bool) -> Vec<Vec<Cell>> {
        let mut rows: BTreeMap<Vec<Cell>, (u64, u64)> = BTreeMap::new();
        for (time, audit) in &self.0 {
            for key in audit.lines.iter().filter_map(&key) {
                rows.entry(key).or_insert((*time, *time)).1 = *time;
            }
        }
        let now = self.0.last_key_value().map(|(time, _)| *time);
        let row = |(mut cells, (first, last)): (Vec<Cell>, (u64, u64))| {
            cells.extend([Cell::Time(first), Cell::Time(last)]);
            if state {
                cells.push(Cell::text(if Some(last) == now { "yes" } else { "no" }));
            }
            cells
        };
        rows.into_iter().map(row).collect()
    }
}

fn optional(text: &Option<String>) -> Cell {
    Cell::text(text.as_deref().unwrap_or_default())
}
