//! Responses of Prometheus's API to range queries: versions, alerts and proxies without panveil over time.

use super::period::Period;
use super::table::{Cell, Table};
use crate::failure::Failure;
use crate::input;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Largest file that is read.
const MAX_BYTES: usize = 256 << 20;

/// Most rows of a table.
const MOST_ROWS: usize = 10_000;

/// Time series.
#[derive(Default)]
pub struct Metrics {
    series: Vec<Series>,
    /// True if a file was read, with or without series.
    is_given: bool,
}

/// Response of `/api/v1/query_range`.
#[derive(Deserialize)]
struct Response {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
    /// Seconds between two samples of the response.
    #[serde(skip)]
    step: u64,
}

/// Step of a response without two samples of one series, in seconds.
const DEFAULT_STEP: u64 = 60;

/// Time from the first to the last sample of a run.
type Interval = (u64, u64);

impl Metrics {
    /// Adds the response in the file at `path`.
    pub fn read(&mut self, path: &Path) -> Result<(), Failure> {
        const EXPECTED: &str = "expected a response of /api/v1/query_range";

        let name = input::name(path);
        let bytes = input::text(path, MAX_BYTES, "larger than 256 MiB; use a longer step or a shorter period")?;
        let response: Response = serde_json::from_slice(&bytes)
            .map_err(|error| Failure::Error(format!("{name}: line {}: {EXPECTED}", error.line())))?;
        if response.data.kind != "matrix" {
            return Err(Failure::Error(format!("{name}: resultType is not matrix; {EXPECTED}")));
        }
        let series = response.data.result;
        let step = series.iter().filter_map(Series::shortest_gap).min().unwrap_or(DEFAULT_STEP);
        self.series.extend(series.into_iter().map(|one| Series { step, ..one }));
        self.is_given = true;
        Ok(())
    }

