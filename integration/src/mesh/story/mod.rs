//! Steps of the mesh demo: requests with card numbers, their results, and the expected results.

mod delivered;
mod paying;
mod proving;
mod strangers;
mod straying;
mod watching;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use super::truth::Found;
use super::{Claim, Mesh, Proxy, Workload};
use crate::case::{Framing, Message, Request};
use crate::client::Client;
use crate::observation::ReceivedResponse;

/// Public test numbers of Stripe. The API declines the second.
const CARD: &str = "4242424242424242";
const MASKED: &str = "424242******4242";
const DECLINED: &str = "4000000000000002";
/// The first number with spaces, as people write it.
const SPOKEN: &str = "4242 4242 4242 4242";
const SPOKEN_MASKED: &str = "4242 42** **** 4242";
/// Status of panveil's local reply.
const REFUSED: u16 = 403;
/// Findings by their decisions. In a blocked message, the first number is the last that is inspected.
const ALLOWED: Found = pan("request", "allowed", "cards-from-checkout");
const ALLOWED_CODE: Found = Found { kind: "verification_code", ..ALLOWED };
const BLOCKED: Found = pan("request", "blocked", "request");
const MASKED_REQUEST: Found = pan("request", "masked", "request");
const MASKED_RESPONSE: Found = pan("response", "masked", "response");
const REPORTED: Found = pan("request", "reported", "request");
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Runs all steps in order.
pub async fn tell(mesh: &mut Mesh, mut claimed: impl FnMut(&Claim)) -> Result<Vec<Claim>> {
    let mut claims = Vec::new();
    let mut settled = |claim: Claim| {
        claimed(&claim);
        claims.push(claim);
    };
    settled(delivered::delivered(mesh).await?);
    settled(strangers::strangers(mesh).await?);
    settled(paying::paid(mesh).await?);
    settled(paying::declined(mesh).await?);
    if let Some(watch) = &mesh.watch {
        settled(watching::quiet(watch).await?);
    }
    settled(straying::uninvited(mesh).await?);
    settled(straying::misplaced(mesh).await?);
    settled(straying::kept(mesh).await?);
    settled(straying::complained(mesh).await?);
    settled(straying::quoted(mesh).await?);
    settled(watching::silent(mesh).await?);
    if let Some(watch) = &mesh.watch {
        settled(watching::counted(watch).await?);
        settled(watching::alarmed(watch).await?);
    }
    if let Some(evidence) = mesh.parts.evidence.clone() {
        settled(proving::clean(mesh, &evidence).await?);
        settled(proving::faulty(mesh, &evidence).await?);
        settled(proving::passed(mesh).await?);
        settled(proving::corrected(mesh, &evidence).await?);
        settled(proving::reported(mesh, &evidence).await?);
    }
    Ok(claims)
}

const fn pan(direction: &'static str, action: &'static str, rule: &'static str) -> Found {
    Found { direction, kind: "pan", action, rule }
}

/// Request with this body, or without one.
fn request(method: &str, path: &str, content_type: &str, body: &str) -> Request {
    let framing = if body.is_empty() { Framing::None } else { Framing::Length };
    let pieces = if body.is_empty() { Vec::new() } else { vec![body.to_owned().into()] };
    let headers = vec![
        ("content-type".to_owned(), content_type.to_owned()),
        ("authorization".to_owned(), "Bearer sk_test_mesh".to_owned()),
    ];
    Request {
        method: method.into(),
        path: path.into(),
        message: Message { headers, pieces, framing, trailers: vec![] },
    }
}

/// Sends a request from the workload of this proxy to another workload.
async fn ask(from: &Proxy, to: &Workload, mut request: Request) -> Result<ReceivedResponse> {
    request.message.headers.push(("host".to_owned(), to.host.to_owned()));
    Client::http1(from.outbound).send(&request).await?.with_context(|| format!("no answer of {}", to.host))
}

/// Non-empty values of these columns of a log line.
fn brief(line: &Map<String, Value>, columns: &[&str]) -> String {
    let text = |column: &&str| {
        let key = if *column == "path" { "path".to_owned() } else { format!("panveil_{column}") };
        let value = line.get(&key)?;
        Some(format!("{column}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    };
    columns.iter().filter_map(text).collect::<Vec<_>>().join(" ")
}

/// Action in a log line.
fn action(line: &Map<String, Value>) -> &str {
    line.get("panveil_action").and_then(Value::as_str).unwrap_or("nothing")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
