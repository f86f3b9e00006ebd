//! Lines of access logs, as the shipped configurations print them: JSON or `key=value`. Log shippers and `kubectl logs` may have
//! wrapped them.

use super::property::Property;
use super::record::{Record, Uninspected};
use crate::clock;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Meaning of one line.
pub enum LogLine {
    Stream(Stream),
    /// Line of something else, such as Envoy's own log.
    Other,
    /// Line with panveil's columns that cannot be read.
    Unreadable,
}

/// Stream in an access log.
#[derive(Default)]
pub struct Stream {
    /// Start, in milliseconds since 1970.
    pub milliseconds: Option<u64>,
    /// False if the line is one of HTTP that has no value of panveil: it handled no part of the stream.
    pub is_handled: bool,
    pub uninspected: Vec<Uninspected>,
    pub record: Option<Box<Record>>,
}

/// Value of a column.
#[derive(Default)]
enum Column<'a> {
    #[default]
    Absent,
    Null,
    Text(Cow<'a, str>),
}

/// Columns of the shipped configurations, and those in which log shippers put a line.
#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Columns<'a> {
    time: Column<'a>,
    method: Column<'a>,
    path: Column<'a>,
    protocol: Column<'a>,
    flags: Column<'a>,
    bytes_received: Column<'a>,
    panveil_action: Column<'a>,
    panveil_uninspected: Column<'a>,
    panveil_record: Column<'a>,
    /// Present in a record that has been taken out of its line.
    findings: Column<'a>,
    /// Docker, Fluent Bit.
    log: Column<'a>,
    /// Fluentd, Logstash, ECS.
    message: Column<'a>,
}

impl Stream {
    /// Start, in seconds since 1970.
    pub fn time(&self) -> Option<u64> {
        self.milliseconds.map(|time| time.div_euclid(1000))
    }
}

impl LogLine {
    /// Reads a line. Text before the first column is skipped: `kubectl logs --prefix` and container runtimes add some.
    pub fn read(line: &str) -> Self {
        Self::read_line(line, true)
    }

    /// `is_outer` is false for a line in a column of another one.
    fn read_line(line: &str, is_outer: bool) -> Self {
        let text = if line.starts_with("time=") { Some(0) } else { line.find(" time=").map(|at| at.saturating_add(1)) };
        let json = line.find('{');
        match (text, json) {
            (Some(text), json) if json.is_none_or(|json| text < json) && line.contains(" panveil_action=") => {
                Columns::of_text(line.get(text..).unwrap_or_default()).stream()
            }
            (_, Some(json)) => Self::read_json(line.get(json..).unwrap_or_default(), is_outer),
            (_, None) => Self::Other,
        }
    }

    fn read_json(text: &str, is_outer: bool) -> Self {
        let Ok(columns) = serde_json::from_str::<Columns<'_>>(text) else {
            return if text.contains("panveil_") { Self::Unreadable } else { Self::Other };
        };
        if columns.is_access_log() {
            return columns.stream();
        }
        if !columns.findings.is_absent() {
            let record = Record::read(text);
            return record.map_or(Self::Unreadable, |record| {
                Self::Stream(Stream { is_handled: true, record: Some(Box::new(record)), ..Stream::default() })
            });
        }
        match [&columns.log, &columns.message].into_iter().find_map(Column::text) {
            Some(line) if is_outer => Self::read_line(line.trim(), false),
            _ => Self::Other,
        }
    }
}

impl<'a> Columns<'a> {
    /// Columns of a line `key=value`, in which values have no space and `-` means unknown.
    fn of_text(line: &'a str) -> Self {
        let mut columns = Self::default();
        for (name, value) in line.split_ascii_whitespace().filter_map(|column| column.split_once('=')) {
            let value = if value == "-" { Column::Null } else { Column::Text(Cow::Borrowed(value)) };
            match name {
                "time" => columns.time = value,
                "method" => columns.method = value,
                "path" => columns.path = value,
                "protocol" => columns.protocol = value,
                "panveil_action" => columns.panveil_action = value,
                "panveil_uninspected" => columns.panveil_uninspected = value,
                "panveil_record" => columns.panveil_record = value,
                _ => {}
            }
        }
        columns
    }

    /// Envoy leaves out columns without a value, which are those of panveil in most lines. It always writes time, flags and bytes, by
    /// these names in the shipped configurations.
    fn is_access_log(&self) -> bool {
        let always = [&self.time, &self.flags, &self.bytes_received];
        always.into_iter().all(|column| !column.is_absent())
            || !self.panveil_action.is_absent()
            || !self.panveil_record.is_absent()
    }

    fn stream(&self) -> LogLine {
        let record = self.panveil_record.text().map(Record::read);
        if let Some(None) = record {
            return LogLine::Unreadable;
        }
        let is_http = self.protocol.text().is_some_and(|protocol| protocol.starts_with("HTTP"));
        let has_value =
            [&self.method, &self.path, &self.panveil_action].into_iter().any(|column| column.text().is_some());
        LogLine::Stream(Stream {
            milliseconds: self.time.text().and_then(clock::parse_milliseconds),
            is_handled: has_value || !is_http,
            uninspected: self.panveil_uninspected.text().map(uninspected).unwrap_or_default(),
            record: record.flatten().map(Box::new),
        })
    }
}

