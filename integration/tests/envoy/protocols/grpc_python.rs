//! gRPC with grpcio as client and as server, and tonic on the other side.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::stream;
use libtest_mimic::Trial;
use panveil_integration::peers::charges::{Charge, ChargesClient, Ledger, Service};
use panveil_integration::peers::{Python, Script};
use panveil_integration::sidecar::Build;
use prost::Message;

use super::grpc::{charge, masked};
use super::{in_front_of, unharmed, with_python};

pub fn trials(build: &Build) -> Vec<Trial> {
    vec![
        with_python(build, "grpc::client_in_python", |build, python| Box::pin(client(build, python))),
        with_python(build, "grpc::service_in_python", |build, python| Box::pin(service(build, python))),
    ]
}

async fn client(build: Build, python: Python) -> Result<()> {
    let service = Service::start(false).await?;
    let mut envoy = in_front_of(&build, service.address, true, "{}").await?;
    let sent = BASE64_STANDARD.encode(charge().encode_to_vec());
    let mut script = python.start("grpc_client", &[&envoy.listener.to_string(), &sent])?;
    ensure!(got::<Charge>(&mut script).await? == masked(), "unary");
    ensure!(got::<Ledger>(&mut script).await?.charges == [masked(), masked()], "client streaming");
    for kind in ["server streaming", "both streaming"] {
        for _ in 0..2 {
            ensure!(got::<Charge>(&mut script).await? == masked(), "{kind}");
        }
    }
    ensure!(script.told("failed").await? == format!("INVALID_ARGUMENT {}", masked().note));
    script.end().await?;
    let mut received = service.take();
    ensure!(received.pop().is_some_and(|failing| failing.note == masked().note));
    ensure!(received == vec![masked(); 7], "{received:?}");
    unharmed(&mut envoy, 5).await?;
    Ok(())
}

async fn service(build: Build, python: Python) -> Result<()> {
    let mut script = python.start("grpc_server", &[])?;
    let port: u16 = script.told("port").await?.parse()?;
    let mut envoy = in_front_of(&build, ([127, 0, 0, 1], port).into(), true, "{}").await?;
    let mut client = ChargesClient::connect(format!("http://{}", envoy.listener)).await?;
    ensure!(client.create(charge()).await?.into_inner() == masked(), "unary");
    ensure!(client.collect(stream::iter([charge()])).await?.into_inner().charges == [masked()], "client streaming");
    let mut answers = client.spread(Ledger { charges: vec![charge()] }).await?.into_inner();
    ensure!(answers.message().await? == Some(masked()) && answers.message().await?.is_none(), "server streaming");
    let mut answers = client.converse(stream::iter([charge()])).await?.into_inner();
    ensure!(answers.message().await? == Some(masked()) && answers.message().await?.is_none(), "both streaming");
    for _ in 0..4 {
        ensure!(got::<Charge>(&mut script).await? == masked(), "the service received a card");
    }
    script.end().await?;
    unharmed(&mut envoy, 4).await?;
    Ok(())
}

async fn got<M: Message + Default>(script: &mut Script) -> Result<M> {
    let message = BASE64_STANDARD.decode(script.told("got").await?).context("no base64")?;
    Ok(M::decode(message.as_slice())?)
}
