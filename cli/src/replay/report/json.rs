//! Report in JSON: one line per entry.

use crate::playback::StreamOutcome;
use serde::Serialize;
use serde_json::value::RawValue;

/// Line of the output. The record is the filter's own, as in access logs.
#[derive(Serialize)]
struct JsonLine<'p> {
    entry: usize,
    method: &'p str,
    host: &'p str,
    path: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    replied: Option<u16>,
    messages: Vec<MessageOutcome>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_captured: Vec<NotCaptured>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct MessageOutcome {
    direction: &'static str,
    outcome: &'static str,
}

#[derive(Serialize)]
struct NotCaptured {
    direction: &'static str,
    what: &'static str,
}

/// Line for the entry of that number.
pub fn line(number: usize, outcome: &StreamOutcome) -> String {
    let outcomes = outcome.outcomes.iter();
    let gaps = outcome.gaps.iter();
    let line = JsonLine {
        entry: number,
        method: &outcome.method,
        host: &outcome.host,
        path: &outcome.path,
        replied: outcome.replied,
        messages: outcomes
            .map(|(direction, outcome)| MessageOutcome { direction: direction.as_str(), outcome: outcome.as_str() })
            .collect(),
        not_captured: gaps
            .map(|(direction, gap)| NotCaptured { direction: direction.as_str(), what: gap.as_str() })
            .collect(),
        record: outcome.record.clone().and_then(|record| RawValue::from_string(record).ok()),
    };
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push('\n');
    text
}
