//! Tests of the harness itself: without panveil, every message must be observed as it was sent.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Case, Cut, Protocol, parse};
use panveil_integration::envoy::{Filter, Settings};
use panveil_integration::observation::check;
use panveil_integration::sidecar::{Build, Sidecar};

use crate::trial::trial;

const EXCHANGE: &str = r#"
[[case]]
name = "unchanged"
about = "All that can be sent, in three pieces each."
[case.request]
method = "PUT"
path = "/a/4111111111111111?b=c"
headers = [["x-a", "1"], ["x-a", "2"], ["content-type", "text/plain"]]
body = ["first ", "second ", "third"]
framing = "chunked"
[case.response]
status = 201
headers = [["set-cookie", "a=b"], ["set-cookie", "c=d"]]
body = ["one ", "two ", "three"]
[case.expect]
"#;

const LEAK: &str = r#"
[[case]]
name = "leak"
about = "A card that nobody masks."
cards = ["4111111111111111"]
[case.request]
body = ["4111111111111111"]
[case.response]
body = ["4111111111111111"]
[case.expect]
request.body = "411111******1111"
response.body = "411111******1111"
log = { action = "masked", found = 2 }
"#;

pub fn trials(build: &Build) -> Vec<Trial> {
    let mut trials = Vec::new();
    for protocol in [Protocol::Http1, Protocol::Http2, Protocol::Http1ToHttp2, Protocol::Http2ToHttp1] {
        let build = build.clone();
        let name = format!("harness::without_the_filter::{}", protocol.name());
        trials.push(trial(name, move || without_the_filter(build, protocol)));
    }
    let build = build.clone();
    trials.push(trial("harness::a_leak_is_seen", move || a_leak_is_seen(build)));
    trials
}

async fn without_the_filter(build: Build, protocol: Protocol) -> Result<()> {
    let mut case: Case = parse("harness", EXCHANGE)?.pop().context("no case")?;
    if protocol.client_http2() && protocol.service_http2() {
        case.request.message.trailers.push(("x-after".into(), "body".into()));
        case.response.message.trailers.push(("x-end".into(), "of it".into()));
        case.response.message.framing = panveil_integration::case::Framing::Chunked;
    }
    let mut settings = Settings::new(Filter::None, ([127, 0, 0, 1], 0).into());
    settings.service_http2 = protocol.service_http2();
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    for _ in 0..2 {
        let mut seen = sidecar.run(&case, protocol, Cut::AsGiven).await?;
        ensure!(!seen.log.contains_key("path"), "only the filter provides a path to log");
        seen.log.insert("path".into(), case.request.path.clone());
        check(&case, &seen).map_err(anyhow::Error::msg)?;
    }
    Ok(())
}

async fn a_leak_is_seen(build: Build) -> Result<()> {
    let case: Case = parse("harness", LEAK)?.pop().context("no case")?;
    let settings = Settings::new(Filter::None, ([127, 0, 0, 1], 0).into());
    let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
    let seen = sidecar.run(&case, Protocol::Http1, Cut::AsGiven).await?;
    let told = check(&case, &seen).err().context("nothing was told")?;
    for difference in ["request body", "response body", "log action", "log path"] {
        ensure!(told.contains(difference), "{difference} was not told: {told}");
    }
    Ok(())
}
