//! `panveil replay`: what would the filter have done with this traffic?

mod captured;
mod har_file;
mod host;
mod play;
mod report;
mod request;
mod response;

use super::failure::Failure;
use super::{output, policy};
use captured::CapturedEntry;
use clap::{Args, ValueEnum, ValueHint};
use host::Peers;
use panveil::policy::{Connection, Policy};
use play::play;
use report::{ReplayFormat, ReplayReport};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Says what a policy does to captured traffic: what is masked, blocked, allowed or reported, and by which rule.
///
/// The capture is a HAR file, as browsers, mitmproxy and Charles save them. Each of its requests and responses goes
/// through the filter under the policy given, so that what is shown is what the filter would do. Nothing that is printed
/// holds a card number: paths, hosts and names of fields come as the filter would log them.
///
/// A capture has bodies as they were after decompression, and says nothing of certificates. What it left out is told as
/// "not captured". Where a rule asks for what no capture holds, the strictest of what could be decided is shown: see
/// --tls, --source and --destination.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil replay policy.yaml checkout.har
  panveil replay policy.yaml checkout.har --source spiffe://cluster.local/ns/checkout/sa/web
  panveil replay policy.yaml checkout.har --format json | jq 'select(.record.action == \"blocked\")'
  diff <(panveil replay today.yaml checkout.har) <(panveil replay next.yaml checkout.har)

Exit status: 0 when everything was replayed, whatever was found, and 2 when something went wrong.")]
pub struct Replay {
    /// The policy, YAML or JSON, or - for standard input.
    #[arg(value_hint = ValueHint::FilePath)]
    policy: PathBuf,

    /// The capture, a HAR file, or - for standard input.
    #[arg(value_hint = ValueHint::FilePath)]
    capture: PathBuf,

    /// The form of the output.
    #[arg(long, value_enum, default_value = "text")]
    format: ReplayFormat,

    /// How clients are connected, for rules that ask: with mutual TLS, any other TLS, or none.
    #[arg(long, value_enum)]
    tls: Option<TlsArg>,

    /// The client's identity, for rules that ask. It comes with mutual TLS.
    #[arg(long, value_name = "SPIFFE", value_parser = spiffe_id)]
    source: Option<String>,

    /// The identity of the service that answers, for rules that ask.
    #[arg(long, value_name = "SPIFFE", value_parser = spiffe_id)]
    destination: Option<String>,
}

/// A [`Connection`], in the words that rules have for it.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TlsArg {
    /// TLS in which both sides prove who they are.
    Mutual,
    /// TLS in which the client does not.
    Any,
    /// No TLS.
    None,
}

impl Replay {
    /// Plays the capture and prints what became of it.
    pub fn run(self) -> Result<(), Failure> {
        if [&self.policy, &self.capture].iter().all(|path| path.as_path() == Path::new("-")) {
            return Err(Failure::Error("the policy and the capture cannot both be standard input".to_owned()));
        }
        let peers = self.peers()?;
        let policy = Rc::new(policy::read(&self.policy)?);
        note_what_is_not_known(&policy, &peers);
        let mut report = ReplayReport::new(self.format);
        har_file::entries(&self.capture, &mut |number, entry| {
            let captured = CapturedEntry::read(&entry).map_err(|lack| format!("entry {number} has no {lack}"))?;
            report.add(number, &play(&policy, &peers, captured)).map_err(har_file::StopReason::Failure)
        })?;
        report.end()
    }

    fn peers(&self) -> Result<Peers, Failure> {
        let connection = match (self.tls, &self.source) {
            (Some(TlsArg::Any | TlsArg::None), Some(_)) => {
                let line = "--source is the name in a client's certificate, which comes with --tls mutual only";
                return Err(Failure::Error(line.to_owned()));
            }
            (Some(TlsArg::Mutual), _) | (None, Some(_)) => Some(Connection::MutualTls),
            (Some(TlsArg::Any), None) => Some(Connection::Tls),
            (Some(TlsArg::None), None) => Some(Connection::Plain),
            (None, None) => None,
        };
        Ok(Peers { connection, source: self.source.clone(), destination: self.destination.clone() })
    }
}

fn spiffe_id(text: &str) -> Result<String, &'static str> {
    if text.starts_with("spiffe://") { Ok(text.to_owned()) } else { Err("a SPIFFE ID begins with spiffe://") }
}

/// Who reads the result should know which part of it stands on facts that are not in the capture.
fn note_what_is_not_known(policy: &Policy, peers: &Peers) {
    let asked = policy.needed();
    let plain = peers.connection.is_some_and(|connection| connection != Connection::MutualTls);
    let unknown: Vec<&str> = [
        ("--tls", asked.connection && peers.connection.is_none()),
        ("--source", asked.source && peers.source.is_none() && !plain),
        ("--destination", asked.destination && peers.destination.is_none()),
    ]
    .into_iter()
    .filter_map(|(option, is_unknown)| is_unknown.then_some(option))
    .collect();
    if !unknown.is_empty() {
        output::note(&format!(
            "rules ask for what no capture holds, and where that decides the strictest that it could be is shown; give {}",
            unknown.join(", ")
        ));
    }
    if policy.asks_namespace() {
        output::note("namespaces of the policy are not asked: shown is what is done where it acts");
    }
}
