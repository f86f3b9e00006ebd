//! Client of the leak test, and its detection of the proxy's local replies.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::plan::{Course, Fault, Plan};
use super::socket;
use crate::case::{Message, Request};
use crate::client::Client;
use crate::observation::ReceivedResponse;

/// Time limit for a stream, also on a busy machine.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(60);
/// Header size above Envoy's default limit of 60 KiB.
const TOO_LARGE: usize = 70 << 10;
/// Number of kinds of malformed HTTP/2 requests, including one with an unknown method.
const FRAMES: u64 = 5;
const METHOD: u64 = 0;
/// Header that the upstream adds. A response without it is a local reply.
const SERVICE: &str = "x-service";

/// Runs one stream. Returns the local reply of the proxy, if there is one.
pub async fn run(address: SocketAddr, plan: &Plan, http2: bool, websockets: bool) -> Result<Option<Vec<u8>>> {
    timeout(LONGEST_EXCHANGE, exchange(address, plan, http2, websockets)).await.context("the exchange does not end")?
}

async fn exchange(address: SocketAddr, plan: &Plan, http2: bool, websockets: bool) -> Result<Option<Vec<u8>>> {
    let client = Client { gap: Duration::ZERO, ..if http2 { Client::http2(address) } else { Client::http1(address) } };
    match plan.course {
        Course::WebSocket if websockets => websocket(address, plan).await,
        Course::Whole | Course::Reset | Course::WebSocket => {
            let response = client.send(&plan.request).await?.context("no response")?;
            Ok(own(&response))
        }
        Course::Upgrade => {
            let mut request = plan.request.clone();
            request.message = Message { headers: request.message.headers, ..Message::default() };
            request.message.headers.push(("connection".into(), "upgrade".into()));
            request.message.headers.push(("upgrade".into(), plan.card().to_owned()));
            let response = Client::http1(address).send(&request).await?.context("no response")?;
            ensure!(response.status != 101, "another protocol");
            Ok(own(&response))
        }
        Course::Refused(Fault::Frames) => {
            let answer = client.send_fields(&malformed(plan), b"").await?;
            // A method may have any name: that request reaches the upstream.
            Ok((plan.number % FRAMES != METHOD).then_some(answer))
        }
        Course::Refused(fault) => {
            // Envoy closes the connection without a response to some requests.
            let response = client.send_bytes(&refused(plan, fault)).await.ok().flatten();
            Ok(response.as_ref().and_then(own))
        }
    }
}

/// Response as text, without the proxy's date, whose digits may resemble those of a card number.
fn own(response: &ReceivedResponse) -> Option<Vec<u8>> {
    if response.headers.iter().any(|(name, _)| name == SERVICE) {
        return None;
    }
    let mut text = format!("{}\n", response.status);
    for (name, value) in response.headers.iter().chain(&response.trailers).filter(|(name, _)| name != "date") {
        let _ = writeln!(text, "{name}: {value}");
    }
    Some([text.as_bytes(), &response.body, b"\n"].concat())
}

fn head(request: &Request, line: &str, with_host: bool) -> String {
    let mut head = format!("{line}\r\n");
    if with_host {
        head += "host: shop.example\r\n";
    }
    for (name, value) in request.message.headers.iter().filter(|(name, _)| name != "host") {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head
}

/// Bytes of a malformed request.
fn refused(plan: &Plan, fault: Fault) -> Vec<u8> {
    let (request, card) = (&plan.request, plan.card());
    let line = format!("GET {} HTTP/1.1", request.path);
    let with = |line: &str, more: &str| format!("{}{more}\r\n", head(request, line, true)).into_bytes();
    match fault {
        Fault::NoHost => format!("{}\r\n", head(request, &line, false)).into_bytes(),
        Fault::Method => with(&format!("{card} {} HTTP/1.1", request.path), ""),
        Fault::RequestLine => with(&format!("GET {} {card} HTTP/1.1", request.path), ""),
        Fault::Version => with(&format!("GET {} HTTP/{card}", request.path), ""),
        Fault::NoSlash => with(&format!("GET {card} HTTP/1.1"), ""),
        Fault::FieldName => with(&line, &format!("x {card}: 1\r\n")),
        Fault::FieldValue => with(&line, &format!("x-a: {card}\0\r\n")),
        Fault::TooLarge => with(&line, &format!("x-a: {}\r\n", card.repeat(TOO_LARGE / card.len()))),
        Fault::ChunkSize | Fault::Frames => {
            let line = line.replacen("GET", "POST", 1);
            with(&line, &format!("transfer-encoding: chunked\r\n\r\n{card}g;{card}\r\n{card}"))
        }
    }
}

/// Fields that are not valid on an HTTP/2 connection.
fn malformed(plan: &Plan) -> Vec<(&[u8], &[u8])> {
    let card = plan.card().as_bytes();
    let mut fields: Vec<(&[u8], &[u8])> = vec![
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":authority", card),
        (b":path", plan.request.path.as_bytes()),
    ];
    match plan.number % FRAMES {
        METHOD => fields[0].1 = card,
        1 => fields.push((b"X-Card", card)),
        2 => fields.push((card, b"a\nb")),
        3 => fields.push((b":card", card)),
        _ => fields.push((b"connection", card)),
    }
    fields
}

/// Opens a websocket and sends a message.
async fn websocket(address: SocketAddr, plan: &Plan) -> Result<Option<Vec<u8>>> {
    let mut stream = TcpStream::connect(address).await?;
    let mut request = head(&plan.request, &format!("GET {} HTTP/1.1", plan.request.path), true);
    for (name, value) in socket::OPENING {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    stream.write_all(format!("{request}\r\n").as_bytes()).await?;
    stream.write_all(&socket::text(&plan.request.message.body(), Some(*b"key!"))).await?;
    let mut answer = Vec::new();
    let mut first = [0; 4096];
    let count = stream.read(&mut first).await?;
    answer.extend(first.get(..count).unwrap_or_default());
    if answer.starts_with(b"HTTP/1.1 101 ") {
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
        return Ok(None);
    }
    // Rejected upgrade. The rest is the proxy's own too, but the connection may stay open.
    let text = String::from_utf8_lossy(&answer).into_owned();
    let from_service = text.contains(SERVICE);
    let undated: Vec<&str> = text.lines().filter(|line| !line.starts_with("date:")).collect();
    Ok((!from_service).then(|| undated.join("\n").into_bytes()))
}
