//! How is an exchange shown? What was sent, what arrived, and what the log says of it; a line each.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stdout};
use std::net::SocketAddr;

use panveil_integration::case::{Case, Message};
use panveil_integration::observation::{Observation, values};

/// Columns of a line; a longer one is cut.
const WIDTH: usize = 110;
const GREEN: &str = "32";
const RED: &str = "31";
const BOLD: &str = "1";
const DIM: &str = "2";

/// Writes to standard output, in colour when a person reads it.
pub struct Report {
    coloured: bool,
}

impl Report {
    pub fn to_stdout() -> Self {
        Self { coloured: stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    pub fn title(&self) {
        println!("client -> Envoy with panveil -> service, under the empty policy {{}}: mask card numbers everywhere.");
    }

    pub fn exchange(&self, case: &Case, seen: &Observation, wrong: Option<&str>) {
        let mark = if wrong.is_none() { self.paint(GREEN, "ok") } else { self.paint(RED, "WRONG") };
        let policy = if case.policy == "{}" { String::new() } else { format!("  policy {}", case.policy) };
        println!("[{mark}] {}{}", self.paint(BOLD, &case.name), self.paint(DIM, &policy));
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
        println!("\n{}", self.paint(BOLD, "Counters at /stats/prometheus"));
        for (name, value) in counters.iter().filter(|(name, _)| name.starts_with("panveil_findings_total")) {
            println!("    {name} {value}");
        }
    }

    pub fn verdict(&self, right: usize, all: usize) {
        let colour = if right == all { GREEN } else { RED };
        println!("{}", self.paint(colour, &format!("{right} of {all} exchanges came out as they must.")));
    }

    pub fn invitation(&self, listener: SocketAddr, admin: SocketAddr) {
        println!("\n{}", self.paint(BOLD, "Try it: the service answers with what it received. Ctrl-C ends."));
        println!("    curl -s {listener}/ -H 'content-type: application/json' -d '{{\"card\":\"4111111111111111\"}}'");
        println!("    curl -s '{listener}/?card=4111111111111111' -d 'call +49 30 901820, card 5555 5555 5555 4444'");
        println!("    curl -s {admin}/stats/prometheus | grep ^panveil");
    }

    fn line(&self, what: &str, text: &str) {
        let room = WIDTH - 17;
        let cut = || text.chars().take(room - 3).chain("...".chars()).collect();
        let text = if text.chars().count() > room { cut() } else { text.to_owned() };
        println!("    {} {text}", self.paint(DIM, &format!("{what:<12}")));
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.coloured && !text.is_empty() { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The part of the request that the exchange is about.
fn sent(case: &Case) -> String {
    let message = &case.request.message;
    if message.pieces.is_empty() {
        arrived(case, &case.request.path, &message.headers, &[])
    } else {
        body_in_pieces(message)
    }
}

/// The same part of what arrived.
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

/// The log line in brief.
fn log(seen: &Observation) -> String {
    let keys = ["action", "found", "brands", "where", "path"];
    let entry = |key| seen.log.get(key).map(|value| format!("{key}={value}"));
    keys.into_iter().filter_map(entry).collect::<Vec<_>>().join(" ")
}