/// Parts of a list `direction:reason,…`.
fn uninspected(list: &str) -> Vec<Uninspected> {
    let parts = list.split(',').filter_map(|part| part.split_once(':'));
    parts
        .map(|(direction, reason)| Uninspected { direction: Property::of(direction), reason: Property::of(reason) })
        .collect()
}

impl Column<'_> {
    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Column<'a> {
    /// Reads a value of any type: a shipper may have parsed the record, for example.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'a RawValue>::deserialize(deserializer)?.get();
        let quoted = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        Ok(match quoted {
            Some("-") => Self::Null,
            Some(plain) if !plain.contains('\\') => Self::Text(Cow::Borrowed(plain)),
            Some(_) => Self::Text(Cow::Owned(serde_json::from_str(raw).map_err(serde::de::Error::custom)?)),
            None if raw == "null" => Self::Null,
            None => Self::Text(Cow::Borrowed(raw)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"version":1,"action":"masked","found":1,"findings":[{"direction":"request","count":1}]}"#;

    fn stream(line: &str) -> Stream {
        match LogLine::read(line) {
            LogLine::Stream(stream) => stream,
            LogLine::Other => panic!("other: {line}"),
            LogLine::Unreadable => panic!("unreadable: {line}"),
        }
    }

    #[test]
    fn lines_are_read_in_the_wrappings_of_log_shippers() {
        let quoted = serde_json::Value::from(RECORD).to_string();
        let json = format!(
            r#"{{"time":"2026-11-30T12:12:34.217Z","method":"GET","path":"/","protocol":"HTTP/1.1","panveil_action":"masked","panveil_uninspected":"response:encoding,request:skipped","panveil_record":{quoted}}}"#
        );
        let text = format!(
            "time=2026-11-30T12:12:34.217Z method=GET path=/ protocol=HTTP/1.1 panveil_action=masked \
             panveil_uninspected=response:encoding,request:skipped panveil_record={RECORD}"
        );
        let wrapped =
            |key: &str, line: &str| serde_json::json!({key: format!("{line}\n"), "stream": "stdout"}).to_string();
        for line in [
            json.clone(),
            text.clone(),
            format!("[pod/web-1/istio-proxy] {json}"),
            format!("2026-11-30T12:12:34Z stdout F {json}"),
            format!("2026-11-30T12:12:34Z stdout F {text}"),
            wrapped("log", &json),
            wrapped("log", &text),
            wrapped("log", &format!("[pod/web-1/istio-proxy] {text}")),
            wrapped("log", &format!("[pod/web-1/istio-proxy] {json}")),
            wrapped("message", &json),
            json.replace(&quoted, RECORD),
            json.replace(
                &quoted,
                &format!(r#"{{"@type":"type.googleapis.com/google.protobuf.Struct","value":{RECORD}}}"#),
            ),
        ] {
            let stream = stream(&line);
            assert_eq!(stream.milliseconds, Some(1_796_040_754_217), "{line}");
            assert!(stream.is_handled);
            assert_eq!(stream.uninspected.len(), 2, "{line}");
            let counts =
                stream.record.map(|record| record.findings.iter().map(|finding| finding.count).collect::<Vec<u64>>());
            assert_eq!(counts, Some(vec![1]), "{line}");
        }
        assert_eq!(stream(RECORD).time(), None);
    }

    #[test]
    fn streams_without_any_value_of_panveil_are_not_handled() {
        let line = |protocol: &str, path: &str| {
            format!(r#"{{"time":null,"method":null,"path":{path},"protocol":{protocol},"panveil_action":null}}"#)
        };
        for (protocol, path, is_handled) in [
            (r#""HTTP/2""#, "null", false),
            (r#""HTTP/2""#, r#""/""#, true),
            ("null", "null", true),
            (r#""HTTP/1.1""#, r#""-""#, false),
        ] {
            assert_eq!(stream(&line(protocol, path)).is_handled, is_handled, "{protocol} {path}");
        }
        // Envoy leaves out columns without a value.
        const ALWAYS: &str = r#""time":"2026-11-30T12:12:34.217Z","flags":"-","bytes_received":0"#;
        for (columns, is_handled) in [
            (r#","protocol":"HTTP/2""#, false),
            (r#","protocol":"HTTP/2","path":"/","method":"GET""#, true),
            ("", true),
        ] {
            assert_eq!(stream(&format!("{{{ALWAYS}{columns}}}")).is_handled, is_handled, "{columns}");
        }
    }

    #[test]
    fn other_lines_are_no_streams() {
        for line in
            ["", "2026-11-30T12:12:34Z info Envoy started", "{", r#"{"time":"x","path":"/"}"#, "{}", "time=1 a=b"]
        {
            assert!(matches!(LogLine::read(line), LogLine::Other), "{line}");
        }
        for line in [
            r#"{"panveil_action":"masked","panveil_record":"{\"version\":1"}"#,
            r#"{"panveil_action":"masked","panveil_record":"{\"version\":2,\"findings\":[]}"}"#,
            r#"{"panveil_action":"#,
            r#"{"version":9,"findings":[]}"#,
        ] {
            assert!(matches!(LogLine::read(line), LogLine::Unreadable), "{line}");
        }
    }
}
