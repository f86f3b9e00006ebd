//! Interoperability with python-h2, an HTTP/2 library that the harness does not use, on both sides. It rejects a body
//! whose length differs from its `content-length`.

mod peer;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::envoy::Envoy;
use panveil_integration::sidecar::Build;
use panveil_integration::silence::leaks;
use panveil_integration::test_cards::{CARD, MASKED};

use self::peer::{Message, Python};
use crate::trial::trial;

/// Streams in both directions: path, pieces of the body, whether there is a length, whether trailers follow.
const EXCHANGES: [(&str, &[&str], bool, bool); 8] = [
    ("/length", &["card 411111", "1111111111 ok"], true, false),
    ("/length/at-the-end", &["card 411111", "1111111111"], true, false),
    ("/open", &["card 411111", "1111111111 ok"], false, false),
    ("/open/at-the-end", &["card 411111", "1111111111"], false, false),
    ("/trailers", &["card 411111", "1111111111 ok"], false, true),
    ("/trailers/at-the-end", &["card 411111", "1111111111"], false, true),
    ("/trailers/tail", &["total ", "4111 11"], false, true),
    ("/length-and-trailers", &["card 411111", "1111111111"], true, true),
];
/// More bytes than a flow-control window.
const LONG: usize = 100_000;

pub fn trials(build: &Build) -> Vec<Trial> {
    let build = build.clone();
    vec![
        trial("foreign::http2_on_both_sides", move || on_both_sides(build)),
        trial("foreign::the_peer_is_strict", the_peer_is_strict),
    ]
}

fn message(path: &str, pieces: &[&str], with_length: bool, with_trailers: bool) -> Message {
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
    if with_length {
        headers.push(("content-length".to_owned(), length.to_string()));
    }
    let trailers = if with_trailers { vec![("x-after".to_owned(), "the body".to_owned())] } else { vec![] };
    let pieces = pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect();
    Message { path: path.to_owned(), headers, pieces, trailers }
}

fn messages() -> Vec<Message> {
    let of = |(path, pieces, with_length, with_trailers): (&str, &[&str], bool, bool)| {
        message(path, pieces, with_length, with_trailers)
    };
    let mut messages: Vec<Message> = EXCHANGES.into_iter().map(of).collect();
    let long = format!("{CARD} {}", "and so on ".repeat(LONG / 10));
    messages.push(message("/length/long", &[&long, CARD], true, false));
    messages.push(message("/trailers/long", &[&long, CARD], false, true));
    messages
}

async fn on_both_sides(build: Build) -> Result<()> {
    let python = Python::find()?;
    let messages = messages();
    let service = python.serve(&messages)?;
    let mut settings = build.settings("{}");
    settings.service = service.address;
    settings.service_http2 = true;
    let envoy = Envoy::start(&build.envoy, &settings).await?;
    for sent in &messages {
        let received = python.send(envoy.listener, sent)?;
        received.check(sent, &masked(sent)).map_err(|error| error.context(format!("{}: response", sent.path)))?;
    }
    let leaks = leaks(&envoy, &[CARD.to_owned()], &[]).await?;
    ensure!(leaks.is_empty(), "{}", leaks.join("\n"));
    // The upstream prints what it received at the end of its connection.
    drop(envoy);
    let requests = service.received()?;
    ensure!(requests.len() == messages.len(), "{} requests instead of {}", requests.len(), messages.len());
    for (received, sent) in requests.iter().zip(&messages) {
        received.check(sent, &masked(sent)).map_err(|error| error.context(format!("{}: request", sent.path)))?;
    }
    Ok(())
}

/// Without Envoy: client and upstream report a wrong length.
async fn the_peer_is_strict() -> Result<()> {
    let python = Python::find()?;
    let wrong = |path: &str| Message {
        headers: vec![("content-length".to_owned(), "9".to_owned())],
        ..message(path, &["ten bytes."], false, false)
    };
    let service = python.serve(&[wrong("/wrong"), message("/right", &["fine"], true, false)])?;
    let response =
        python.send(service.address, &Message { path: "/wrong".into(), ..message("", &[], false, false) })?;
    ensure!(response.error().contains("InvalidBodyLength"), "the client: {}", response.error());
    let response = python.send(service.address, &Message { path: "/right".into(), ..wrong("/right") })?;
    ensure!(!response.error().is_empty(), "the service took a wrong length");
    let requests = service.received()?;
    ensure!(requests.iter().any(|request| request.error().contains("InvalidBodyLength")), "the service said nothing");
    Ok(())
}

fn masked(message: &Message) -> Vec<u8> {
    String::from_utf8_lossy(&message.pieces.concat()).replace(CARD, MASKED).into_bytes()
}
