//! Websockets with the Python library websockets at one end, and tungstenite at the other.

use anyhow::{Context, Result, ensure};
use futures_util::{SinkExt, StreamExt};
use libtest_mimic::Trial;
use panveil_integration::peers::Python;
use panveil_integration::peers::sockets::{End, Message, Service, over_http1};
use panveil_integration::sidecar::Build;

use super::{CARD, MASKED, in_front_of, unharmed, with_python};

/// Offered extension, which panveil leaves in the request.
const DEFLATE: &str = "permessage-deflate";

pub fn trials(build: &Build) -> Vec<Trial> {
    vec![
        with_python(build, "websocket::client_in_python", |build, python| Box::pin(client(build, python))),
        with_python(build, "websocket::blocked::client_in_python", |build, python| Box::pin(blocked(build, python))),
        with_python(build, "websocket::service_in_python", |build, python| Box::pin(service(build, python))),
    ]
}

async fn client(build: Build, python: Python) -> Result<()> {
    let service = Service::start().await?;
    let mut envoy = in_front_of(&build, service.address, false, "{}").await?;
    let mut script = python.start("socket_client", &[&format!("ws://{}/socket", envoy.listener)])?;
    ensure!(script.told("extensions").await? == "0");
    for text in [format!("card {CARD}"), "no card: 4111 11".to_owned()] {
        script.tell(&text).await?;
        for kind in ["text", "bytes", "in frames"] {
            ensure!(script.told("got").await? == text.replace(CARD, MASKED), "{kind}");
        }
    }
    script.finish();
    ensure!(script.told("closed").await? == "1000");
    script.end().await?;
    ensure!(service.ends(1).await? == [End::Closed(Some(1000))]);
    ensure!(service.extensions() == [None], "{:?}", service.extensions());
    unharmed(&mut envoy, 1).await?;
    Ok(())
}

async fn blocked(build: Build, python: Python) -> Result<()> {
    for policy in [r#"{"request":"block"}"#, r#"{"request":"allow","response":"block"}"#] {
        let service = Service::start().await?;
        let mut envoy = in_front_of(&build, service.address, false, policy).await?;
        let mut script = python.start("socket_client", &[&format!("ws://{}/socket", envoy.listener)])?;
        ensure!(script.told("extensions").await? == "0");
        script.tell(CARD).await?;
        ensure!(script.told("closed").await? == "1008", "{policy}");
        script.end().await?;
        unharmed(&mut envoy, 1).await?;
    }
    Ok(())
}

async fn service(build: Build, python: Python) -> Result<()> {
    let mut script = python.start("socket_server", &[])?;
    let port: u16 = script.told("port").await?.parse()?;
    let mut envoy = in_front_of(&build, ([127, 0, 0, 1], port).into(), false, "{}").await?;
    let mut socket = over_http1(envoy.listener, DEFLATE).await?;
    ensure!(script.told("extensions").await? == "0");
    socket.send(Message::text(format!("card {CARD}"))).await?;
    let masked = format!("card {MASKED}");
    ensure!(script.told("got").await? == masked, "the service received a card");
    ensure!(socket.next().await.context("no answer")?? == Message::text(masked));
    socket.close(None).await?;
    ensure!(matches!(socket.next().await, Some(Ok(Message::Close(_)))), "no farewell");
    ensure!(script.told("closed").await? == "1005");
    script.end().await?;
    unharmed(&mut envoy, 1).await?;
    Ok(())
}
