//! Multipart uploads of a real client, with card numbers in a field, in a file and in its name, and with an image.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use libtest_mimic::Trial;
use panveil_integration::observation::values;
use panveil_integration::peers::Python;
use panveil_integration::sidecar::{Build, Sidecar};

use super::{CARD, MASKED, unharmed, with_python};

pub fn trials(build: &Build) -> Vec<Trial> {
    vec![
        with_python(build, "multipart::http1", |build, python| Box::pin(upload(build, python, "http1"))),
        with_python(build, "multipart::http2", |build, python| Box::pin(upload(build, python, "http2"))),
    ]
}

async fn upload(build: Build, python: Python, version: &str) -> Result<()> {
    let mut sidecar = Sidecar::start(&build.envoy, build.settings("{}")).await?;
    let url = format!("http://{}/upload", sidecar.envoy.listener);
    let mut script = python.start("upload_client", &[&url, version, CARD])?;
    let sent = BASE64_STANDARD.decode(script.told("sent").await?)?;
    ensure!(script.told("status").await? == "200");
    script.end().await?;
    let (received, _) = sidecar.upstream.take().await?;
    let received = received.first().context("no whole request")?;
    let (wanted, cards) = masked(&sent);
    ensure!(cards == 4 && received.body == wanted, "{}", String::from_utf8_lossy(&received.body));
    ensure!(values(&received.headers, "content-type")[0].ends_with("9051914041544843365972754266"));
    ensure!(values(&received.headers, "content-length") == [sent.len().to_string()]);
    let line = unharmed(&mut sidecar.envoy, 1).await?.remove(0);
    ensure!(line["panveil_found"].as_str() == Some(cards.to_string().as_str()), "{line:?}");
    Ok(())
}

/// Form with its card numbers masked, and their number.
fn masked(form: &[u8]) -> (Vec<u8>, usize) {
    let mut masked = form.to_vec();
    let found = form.windows(CARD.len()).enumerate().filter(|(_, window)| *window == CARD.as_bytes());
    let places: Vec<usize> = found.map(|(at, _)| at).collect();
    for at in &places {
        masked[*at..at + CARD.len()].copy_from_slice(MASKED.as_bytes());
    }
    (masked, places.len())
}
