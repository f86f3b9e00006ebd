//! Traffic with several streams: concurrency, shared connections, counters, and requests that no filter sees.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request, Response};
use panveil_integration::client::Client;
use panveil_integration::observation::canonical;
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::silence::leaks;
use panveil_integration::upstream::Script;
use tokio::task::JoinSet;

use crate::trial::trials;

const CARDS: [(&str, &str); 4] = [
    ("4111111111111111", "411111******1111"),
    ("5555555555554444", "555555******4444"),
    ("378282246310005", "378282*****0005"),
    ("6011111111111117", "601111******1117"),
];

pub fn trials(build: &Build) -> Vec<Trial> {
    trials!(build, "traffic", {
        "many_at_once" => many_at_once,
        "the_next_request_of_a_connection_is_whole" => next_request,
        "thousands_of_cards" => thousands_of_cards,
        "counters_add_up" => counters,
        "nothing_is_logged_or_shown" => silence,
        "a_refused_request_is_logged_without_its_card" => refused,
    })
}

fn post(path: &str, body: &[&str], framing: Framing) -> Request {
    let message = Message {
        headers: vec![("content-type".into(), "application/json".into())],
        pieces: body.iter().map(|piece| piece.as_bytes().to_vec()).collect(),
        framing,
        trailers: vec![],
    };
    Request { method: "POST".into(), path: path.into(), message }
}

