//! Report of a stream: one line each for the sent request, the received message and the log.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use panveil_integration::case::{Case, Message};
use panveil_integration::observation::{Observation, values};
use panveil_integration::terminal::{Columns, Style};

const COLUMNS: Columns = Columns { label: 12, width: 110 };

/// Writes to standard output, with colours on a terminal.
pub struct Report {
    style: Style,
}

impl Report {
    pub fn to_stdout() -> Self {
        Self { style: Style::of_stdout() }
    }

    pub fn title(&self) {
        println!("client -> Envoy with panveil -> service, under the empty policy {{}}: mask card numbers everywhere.");
    }

    pub fn exchange(&self, case: &Case, seen: &Observation, wrong: Option<&str>) {
        let mark = self.style.mark(wrong.is_none());
        let policy = if case.policy == "{}" { String::new() } else { format!("  policy {}", case.policy) };
        println!("{mark} {}{}", self.style.bold(&case.name), self.style.dim(&policy));
        if case.response.message.pieces.is_empty() {
            self.line("client sent", &sent(case));
            let got =
                seen.received.as_ref().map(|request| arrived(case, &request.path, &request.headers, &request.body));
            self.line("service got", &got.unwrap_or_else(|| "nothing".to_owned()));
        } else {
            self.line("service sent", &body_in_pieces(&case.response.message));
        }
        if let Some(response) = &seen.response
            && (response.status != case.response.status || !response.body.is_empty())
        {
            let body = String::from_utf8_lossy(&response.body);
            self.line("client got", &format!("{} {body}", response.status));
        }
        self.line("log", &log(seen));
        if let Some(wrong) = wrong {
            println!("{wrong}");
        }
    }

    pub fn counters(&self, counters: &BTreeMap<String, u64>) {
        println!("\n{}", self.style.bold("Counters at /stats/prometheus"));
        for (name, value) in counters.iter().filter(|(name, _)| name.starts_with("panveil_findings_total")) {
            println!("    {name} {value}");
        }
    }

    pub fn verdict(&self, right: usize, all: usize) {
        let text = format!("{right} of {all} exchanges are as expected.");
        println!("{}", self.style.outcome(right == all, &text));
    }

    pub fn invitation(&self, listener: SocketAddr, admin: SocketAddr) {
        println!("\n{}", self.style.bold("Try it: the upstream echoes each request. Ctrl-C stops."));
        println!("    curl -s {listener}/ -H 'content-type: application/json' -d '{{\"card\":\"4111111111111111\"}}'");
        println!("    curl -s '{listener}/?card=4111111111111111' -d 'call +49 30 901820, card 5555 5555 5555 4444'");
        println!("    curl -s {admin}/stats/prometheus | grep ^panveil");
    }

    fn line(&self, what: &str, text: &str) {
        println!("{}", self.style.line(COLUMNS, what, text));
    }
}

/// The relevant part of the request.
fn sent(case: &Case) -> String {
    let message = &case.request.message;
    if message.pieces.is_empty() {
        arrived(case, &case.request.path, &message.headers, &[])
    } else {
        body_in_pieces(message)
    }
}

/// The same part of the received message.
fn arrived(case: &Case, path: &str, headers: &[(String, String)], body: &[u8]) -> String {
    if !case.request.message.pieces.is_empty() {
        return String::from_utf8_lossy(body).into_owned();
    }
    let shown = |(name, _): &(String, String)| Some(format!("{name}: {}", values(headers, name).first()?));
    let headers: Vec<String> = case.request.message.headers.iter().filter_map(shown).collect();
    if headers.is_empty() { path.to_owned() } else { headers.join("   ") }
}

fn body_in_pieces(message: &Message) -> String {
    let pieces: Vec<_> = message.pieces.iter().map(|piece| String::from_utf8_lossy(piece)).collect();
    pieces.join(" | ")
}

/// Short form of the log line.
fn log(seen: &Observation) -> String {
    let keys = ["action", "found", "brands", "where", "path"];
    let entry = |key| seen.log.get(key).map(|value| format!("{key}={value}"));
    keys.into_iter().filter_map(entry).collect::<Vec<_>>().join(" ")
}