    /// Tables of the period.
    pub fn tables(&self, period: Period) -> Vec<Table> {
        if !self.is_given {
            return Vec::new();
        }
        vec![self.versions(period), self.alerts(period), self.missing(period)]
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Series> {
        self.series.iter().filter(move |series| series.label("__name__") == name)
    }

    /// Versions and modes, with the number of proxies.
    fn versions(&self, period: Period) -> Table {
        let mut rows: BTreeMap<Vec<Cell>, (BTreeSet<String>, Interval)> = BTreeMap::new();
        for series in self.named("panveil_config_info") {
            let intervals = series.intervals(period);
            let (Some((first, _)), Some((_, last))) = (intervals.first(), intervals.last()) else { continue };
            let key = [series.place(), series.label("version"), series.label("mode")].map(Cell::text).to_vec();
            let (proxies, interval) = rows.entry(key).or_insert_with(|| (BTreeSet::new(), (*first, *last)));
            proxies.insert(format!("{} {}", series.label("pod"), series.label("instance")));
            *interval = (interval.0.min(*first), interval.1.max(*last));
        }
        let row = |(mut cells, (proxies, (first, last))): (Vec<Cell>, (BTreeSet<String>, Interval))| {
            let proxies = u64::try_from(proxies.len()).unwrap_or(u64::MAX);
            cells.extend([Cell::Count(proxies), Cell::Time(first), Cell::Time(last)]);
            cells
        };
        table(
            Table {
                name: "versions",
                title: "Versions and modes over time",
                about: "Active configurations of panveil, with the number of proxies that had them at some time.",
                requirement: "6.5.1, 10.7.2",
                columns: vec!["namespace", "version", "mode", "proxies", "first", "last"],
                rows: Vec::new(),
                omitted: 0,
            },
            rows.into_iter().map(row),
        )
    }

    fn alerts(&self, period: Period) -> Table {
        let firing = self.named("ALERTS").filter(|series| series.label("alertstate") == "firing");
        let rows = firing.flat_map(|series| {
            let place = [series.place(), series.label("pod")].map(Cell::text);
            let [name, severity, requirement] =
                ["alertname", "severity", "pci_dss"].map(|label| Cell::text(series.label(label)));
            series.intervals(period).into_iter().map(move |interval| {
                let [namespace, pod] = place.clone();
                let cells = [name.clone(), severity.clone(), requirement.clone(), namespace, pod];
                with_interval(cells.to_vec(), interval)
            })
        });
        table(
            Table {
                name: "alerts",
                title: "Alerts",
                about: "Alerts that fired. Begin and end are those of the samples, so the resolution is the step of the query.",
                requirement: "10.7.2, 10.7.3, 12.10.5",
                columns: vec!["alert", "severity", "requirement", "namespace", "pod", "from", "to", "duration"],
                rows: Vec::new(),
                omitted: 0,
            },
            rows,
        )
    }

    fn missing(&self, period: Period) -> Table {
        let rows = self.named("proxy:panveil_missing").flat_map(|series| {
            let proxy = if series.label("pod").is_empty() { series.label("instance") } else { series.label("pod") };
            let cells = [series.place(), proxy].map(Cell::text).to_vec();
            series.intervals(period).into_iter().map(move |interval| with_interval(cells.clone(), interval))
        });
        table(
            Table {
                name: "missing",
                title: "Proxies without panveil",
                about: "Times at which a proxy that should have panveil reported none. The resolution is the step of the query.",
                requirement: "10.7.2, 10.7.3",
                columns: vec!["namespace", "proxy", "from", "to", "duration"],
                rows: Vec::new(),
                omitted: 0,
            },
            rows,
        )
    }
}

/// The table with these rows, sorted, up to the most.
fn table(table: Table, rows: impl Iterator<Item = Vec<Cell>>) -> Table {
    let mut rows: Vec<Vec<Cell>> = rows.collect();
    rows.sort();
    let omitted = u64::try_from(rows.len().saturating_sub(MOST_ROWS)).unwrap_or(u64::MAX);
    rows.truncate(MOST_ROWS);
    Table { rows, omitted, ..table }
}

fn with_interval(mut cells: Vec<Cell>, (from, to): Interval) -> Vec<Cell> {
    cells.extend([Cell::Time(from), Cell::Time(to), Cell::Seconds(to.saturating_sub(from))]);
    cells
}

impl Series {
    fn label(&self, name: &str) -> &str {
        self.metric.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Namespace, or else the job of a proxy outside Kubernetes.
    fn place(&self) -> &str {
        let namespace = self.label("namespace");
        if namespace.is_empty() { self.label("job") } else { namespace }
    }

    /// Shortest time between two samples, in seconds.
    fn shortest_gap(&self) -> Option<u64> {
        let gap = |samples: &[(f64, String)]| match samples {
            [(one, _), (next, _)] => whole(*next).saturating_sub(whole(*one)),
            _ => 0,
        };
        self.values.windows(2).map(gap).filter(|gap| *gap > 0).min()
    }

    /// Runs of samples of the period that are not 0. A missing sample ends a run.
    fn intervals(&self, period: Period) -> Vec<Interval> {
        let mut intervals: Vec<Interval> = Vec::new();
        let is_set = |value: &str| value.parse::<f64>().is_ok_and(|value| value > 0.0);
        let set = self.values.iter().filter(|(_, value)| is_set(value)).map(|(time, _)| whole(*time));
        for time in set.filter(|time| period.includes(Some(*time))) {
            match intervals.last_mut() {
                Some((_, last)) if time.saturating_sub(*last) < self.step.saturating_mul(2) => *last = time,
                _ => intervals.push((time, time)),
            }
        }
        intervals
    }
}

/// Time in whole seconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast from a float saturates")]
fn whole(time: f64) -> u64 {
    time as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_at_zeros_and_at_missing_samples() {
        let values = [(0, "1"), (60, "1"), (120, "0"), (180, "1"), (240, "1"), (420, "1")];
        let series = Series {
            metric: BTreeMap::new(),
            values: values.map(|(time, value)| (f64::from(time), value.to_owned())).to_vec(),
            step: 60,
        };
        assert_eq!(series.intervals(Period::default()), [(0, 60), (180, 240), (420, 420)]);
        let late = Period { from: Some(200), to: Some(400) };
        assert_eq!(series.intervals(late), [(240, 240)]);
    }
}