/// Each client gets its own card number back, masked, independent of concurrent traffic in the same two VMs.
async fn many_at_once(build: Build) -> Result<()> {
    const CLIENTS: usize = 64;
    let mut settings = build.settings("{}");
    settings.concurrency = 2;
    let sidecar = Sidecar::start(&build.envoy, settings).await?;
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let address = sidecar.envoy.listener;
        let client = if number % 2 == 0 { Client::http1(address) } else { Client::http2(address) };
        clients.spawn(async move {
            let (card, masked) = CARDS[number % CARDS.len()];
            let (head, tail) = card.split_at(1 + number % 14);
            let start = format!("{{\"client\":{number},\"card\":\"{head}");
            let request = post("/echo", &[&start, tail, "\"}"], Framing::Chunked);
            let response = client.send(&request).await?.context("no response")?;
            let wanted = format!("{{\"client\":{number},\"card\":\"{masked}\"}}");
            ensure!(response.body == wanted.as_bytes(), "client {number}: {}", response.summary());
            Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    let found: u64 =
        sidecar.envoy.counters().await?.iter().filter(|(name, _)| name.contains("findings")).map(|(_, n)| n).sum();
    ensure!(found == CLIENTS as u64, "{found} findings: the masked echo must not be found again");
    Ok(())
}

/// A body of a wrong length would leave bytes on the pooled connection, in front of the next request.
async fn next_request(build: Build) -> Result<()> {
    let sidecar = Sidecar::start(&build.envoy, build.settings("{}")).await?;
    let client = Client::http1(sidecar.envoy.listener);
    for (card, masked) in CARDS {
        for framing in [Framing::Length, Framing::Chunked] {
            let body = format!("{{\"card\":\"{card}\"}}");
            let response = client.send(&post("/first", &[&body], framing)).await?.context("no response")?;
            ensure!(response.body == body.replace(card, masked).as_bytes(), "{}", response.summary());
            ensure!(client.get("/second").await?.status == 200);
            let (received, cut_off) = sidecar.upstream.take().await?;
            let paths: Vec<&str> = received.iter().map(|request| request.path.as_str()).collect();
            ensure!(paths == ["/first", "/second"] && cut_off.is_empty(), "the service got {paths:?}");
        }
    }
    Ok(())
}

/// Every finding is masked and counted, and the record stays short enough for a log line.
async fn thousands_of_cards(build: Build) -> Result<()> {
    const COUNT: usize = 5000;
    let mut sidecar = Sidecar::start(&build.envoy, build.settings("{}")).await?;
    let body =
        |number: usize, form: fn((&'static str, &'static str)) -> &'static str| form(CARDS[number % CARDS.len()]);
    let sent: Vec<&str> = (0..COUNT).flat_map(|number| [body(number, |card| card.0), "\n"]).collect();
    let masked: Vec<&str> = (0..COUNT).flat_map(|number| [body(number, |card| card.1), "\n"]).collect();
    let mut request = post("/", &[&sent.concat()], Framing::Chunked);
    request.message.headers = vec![("content-type".into(), "text/csv".into())];
    let response = Client::http1(sidecar.envoy.listener).send(&request).await?.context("no response")?;
    ensure!(response.body == masked.concat().as_bytes(), "not every card is masked");
    ensure!(sidecar.envoy.is_alive()?, "Envoy died: {}", sidecar.envoy.log());
    let line = sidecar.envoy.access_log(1).await?.remove(0);
    let found = line["panveil_found"].as_str().unwrap_or_default();
    ensure!(found == COUNT.to_string(), "found {found}");
    let record = line["panveil_record"].as_str().unwrap_or_default();
    ensure!(!record.is_empty() && record.len() < 8192, "a record of {} bytes", record.len());
    Ok(())
}

/// Every counter family, with the labels of the shipped configuration.
async fn counters(build: Build) -> Result<()> {
    let sidecar = Sidecar::start(&build.envoy, build.settings("{}")).await?;
    let client = Client::http1(sidecar.envoy.listener);
    sidecar.upstream.script(Script::Answer(Response { status: 200, message: Message::default() }));
    let body = "{\"card\":\"4111111111111111\"}";
    client.send(&post("/", &[body], Framing::Length)).await?;
    client.get("/").await?;
    let mut unreadable = post("/", &["\u{1f}\u{8b}"], Framing::Length);
    unreadable.message.headers.push(("content-encoding".into(), "compress".into()));
    client.send(&unreadable).await?;
    let inspected = body.len() as u64;
    let wanted = [
        (r#"panveil_findings_total{direction="request",place="body",brand="visa",action="masked"}"#, 1),
        (r#"panveil_messages_total{direction="request",outcome="masked"}"#, 1),
        (r#"panveil_messages_total{direction="request",outcome="clean"}"#, 1),
        (r#"panveil_messages_total{direction="request",outcome="uninspected"}"#, 1),
        (r#"panveil_messages_total{direction="response",outcome="clean"}"#, 3),
        (r#"panveil_inspected_bytes_total{direction="request"}"#, inspected),
        (r#"panveil_uninspected_total{direction="request",reason="encoding"}"#, 1),
    ];
    let mut missing = String::new();
    // Batched counters appear with the filter's next tick.
    for _ in 0..50 {
        let counters = sidecar.envoy.counters().await?;
        let wrong = wanted.iter().filter(|(name, value)| counters.get(&canonical(name)) != Some(value));
        missing = wrong.map(|(name, value)| format!("\n  wanted {name} {value}")).collect();
        if missing.is_empty() {
            let info = counters.keys().any(|name| name.starts_with("panveil_config_info{mode=\"enforce\",version=\""));
            ensure!(info, "no panveil_config_info: {counters:?}");
            return Ok(());
        }
        missing.push_str(&format!("\n  seen {counters:#?}"));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("counters:{missing}")
}

/// Card numbers in every location at once, masked and blocked: no file and no admin page may contain one.
async fn silence(build: Build) -> Result<()> {
    let cards: Vec<String> = CARDS.iter().map(|(card, _)| (*card).to_owned()).collect();
    for policy in
        ["{}", r#"{"request":"block","response":"block"}"#, r#"{"mode":"monitor"}"#, r#"{"audit":{"clean":true}}"#]
    {
        let sidecar = Sidecar::start(&build.envoy, build.settings(policy)).await?;
        let carried = Message {
            headers: vec![
                ("x-card".into(), cards[1].clone()),
                ("user-agent".into(), format!("shop {}", cards[2])),
                ("referer".into(), format!("https://shop.example/?card={}", cards[3])),
            ],
            pieces: vec![format!("a={}&b={}", cards[0], cards[2]).into_bytes()],
            framing: Framing::Chunked,
            trailers: vec![],
        };
        sidecar.upstream.script(Script::Answer(Response { status: 200, message: carried.clone() }));
        let path = format!("/pay/{}?card={}", cards[3], cards[0]);
        for (method, message) in [("GET", Message::default()), ("POST", carried)] {
            let request = Request { method: method.into(), path: path.clone(), message };
            Client::http1(sidecar.envoy.listener).send(&request).await?;
            Client::http2(sidecar.envoy.listener).send(&request).await?;
        }
        let lines = sidecar.envoy.access_log(4).await?;
        ensure!(lines.iter().all(|line| line["panveil_found"].is_string()), "{policy}: no report: {lines:?}");
        let leaks = leaks(&sidecar.envoy, &cards, &[]).await?;
        ensure!(leaks.is_empty(), "{policy}: {}", leaks.join("\n"));
    }
    Ok(())
}

/// Envoy rejects a request without a host before any filter runs, and logs it.
async fn refused(build: Build) -> Result<()> {
    let sidecar = Sidecar::start(&build.envoy, build.settings("{}")).await?;
    let client = Client::http1(sidecar.envoy.listener);
    let response =
        client.send_bytes(b"GET /pay?card=4111111111111111 HTTP/1.1\r\n\r\n").await?.context("no response")?;
    ensure!(response.status == 400, "{}", response.summary());
    let line = sidecar.envoy.access_log(1).await?.remove(0);
    ensure!(line["details"] == "missing_host_header", "{line:?}");
    ensure!(line["path"] == "/pay?card=****************", "{line:?}");
    let leaks = leaks(&sidecar.envoy, &["4111111111111111".to_owned()], &[]).await?;
    ensure!(leaks.is_empty(), "{}", leaks.join("\n"));
    Ok(())
}
