//! `panveil replay`: decisions of the filter on captured traffic.

mod captured;
mod har_file;
mod multipart;
mod report;
mod request;
mod response;
mod web_socket;

use super::failure::Failure;
use super::playback::{Peers, StoredStream, TlsArg, play, spiffe_id};
use super::{clock, input, output, policy};
use clap::{Args, ValueHint};
use panveil::policy::{Connection, Policy};
use report::{ReplayFormat, ReplayReport};
use std::path::PathBuf;
use std::rc::Rc;

/// Applies a policy to captured traffic and prints the actions (mask, block, allow, report) with their rules.
///
/// The capture is a HAR file, as browsers, mitmproxy and Charles save them. Its requests and responses go through the filter
/// itself under the given policy. The output contains no card number: paths, hosts and field names are printed as the filter
/// would log them.
///
/// A capture contains bodies after decompression, and no certificates. Missing parts are reported as "not captured". If a rule
/// needs an attribute that no capture contains, the strictest possible action is shown: see --tls, --source and
/// --destination.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil replay policy.yaml checkout.har
  panveil replay policy.yaml checkout.har --source spiffe://cluster.local/ns/checkout/sa/web
  panveil replay policy.yaml checkout.har --format json | jq 'select(.record.action == \"blocked\")'
  panveil replay next.yaml checkout.har --against today.yaml

Exit status: 0 if everything was replayed, with or without findings, and 2 after an error.")]
pub struct Replay {
    /// Policy, in YAML or JSON, or - for standard input.
    #[arg(value_hint = ValueHint::FilePath)]
    policy: PathBuf,

    /// Capture, a HAR file, or - for standard input.
    #[arg(value_hint = ValueHint::FilePath)]
    capture: PathBuf,

    /// Previous policy. Only the changes from its decisions are printed.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    against: Option<PathBuf>,

    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ReplayFormat,

    /// Connection of the clients, for rules with tls: mutual TLS, any other TLS, or none.
    #[arg(long, value_enum)]
    tls: Option<TlsArg>,

    /// Identity of the client, for rules with source. Implies mutual TLS.
    #[arg(long, value_name = "SPIFFE", value_parser = spiffe_id)]
    source: Option<String>,

    /// Identity of the upstream, for rules with destination.
    #[arg(long, value_name = "SPIFFE", value_parser = spiffe_id)]
    destination: Option<String>,
}

impl Replay {
    /// Replays the capture and prints the report.
    pub fn run(self) -> Result<(), Failure> {
        let inputs = [Some(&self.policy), Some(&self.capture), self.against.as_ref()];
        input::only_one_stdin("policy, capture and --against", inputs.into_iter().flatten())?;
        let peers = self.peers()?;
        let policy = Rc::new(policy::read(&self.policy)?);
        let previous = self.against.as_deref().map(policy::read).transpose()?.map(Rc::new);
        for policy in [Some(&policy), previous.as_ref()].into_iter().flatten() {
            note_unknown_attributes(policy, &peers);
        }
        let mut report = ReplayReport::new(self.format, previous.is_some());
        har_file::entries(&self.capture, &mut |number, entry| {
            let stream =
                StoredStream::of_entry(&entry).map_err(|missing| format!("entry {number}: missing field {missing}"))?;
            let before = previous.as_ref().map(|previous| play(previous, &peers, stream.clone()).0);
            report.add(number, before.as_ref(), &play(&policy, &peers, stream).0).map_err(har_file::StopReason::Failure)
        })?;
        report.end()
    }

    fn peers(&self) -> Result<Peers, Failure> {
        let mut peers = Peers { destination: self.destination.clone(), time: clock::now(), ..Peers::default() };
        let identity = |problem| Failure::Error(format!("--source: {problem}; use --tls mutual, or omit --tls"));
        peers.set_client(self.tls, self.source.clone()).map_err(identity)?;
        Ok(peers)
    }
}

/// Reports attributes that rules need and neither the capture nor an option provides.
fn note_unknown_attributes(policy: &Policy, peers: &Peers) {
    let needed = policy.needed();
    let has_no_identity = peers.connection.is_some_and(|connection| connection != Connection::MutualTls);
    let unknown: Vec<&str> = [
        ("--tls", needed.connection && peers.connection.is_none()),
        ("--source", needed.source && peers.source.is_none() && !has_no_identity),
        ("--destination", needed.destination && peers.destination.is_none()),
    ]
    .into_iter()
    .filter_map(|(option, is_unknown)| is_unknown.then_some(option))
    .collect();
    if !unknown.is_empty() {
        output::note(&format!(
            "rules need attributes that no capture contains, and the strictest possible action is shown; give {}",
            unknown.join(", ")
        ));
    }
    if needed.remote_ip || needed.port || needed.route || needed.cluster {
        output::note(
            "rules need the client's address, the port, the route or the cluster, which no capture contains; the strictest \
             possible action is shown",
        );
    }
    if policy.asks_namespace() {
        output::note("namespaces are ignored: the report shows the actions in a namespace where the policy is active");
    }
}
