//! Columns of the shipped access log, and the keys of filter state that it prints.

use serde_json::{Map, Value};

/// Columns of both shipped formats, in the order of the text format.
pub const COLUMNS: [&str; 28] = [
    "time",
    "method",
    "path",
    "authority",
    "protocol",
    "status",
    "details",
    "flags",
    "bytes_received",
    "bytes_sent",
    "duration_ms",
    "request_id",
    "trace_id",
    "client",
    "user_agent",
    "route",
    "upstream_cluster",
    "upstream_host",
    "panveil_action",
    "panveil_found",
    "panveil_brands",
    "panveil_where",
    "panveil_uninspected",
    "panveil_fields",
    "panveil_rules",
    "panveil_peer",
    "panveil_fingerprints",
    "panveil_record",
];

/// Keys of filter state that both shipped formats print, and that the shipped policies set.
pub const KEYS: [&str; 17] = [
    "method",
    "path",
    "authority",
    "client",
    "request_id",
    "trace_id",
    "user_agent",
    "action",
    "found",
    "brands",
    "where",
    "uninspected",
    "fields",
    "rules",
    "peer",
    "fingerprints",
    "record",
];

/// Line with null for each column that Envoy left out because it had no value.
#[must_use]
pub fn with_omitted(mut columns: Map<String, Value>) -> Map<String, Value> {
    for name in COLUMNS {
        columns.entry(name).or_insert(Value::Null);
    }
    columns
}
