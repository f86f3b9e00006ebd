//! Log injection: for any client input that Envoy accepts, each stream is one line in each log, with the columns of
//! the format, and the record is valid JSON.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use libtest_mimic::Trial;
use panveil_integration::access_log::KEYS;
use panveil_integration::client::Client;
use panveil_integration::leaks::{check_line, read_json, read_text};
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::test_cards::CARD;
use serde_json::{Map, Value, json};
use tokio::time::{sleep, timeout};

use crate::trial::trials;

/// Texts that end a value, a column, a line or a record, or that stand for another value.
const TEXTS: [&[u8]; 22] = [
    b"\"",
    b"'`\\",
    b"\\\"",
    b"%0d%0atime=x method=GET path=/forged",
    b"%22,%22action%22:%22clean",
    b"\",\"action\":\"clean",
    b"\"}\n{\"path\":\"/forged\"}",
    b"a b=c panveil_action=clean",
    b" panveil_action=clean",
    b"\t",
    b"\n",
    b"\r\n\r\n",
    b"\0",
    b"\x01\x08\x7f",
    b"\x1b[2K\x1b[1A",
    b"\xff\xfe\x80",
    b"\xe2\x80\xa8\xe2\x80\xae\xef\xbb\xbf",
    b"\xc0\xaf",
    b"%FILTER_STATE(wasm.panveil.path:PLAIN)%",
    b"{}{0}%s%n$(id)${jndi:x}",
    b"<script>&#10;</script>",
    b"#;--=,|",
];
/// Lengths around panveil's limit for values and Envoy's limit for headers.
const LENGTHS: [usize; 6] = [2047, 2048, 2049, 8000, 30000, 58000];

/// Some requests have no end, so Envoy waits for more.
const LONGEST_ANSWER: Duration = Duration::from_secs(1);

/// Concurrent texts.
const AT_ONCE: usize = 8;

pub fn trials(build: &Build) -> Vec<Trial> {
    trials!(build, "injection", {
        "http1" => http1,
        "http2" => http2,
        "overlong" => overlong,
    })
}

/// Both logs of one Envoy.
struct Logs {
    sidecar: Sidecar,
    read: usize,
}

impl Logs {
    async fn start(build: &Build) -> Result<Self> {
        let mut settings = build.settings(&json!({"audit": {"clean": true, "keys": KEYS}}).to_string());
        settings.text_log = true;
        Ok(Self { sidecar: Sidecar::start(&build.envoy, settings).await?, read: 0 })
    }

    fn client(&self) -> Client {
        Client::http1(self.sidecar.envoy.listener)
    }

    /// Sends the request. Any response is accepted, also none.
    async fn send(&self, request: &[u8]) {
        let _ = timeout(LONGEST_ANSWER, self.client().send_bytes(request)).await;
    }

    async fn send_fields(&self, fields: &[(Vec<u8>, Vec<u8>)]) {
        let fields: Vec<(&[u8], &[u8])> = fields.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        let _ = timeout(LONGEST_ANSWER, self.client().send_fields(&fields, b"")).await;
    }

    /// New lines of both logs, at most `most`, which must agree.
    async fn lines(&mut self, most: usize) -> Result<Vec<Map<String, Value>>> {
        let (json, text) = self.sidecar.envoy.access_logs();
        let (mut json_lines, mut text_lines);
        let mut before = usize::MAX;
        loop {
            (json_lines, text_lines) = (std::fs::read(&json)?, std::fs::read(&text)?);
            let size = json_lines.len() + text_lines.len();
            let whole = json_lines.ends_with(b"\n") && text_lines.ends_with(b"\n");
            if size == before && whole && line_count(&json_lines) > self.read {
                break;
            }
            before = size;
            sleep(Duration::from_millis(60)).await;
        }
        let split = |bytes: Vec<u8>| -> Result<Vec<String>> {
            let text = String::from_utf8(bytes).context("a log that is not UTF-8")?;
            Ok(text.split_terminator('\n').skip(self.read).map(str::to_owned).collect())
        };
        let (json_lines, text_lines) = (split(json_lines)?, split(text_lines)?);
        ensure!(json_lines.len() <= most, "{} lines of {most} exchanges: {json_lines:?}", json_lines.len());
        ensure!(json_lines.len() == text_lines.len(), "{json_lines:?} {text_lines:?}");
        self.read += json_lines.len();
        let mut lines = Vec::new();
        for (json, text) in json_lines.iter().zip(&text_lines) {
            let (json, text) = (read_json(json).context(json.clone())?, read_text(text).context(text.clone())?);
            check_line(&json).with_context(|| format!("{json:?}"))?;
            check_line(&text).with_context(|| format!("{text:?}"))?;
            let same = json.iter().filter(|(name, _)| *name != "duration_ms").all(|(name, value)| {
                let value = if value.is_number() { value.to_string().into() } else { value.clone() };
                // The text format has one notation for an unknown value, JSON two.
                value == text[name] || (value == "-" && text[name].is_null())
            });
            ensure!(same, "the logs differ: {json:?} {text:?}");
            lines.push(json);
        }
        Ok(lines)
    }

