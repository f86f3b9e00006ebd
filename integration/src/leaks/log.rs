//! Validation of access log lines: their columns, the permitted content of each, and no digits of a card number.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

use super::digits::has_many;
use crate::access_log::{COLUMNS, with_omitted};

/// Maximum length of a value from a client, and of all of them together.
const LONGEST_VALUE: usize = 3 * 2048 + "...".len();
const LONGEST_RECORD: usize = 128 << 10;

/// Parses a line in JSON format.
pub fn read_json(line: &str) -> Result<Map<String, Value>> {
    let columns: Map<String, Value> = serde_json::from_str(line).context("no JSON object")?;
    let columns = with_omitted(columns);
    ensure!(columns.len() == COLUMNS.len(), "other columns: {:?}", columns.keys().collect::<Vec<_>>());
    Ok(columns)
}

/// Parses a line in text format.
pub fn read_text(line: &str) -> Result<Map<String, Value>> {
    ensure!(line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "a byte that is no printable ASCII");
    let columns: Vec<&str> = line.split(' ').collect();
    ensure!(columns.len() == COLUMNS.len(), "{} columns", columns.len());
    let column = |(column, name): (&&str, &&str)| {
        let value = column.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
        let value = value.with_context(|| format!("no column {name}"))?;
        let value = if value == "-" { Value::Null } else { value.into() };
        Ok(((*name).to_owned(), value))
    };
    columns.iter().zip(&COLUMNS).map(column).collect()
}

/// Checks the content of each column.
///
/// # Errors
///
/// Names the column, and shows nothing of its content.
pub fn check(columns: &Map<String, Value>) -> Result<()> {
    for (name, value) in columns {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let good = match name.as_str() {
            // Measured by Envoy. Its digits do not come from a client, but may equal those of a card number by chance.
            "time" => is_time(&text),
            "bytes_received" | "bytes_sent" | "duration_ms" => is_number(&text, 9),
            "status" | "panveil_found" => is_number(&text, 4),
            "protocol" => matches!(text.as_str(), "HTTP/1.0" | "HTTP/1.1" | "HTTP/2"),
            "request_id" if is_masked_uuid(&text) => true,
            "trace_id" if is_hexadecimal(&text) => true,
            "client" if text.parse::<IpAddr>().is_ok() => true,
            "upstream_host" => text.parse::<SocketAddr>().is_ok(),
            "panveil_record" => {
                record(&text).with_context(|| name.clone())?;
                true
            }
            _ => text.len() <= LONGEST_VALUE && is_plain(&text) && !has_many(text.as_bytes()),
        };
        ensure!(good, "{name} is not as it must be");
    }
    Ok(())
}

fn record(text: &str) -> Result<()> {
    ensure!(text.len() <= LONGEST_RECORD, "{} bytes", text.len());
    let record: Map<String, Value> = serde_json::from_str(text).context("no JSON object")?;
    ensure!(record.get("version") == Some(&Value::from(1)), "another version");
    record.iter().try_for_each(|(name, value)| leaves(name, value))
}

fn leaves(name: &str, value: &Value) -> Result<()> {
    ensure!(is_plain(name) && !has_many(name.as_bytes()), "a key is not as it must be");
    match value {
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| leaves(name, value)),
        Value::Array(items) => items.iter().try_for_each(|value| leaves(name, value)),
        Value::String(text) => {
            // Envoy generates request ids. In one that resembles a card number some digits are masked, and the others
            // are no card number.
            let made_up = name == "request_id" && is_masked_uuid(text);
            let address = name == "client" && text.parse::<IpAddr>().is_ok();
            ensure!(
                made_up || address || (is_plain(text) && !has_many(text.as_bytes())),
                "{name} is not as it must be"
            );
            Ok(())
        }
        Value::Number(number) if has_many(number.to_string().as_bytes()) => bail!("{name} is not as it must be"),
        Value::Number(_) | Value::Bool(_) => Ok(()),
        Value::Null => bail!("{name} is null"),
    }
}

/// Format `2026-01-31T12:00:00.000Z`
fn is_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000Z"
}

fn is_masked_uuid(text: &str) -> bool {
    let shape = |c: char| if c.is_ascii_hexdigit() || c == '*' { '0' } else { c };
    text.contains("****") && text.chars().map(shape).eq("00000000-0000-0000-0000-000000000000".chars())
}

/// Hexadecimal digits that Envoy may have drawn: too few of them in a row are decimal for a card number.
fn is_hexadecimal(text: &str) -> bool {
    let decimal = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
    text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'*') && decimal < Some(12)
}

fn is_number(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Text without characters that end a value, a column or a line.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'\\`".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Map<String, Value> {
        let mut line: Map<String, Value> = COLUMNS.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        line["time"] = "2026-01-31T12:00:00.000Z".into();
        line
    }

    #[test]
    fn text_and_json_read_alike() {
        let text: Vec<String> = COLUMNS
            .iter()
            .map(|name| format!("{name}={}", if *name == "time" { "2026-01-31T12:00:00.000Z" } else { "-" }))
            .collect();
        assert_eq!(read_text(&text.join(" ")).unwrap(), line());
        assert_eq!(read_json(&Value::from(line()).to_string()).unwrap(), line());
        assert_eq!(read_json(r#"{"time":"2026-01-31T12:00:00.000Z"}"#).unwrap(), line());
        assert!(read_json(r#"{"time":"2026-01-31T12:00:00.000Z","other":null}"#).is_err());
        for broken in [text.join("  "), text.join(" ") + " a=b", text.join(" ") + "\u{1b}", text[1..].join(" ")] {
            assert!(read_text(&broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn what_may_stand_in_a_column() {
        for (name, value, good) in [
            ("path", "/a?b=****", true),
            ("path", "/12345", false),
            ("path", "/a b", false),
            ("path", "/a\"", false),
            ("details", "via_upstream", true),
            ("trace_id", "0af7651916cd43dd8448eb211c80319c", true),
            ("trace_id", "abcdefabcdefabcd****************", true),
            ("trace_id", "abcdefabcdefabcd4111111111111111", false),
            ("trace_id", "00-12345", false),
            ("client", "fd00::12345", false),
            ("client", "fd00::1234:1234:1234", true),
            ("client", "fd00::1234", true),
            ("upstream_host", "127.0.0.1:51734", true),
            ("upstream_host", "a:51734", false),
            ("user_agent", "shop/12345", false),
            ("status", "200", true),
            ("status", "20012", false),
            ("bytes_sent", "123456", true),
            ("panveil_record", r#"{"version":1,"findings":[{"field":"x-****"}]}"#, true),
            ("panveil_record", r#"{"version":1,"findings":[{"field":"x-12345"}]}"#, false),
            ("panveil_record", r#"{"version":1,"host":"a\"b"}"#, false),
            ("panveil_record", r#"{"version":1,"request_id":"********-****-****-b085-05d33be7de1f"}"#, true),
            ("panveil_record", r#"{"version":1,"request_id":"41111111-1111-1111-b085-05d33be7de1f"}"#, false),
            ("panveil_record", r#"{"version":1,"client":"127.0.0.1"}"#, true),
            ("panveil_record", r#"{"version":1,"client":"4111.1111"}"#, false),
            ("panveil_record", r#"{"version":1"#, false),
        ] {
            let mut line = line();
            line[name] = value.into();
            assert_eq!(check(&line).is_ok(), good, "{name} {value}");
        }
    }
}
