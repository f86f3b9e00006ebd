//! Control of the peer in `peer.py`: its messages and its results.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

/// Python with the package h2.
pub struct Python {
    interpreter: PathBuf,
}

/// Running upstream. It exits after it has responded to all requests, or after a timeout.
pub struct Service {
    pub address: SocketAddr,
    process: Child,
    output: BufReader<ChildStdout>,
    _answers: NamedTempFile,
}

/// Sent message. A request is a POST.
#[derive(Clone)]
pub struct Message {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub pieces: Vec<Vec<u8>>,
    pub trailers: Vec<(String, String)>,
}

/// Message that a peer received.
#[derive(Deserialize)]
pub struct Received {
    headers: Vec<(String, String)>,
    body: String,
    trailers: Vec<(String, String)>,
    error: Option<String>,
}

impl Python {
    /// From the environment: `PEERS_PYTHON`.
    pub fn find() -> Result<Self> {
        let interpreter =
            std::env::var_os("PEERS_PYTHON").context("PEERS_PYTHON is not set; `make test` provides it")?;
        Ok(Self { interpreter: interpreter.into() })
    }

    /// Upstream that responds with the message of the requested path.
    pub fn serve(&self, answers: &[Message]) -> Result<Service> {
        let file = NamedTempFile::new()?;
        let by_path: BTreeMap<&str, Value> =
            answers.iter().map(|message| (message.path.as_str(), message.as_json())).collect();
        serde_json::to_writer(&file, &by_path)?;
        let count = answers.len().to_string();
        let mut process = self
            .peer()
            .arg("serve")
            .arg(file.path())
            .arg(count)
            .stdout(Stdio::piped())
            .spawn()
            .context("PEERS_PYTHON")?;
        let mut output = BufReader::new(process.stdout.take().context("no output")?);
        let mut port = String::new();
        output.read_line(&mut port)?;
        let port: u16 = port.trim().parse().context("the peer did not start (its message is above)")?;
        Ok(Service { address: ([127, 0, 0, 1], port).into(), process, output, _answers: file })
    }

    /// Sends a request and returns its response.
    pub fn send(&self, to: SocketAddr, message: &Message) -> Result<Received> {
        let mut request = message.as_json();
        request["method"] = json!("POST");
        request["path"] = json!(message.path);
        let file = NamedTempFile::new()?;
        serde_json::to_writer(&file, &request)?;
        let output =
            self.peer().arg("send").arg(to.port().to_string()).arg(file.path()).output().context("PEERS_PYTHON")?;
        ensure!(output.status.success(), "the peer failed: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).context("the peer's output")
    }

    fn peer(&self) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/envoy/foreign/peer.py"));
        command.stdin(Stdio::null());
        command
    }
}

impl Service {
    /// Received messages, once it has responded to all requests.
    pub fn received(mut self) -> Result<Vec<Received>> {
        let mut output = String::new();
        self.output.read_to_string(&mut output)?;
        output.lines().map(|line| serde_json::from_str(line).context("the peer's output")).collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Message {
    fn as_json(&self) -> Value {
        let pieces: Vec<String> = self.pieces.iter().map(|piece| STANDARD.encode(piece)).collect();
        json!({"headers": self.headers, "pieces": pieces, "trailers": self.trailers})
    }
}

impl Received {
    /// Reason why it is incomplete. Empty when it is complete.
    pub fn error(&self) -> &str {
        self.error.as_deref().unwrap_or_default()
    }

    /// Compares it with the `sent` message and with `body`, the masked body.
    pub fn check(&self, sent: &Message, body: &[u8]) -> Result<()> {
        ensure!(self.error.is_none(), "{}", self.error());
        let got = STANDARD.decode(&self.body)?;
        ensure!(got == body, "the body: {}", String::from_utf8_lossy(&got).chars().take(200).collect::<String>());
        ensure!(self.trailers == sent.trailers, "the trailers: {:?}", self.trailers);
        for header in &sent.headers {
            ensure!(self.headers.contains(header), "no {header:?} in {:?}", self.headers);
        }
        let has_length = |headers: &[(String, String)]| headers.iter().any(|(name, _)| name == "content-length");
        ensure!(has_length(&self.headers) == has_length(&sent.headers), "the framing: {:?}", self.headers);
        Ok(())
    }
}
