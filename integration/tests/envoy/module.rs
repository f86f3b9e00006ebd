//! Imports of the built module: only the host calls that panveil needs.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use panveil_integration::case::{Framing, Message, Request, Response};
use panveil_integration::client::Client;
use panveil_integration::envoy::{Filter, Settings};
use panveil_integration::sidecar::{Build, Sidecar};
use panveil_integration::upstream::Script;
use walrus::Module;

use crate::trial::trials;

const ABI: &str = "env";
const SYSTEM: &str = "wasi_snapshot_preview1";

/// Host calls of panveil.
const CALLED: [&str; 15] = [
    "proxy_add_header_map_value",
    "proxy_call_foreign_function",
    "proxy_define_metric",
    "proxy_get_buffer_bytes",
    "proxy_get_header_map_pairs",
    "proxy_get_property",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_record_metric",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_send_local_response",
    "proxy_set_buffer_bytes",
    "proxy_set_property",
    "proxy_set_tick_period_milliseconds",
];

/// System calls of the standard library: random seeds of hash maps, the environment, and error output and exit.
const OF_THE_SYSTEM: [&str; 5] = ["environ_get", "environ_sizes_get", "fd_write", "proc_exit", "random_get"];

pub fn trials(build: &Build) -> Vec<Trial> {
    trials!(build, "module", {
        "asks_the_system_for_nothing_else" => of_the_system,
        "calls_nothing_else" => calls,
    })
}

/// No clock, no file, no argument.
async fn of_the_system(build: Build) -> Result<()> {
    let imports = imports(&Module::from_file(&build.module)?);
    let strangers: Vec<_> = imports
        .iter()
        .filter(|(module, name)| match module.as_str() {
            ABI => !name.starts_with("proxy_"),
            SYSTEM => !OF_THE_SYSTEM.contains(&name.as_str()),
            _ => true,
        })
        .collect();
    ensure!(strangers.is_empty(), "{strangers:?}");
    let missing: Vec<_> = CALLED.iter().filter(|name| !imports.contains(&(ABI.into(), (**name).into()))).collect();
    ensure!(missing.is_empty(), "not imported any more: {missing:?}");
    Ok(())
}

/// The SDK imports the complete ABI. In this module every other import crashes the VM, and so does the exit. Streams
/// with card numbers in all locations, and one blocked in each, must not reach them.
async fn calls(build: Build) -> Result<()> {
    let mut module = Module::from_file(&build.module)?;
    let forbidden: Vec<_> = imports(&module)
        .into_iter()
        .filter(|(module, name)| (module == ABI && !CALLED.contains(&name.as_str())) || name == "proc_exit")
        .collect();
    ensure!(forbidden.iter().any(|(_, name)| name == "proxy_continue_stream"), "{forbidden:?}");
    for (namespace, name) in &forbidden {
        let function = module.imports.get_func(namespace, name)?;
        module.replace_imported_func(function, |(body, _)| {
            body.unreachable();
        })?;
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("panveil.wasm");
    module.emit_wasm_file(&path)?;

    let (card, masked) = ("4111111111111111", "411111******1111");
    let message = |place: usize| {
        let at =
            |here: usize, text: &str| if place == here || place == PLACES { text.to_owned() } else { String::new() };
        Message {
            headers: vec![("content-type".into(), "text/plain".into()), ("x-card".into(), at(1, card))],
            pieces: vec!["card ".into(), at(2, card).into()],
            framing: Framing::Chunked,
            trailers: vec![("x-end".into(), at(3, card))],
        }
    };
    for policy in ["{}", r#"{"request":"block"}"#, r#"{"response":"block"}"#] {
        let filter = Filter::Panveil { module: path.clone(), policy: policy.to_owned() };
        let mut settings = Settings::new(filter, ([127, 0, 0, 1], 0).into());
        settings.service_http2 = true;
        let mut sidecar = Sidecar::start(&build.envoy, settings).await?;
        let client = Client::http2(sidecar.envoy.listener);
        for place in 0..=PLACES {
            sidecar.upstream.script(Script::Answer(Response { status: 200, message: message(place) }));
            let path = format!("/?card={}", if place == 0 || place == PLACES { card } else { "" });
            let response = client.send(&Request { method: "POST".into(), path, message: message(place) }).await?;
            if policy == "{}" {
                let body = response.context("no response")?.body;
                let wanted = if place == 2 || place == PLACES { format!("card {masked}") } else { "card ".to_owned() };
                ensure!(body == wanted.as_bytes(), "{}", String::from_utf8_lossy(&body));
            }
        }
        // Ticks too.
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        let lines = sidecar.envoy.access_log(PLACES + 1).await?;
        let details: BTreeSet<_> = lines.iter().filter_map(|line| line["details"].as_str()).collect();
        ensure!(!details.contains("wasm_fail_stream"), "{policy}: {details:?} {}", sidecar.envoy.log());
        let log = sidecar.envoy.log();
        ensure!(!log.contains("unreachable"), "{policy}: {log}");
        // Envoy rejected none of panveil's own calls.
        ensure!(!log.lines().any(|line| line.contains("wasm log") && !line.contains("[info]")), "{policy}: {log}");
        ensure!(sidecar.envoy.is_alive()?);
    }
    Ok(())
}

/// Path, headers, body, trailers.
const PLACES: usize = 4;

fn imports(module: &Module) -> Vec<(String, String)> {
    module.imports.iter().map(|import| (import.module.clone(), import.name.clone())).collect()
}