    /// Checks that no input changed the structure of a line.
    async fn unforged(&mut self, most: usize) -> Result<()> {
        for line in self.lines(most).await? {
            ensure!(line["path"] != "/forged", "{line:?}");
            if let Some(record) = line["panveil_record"].as_str() {
                let record: Value = serde_json::from_str(record)?;
                ensure!(record["action"] == line["panveil_action"], "{line:?}");
                ensure!(record["path"] == line["path"] || record["path"].is_null(), "{line:?}");
            }
        }
        ensure!(self.sidecar.envoy.is_alive()?, "Envoy died");
        Ok(())
    }
}

fn line_count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Every part of a request that a log contains.
async fn http1(build: Build) -> Result<()> {
    let mut logs = Logs::start(&build).await?;
    let card = CARD.as_bytes();
    for texts in TEXTS.chunks(AT_ONCE) {
        let mut requests = Vec::new();
        for text in texts.iter().copied() {
            let heads: [Vec<&[u8]>; 10] = [
                vec![b"GET /a", text, b" HTTP/1.1\r\nhost: a\r\n"],
                vec![b"GET /?q=", card, text, b" HTTP/1.1\r\nhost: a\r\n"],
                vec![b"GET", text, b" / HTTP/1.1\r\nhost: a\r\n"],
                vec![b"GET / HTTP/1.1\r\nhost: a", text, b"\r\n"],
                vec![b"GET / HTTP/1.1\r\nhost: a\r\nx-request-id: ", text, b" ", card, b"\r\n"],
                vec![b"GET / HTTP/1.1\r\nhost: a\r\nuser-agent: ", text, b" ", card, b"\r\n"],
                vec![b"GET / HTTP/1.1\r\nhost: a\r\ntraceparent: 00-", text, b"=", card, b"-", text, b"\r\n"],
                vec![
                    b"GET / HTTP/1.1\r\nhost: a\r\nx-b3-traceid: ",
                    card,
                    text,
                    b"\r\nx-forwarded-for: ",
                    text,
                    b"\r\n",
                ],
                vec![b"GET / HTTP/1.1\r\nhost: a\r\nx-", card, text, b": 1\r\n"],
                vec![b"GET / HTTP/1.1\r\nhost: a\r\nx-note: ", card, b"\r\ncontent-type: ", text, b"\r\n"],
            ];
            requests.extend(heads.map(|head| [head.concat().as_slice(), b"connection: close\r\n\r\n"].concat()));
        }
        join_all(requests.iter().map(|request| logs.send(request))).await;
        // A line end in the right place can make two requests.
        logs.unforged(2 * requests.len()).await?;
    }
    Ok(())
}

async fn http2(build: Build) -> Result<()> {
    let mut logs = Logs::start(&build).await?;
    let card = CARD.as_bytes();
    let plain = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")];
    let plain = plain.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    for texts in TEXTS.chunks(AT_ONCE) {
        let mut requests = Vec::new();
        for text in texts {
            let mut with = |name: &[u8], value: &[u8]| {
                let mut fields = plain.to_vec();
                fields.retain(|(other, _)| other != name);
                fields.push((name.to_vec(), value.to_vec()));
                requests.push(fields);
            };
            with(b":method", &[b"GET", *text].concat());
            with(b":authority", &[b"a", *text].concat());
            with(b":path", &[b"/a", *text].concat());
            with(&[b"x-", card, text].concat(), b"1");
            for name in ["x-request-id", "user-agent", "traceparent", "content-type", "cookie"] {
                with(name.as_bytes(), &[card, text].concat());
            }
        }
        join_all(requests.iter().map(|fields| logs.send_fields(fields))).await;
        logs.unforged(requests.len()).await?;
    }
    Ok(())
}

/// Logged values have a maximum length, and no card number at their end.
async fn overlong(build: Build) -> Result<()> {
    let mut logs = Logs::start(&build).await?;
    for length in LENGTHS {
        // Quotes are escaped with three characters each.
        for filler in ["a", "\""] {
            let long = filler.repeat(length - CARD.len()) + CARD;
            let requests = [
                format!("GET /{long} HTTP/1.1\r\nhost: a\r\n"),
                format!("GET / HTTP/1.1\r\nhost: {long}\r\n"),
                format!("GET / HTTP/1.1\r\nhost: a\r\nx-request-id: {long}\r\n"),
                format!("GET / HTTP/1.1\r\nhost: a\r\n{long}: 1\r\n"),
                format!("{long} / HTTP/1.1\r\nhost: a\r\n"),
            ];
            let requests = requests.map(|request| format!("{request}connection: close\r\n\r\n"));
            join_all(requests.iter().map(|request| logs.send(request.as_bytes()))).await;
            logs.unforged(requests.len()).await.with_context(|| format!("{length} of {filler}"))?;
        }
    }
    Ok(())
}
