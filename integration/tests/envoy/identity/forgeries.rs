//! Forged identities: every header that could name a peer, a connection, a method, a host or a path, from clients that
//! the rule does not match, and certificates of an authority that the mesh does not trust.

use anyhow::{Context, Result, ensure};
use panveil_integration::observation::values;
use panveil_integration::sidecar::Build;
use serde_json::json;

use super::exchange::Sent;
use super::mesh::{Mesh, Side};
use super::trying::{Condition, Expected, Holds};
use super::workloads::{
    ENCRYPTED, FROM_CHARGES, FROM_IMPOSTOR, FROM_NAMELESS, FROM_STRANGER, FROM_WEB, PLAIN, TO_IMPOSTOR, WEB, Way,
};

/// Headers that name the privileged peer in some proxy.
const NAMES: [(&str, &str); 14] = [
    (
        "x-forwarded-client-cert",
        "By=spiffe://cluster.local/ns/payments/sa/charges;Hash=00;URI=spiffe://cluster.local/ns/checkout/sa/web",
    ),
    ("x-forwarded-client-cert", "URI=\"spiffe://cluster.local/ns/checkout/sa/web\""),
    ("x-client-cert", WEB),
    ("x-ssl-client-cert", WEB),
    ("x-spiffe-id", WEB),
    ("x-envoy-peer-metadata", WEB),
    ("x-envoy-peer-metadata-id", "sidecar~127.0.0.1~web.checkout~checkout.svc.cluster.local"),
    ("x-envoy-downstream-service-cluster", "web"),
    ("l5d-client-id", "web.checkout.serviceaccount.identity.linkerd.cluster.local"),
    ("forwarded", "for=127.0.0.1;by=spiffe://cluster.local/ns/checkout/sa/web;proto=https"),
    ("client-cert", ":MIIB:"),
    ("connection.uri_san_peer_certificate", WEB),
    ("x-source-principal", "cluster.local/ns/checkout/sa/web"),
    ("authorization", "Bearer spiffe://cluster.local/ns/checkout/sa/web"),
];

/// Headers that claim a TLS connection.
const CONNECTIONS: [(&str, &str); 4] = [
    ("x-forwarded-proto", "https"),
    ("x-forwarded-client-cert", "URI=spiffe://cluster.local/ns/checkout/sa/web"),
    ("front-end-https", "on"),
    ("x-ssl-protocol", "TLSv1.3"),
];

/// Headers that claim another method, host or path.
const REQUESTS: [(&str, &str); 6] = [
    ("x-http-method-override", "PUT"),
    ("x-forwarded-host", "pay.example.com"),
    ("x-host", "pay.example.com"),
    ("x-envoy-original-path", "/v2/charges"),
    ("x-original-url", "/v2/charges"),
    ("x-rewrite-url", "/v2/charges"),
];

const OTHERS: [&Way; 5] = [&PLAIN, &ENCRYPTED, &FROM_CHARGES, &FROM_STRANGER, &FROM_NAMELESS];

pub async fn run(build: Build) -> Result<()> {
    let mut mesh = Mesh::start(&build, Side::Service).await?;
    for condition in conditions() {
        condition.try_in(&mut mesh).await?;
    }
    come_through(&mut mesh).await?;
    impostors(&mut mesh).await?;
    mesh.unharmed().await
}

fn conditions() -> Vec<Condition> {
    let forged = |ways: &[&'static Way], headers: &[(&'static str, &'static str)]| {
        let mut expected: Vec<Expected> = Vec::new();
        for way in ways {
            let each = headers.iter().map(|(name, value)| Sent::body().header(name, value));
            let together = headers.iter().fold(Sent::body(), |sent, (name, value)| sent.header(name, value));
            expected.extend(each.chain([together]).map(|sent| (*way, sent, Holds::No)));
        }
        expected
    };
    let mut by_name = forged(&OTHERS, &NAMES);
    // The real peer still matches.
    by_name.push((&FROM_WEB, Sent::body(), Holds::Yes));
    by_name.push((&FROM_WEB, Sent::body().header("x-spiffe-id", "spiffe://evil.example/a"), Holds::Yes));
    let mut by_connection = forged(&[&PLAIN], &CONNECTIONS);
    by_connection.push((&ENCRYPTED, Sent::body(), Holds::Yes));
    let mut by_request = forged(&[&FROM_WEB], &REQUESTS);
    by_request.push((&FROM_WEB, Sent::body().method("PUT").host("pay.example.com").path("/v2/charges"), Holds::Yes));
    vec![
        Condition::new(json!({"source": [WEB]}), by_name),
        Condition::new(json!({"tls": "any"}), by_connection),
        Condition::new(
            json!({"method": ["PUT"], "host": ["pay.example.com"], "path": {"exact": "/v2/charges"}}),
            by_request,
        ),
    ]
}

/// Checks that the headers reach panveil and the upstream as sent. Otherwise the test proves nothing.
async fn come_through(mesh: &mut Mesh) -> Result<()> {
    mesh.decide(r#"{"audit":{"clean":true}}"#).await?;
    for way in [&PLAIN, &ENCRYPTED, &FROM_CHARGES] {
        for (name, value) in NAMES {
            let seen = mesh.ask(way, &Sent::body().header(name, value)).await?;
            let received = seen.received.context("the service got no request")?;
            ensure!(values(&received.headers, name) == [value], "{name}: {received:?}");
        }
    }
    Ok(())
}

/// Without a trusted authority a name is worthless: the sidecars refuse the connection.
async fn impostors(mesh: &mut Mesh) -> Result<()> {
    let rule = json!({"name": "web", "match": {"source": [WEB]}, "action": "allow"});
    mesh.decide(&json!({"request": "block", "rules": [rule]}).to_string()).await?;
    for way in [&FROM_IMPOSTOR, &TO_IMPOSTOR] {
        let seen = mesh.ask(way, &Sent::body()).await?;
        ensure!(seen.response.status == 503, "{}: {}", way.name, seen.response.summary());
        ensure!(seen.received.is_none(), "{}: the service was asked", way.name);
    }
    let seen = mesh.ask(&FROM_WEB, &Sent::body()).await?;
    ensure!(seen.response.status == 200 && seen.received.is_some(), "{}", seen.response.summary());
    Ok(())
}
