//! gRPC-Web: tonic's client in the binary form, the text form by hand, and Envoy's own translation in front of panveil
//! and behind it.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request};
use panveil_integration::client::Client;
use panveil_integration::envoy::Envoy;
use panveil_integration::observation::values;
use panveil_integration::peers::charges::{Charge, ChargesClient, Ledger, Service};
use panveil_integration::sidecar::Build;
use prost::Message as _;
use tonic::Code;
use tonic_web::GrpcWebClientService;

use super::grpc::{charge, masked};
use super::{in_front_of, named, unharmed};

/// Envoy's translation from gRPC-Web to gRPC.
const TRANSLATION: (&str, &str) =
    ("envoy.filters.http.grpc_web", "type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb");

pub fn trials(build: &Build) -> Vec<Trial> {
    vec![
        named(build, "grpc_web::binary", |build| Box::pin(binary(build))),
        named(build, "grpc_web::text", |build| Box::pin(text(build))),
        named(build, "grpc_web::blocked", |build| Box::pin(blocked(build))),
        named(build, "grpc_web::translated_before", |build| Box::pin(translated(build, true))),
        named(build, "grpc_web::translated_behind", |build| Box::pin(translated(build, false))),
    ]
}

async fn binary(build: Build) -> Result<()> {
    let service = Service::start(true).await?;
    let mut envoy = in_front_of(&build, service.address, true, "{}").await?;
    binary_calls(&envoy).await?;
    ensure!(service.take() == vec![masked(); 3], "the service received a card");
    unharmed(&mut envoy, 2).await?;
    Ok(())
}

async fn text(build: Build) -> Result<()> {
    let service = Service::start(true).await?;
    let mut envoy = in_front_of(&build, service.address, true, "{}").await?;
    text_call(&envoy).await?;
    ensure!(service.take() == [masked()], "the service received a card");
    unharmed(&mut envoy, 1).await?;
    Ok(())
}

/// Envoy converts local replies only for gRPC itself. A gRPC-Web client gets a plain 403, and derives a status from it.
async fn blocked(build: Build) -> Result<()> {
    let service = Service::start(true).await?;
    let mut envoy = in_front_of(&build, service.address, true, r#"{"request":"block"}"#).await?;
    let http = HttpClient::builder(TokioExecutor::new()).build_http();
    let origin = format!("http://{}", envoy.listener).parse()?;
    let mut client = ChargesClient::with_origin(GrpcWebClientService::new(http), origin);
    let status = client.create(charge()).await.err().context("not refused")?;
    let answered = status.metadata().get("content-type").is_some_and(|kind| kind == "application/problem+json");
    ensure!(status.code() != Code::Ok && answered && !status.message().contains("4111"), "{status:?}");
    service.settle().await?;
    ensure!(service.take().is_empty(), "the service received a blocked message");
    unharmed(&mut envoy, 1).await?;
    Ok(())
}

/// Translation by Envoy's own filter: in front of panveil it makes panveil see gRPC, behind it gRPC-Web.
async fn translated(build: Build, before: bool) -> Result<()> {
    let service = Service::start(false).await?;
    let mut settings = build.settings("{}");
    settings.service = service.address;
    settings.service_http2 = true;
    if before {
        settings.before.push(TRANSLATION)
    } else {
        settings.behind.push(TRANSLATION)
    }
    let mut envoy = Envoy::start(&build.envoy, &settings).await?;
    binary_calls(&envoy).await?;
    text_call(&envoy).await?;
    ensure!(service.take() == vec![masked(); 4], "the service received a card");
    unharmed(&mut envoy, 3).await?;
    Ok(())
}

/// Unary and streaming responses.
async fn binary_calls(envoy: &Envoy) -> Result<()> {
    let http = HttpClient::builder(TokioExecutor::new()).build_http();
    let origin = format!("http://{}", envoy.listener).parse()?;
    let mut client = ChargesClient::with_origin(GrpcWebClientService::new(http), origin);
    ensure!(client.create(charge()).await?.into_inner() == masked(), "one answer");
    let ledger = Ledger { charges: vec![charge(), charge()] };
    let answers: Vec<_> = client.spread(ledger).await?.into_inner().collect().await;
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    ensure!(answers == [masked(), masked()], "a row of answers: {answers:?}");
    Ok(())
}

/// Call of a browser: HTTP/1.1, cut anywhere, completely in base64.
async fn text_call(envoy: &Envoy) -> Result<()> {
    let body = BASE64_STANDARD.encode(framed(&charge()));
    let kind = || "application/grpc-web-text".to_owned();
    let message = Message {
        headers: vec![("content-type".into(), kind()), ("accept".into(), kind()), ("x-grpc-web".into(), "1".into())],
        pieces: body.as_bytes().chunks(7).map(<[u8]>::to_vec).collect(),
        framing: Framing::Chunked,
        trailers: vec![],
    };
    let request = Request { method: "POST".into(), path: "/panveil.test.Charges/Create".into(), message };
    let response = Client::http1(envoy.listener).send(&request).await?.context("no response")?;
    ensure!(response.status == 200 && response.complete, "{}", response.summary());
    ensure!(values(&response.headers, "content-type")[0].starts_with("application/grpc-web-text"));
    let (message, rest) = unframed(&decoded(&response.body)?)?;
    ensure!(Charge::decode(message.as_slice())? == masked(), "not masked");
    let trailers = String::from_utf8_lossy(&rest).into_owned();
    ensure!(rest.first() == Some(&0x80) && trailers.contains("grpc-status:"), "{trailers:?}");
    Ok(())
}

fn framed(charge: &Charge) -> Vec<u8> {
    let message = charge.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0], length.to_be_bytes().as_slice(), &message].concat()
}

/// First message, and the bytes behind it.
fn unframed(body: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let (prefix, rest) = body.split_at_checked(5).context("no prefix")?;
    let length = prefix[1..].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let (message, rest) = rest.split_at_checked(length).context("no whole message")?;
    Ok((message.to_vec(), rest.to_vec()))
}

/// Each piece of the body may have padding of its own.
fn decoded(body: &[u8]) -> Result<Vec<u8>> {
    let quads = body.chunks(4).map(|quad| BASE64_STANDARD.decode(quad));
    Ok(quads.collect::<Result<Vec<_>, _>>().context("no base64")?.concat())
}
