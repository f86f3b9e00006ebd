//! Envoy of a workload: the shipped sidecar with mutual TLS to other sidecars and a listener for outbound requests, as
//! in Istio. panveil runs on inbound traffic only, as the control plane delivers it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::workload::{TRUST_DOMAIN, Workload};
use crate::certificates::Authority;
use crate::envoy::{CONNECTION_MANAGER, Credential, Envoy, Filter, Settings, credential, socket};
use crate::istio::{Chain, Plugin, sidecar_in};
use crate::sidecar::Build;

const MESH_CONFIG: &str = include_str!("../../../envoy-config/istio/telemetry/mesh-config.yaml");
const LISTENERS: &str = "/static_resources/listeners";
const OUTBOUND: &str = "outbound";
const STEP: Duration = Duration::from_millis(10);
const MOST_STEPS: usize = 500;

/// Sidecar of a workload.
#[derive(Debug)]
pub struct Proxy {
    /// Workload.
    pub workload: &'static Workload,
    /// Envoy. Other sidecars connect to its listener.
    pub envoy: Envoy,
    /// Address of the outbound listener, an HTTP proxy for the workload.
    pub outbound: SocketAddr,
    /// Number of inbound streams so far.
    arrived: usize,
    chain: Chain,
}

/// Parts of the mesh that a proxy needs.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'m> {
    /// Filter and Envoy.
    pub build: &'m Build,
    /// Authority of the certificates.
    pub authority: &'m Authority,
}

impl Proxy {
    /// Starts the sidecar of `workload` with the upstream at `service` and these plugins. It can call those in
    /// `others`.
    ///
    /// # Errors
    ///
    /// When it does not get ready.
    pub async fn start(
        mesh: Surroundings<'_>,
        workload: &'static Workload,
        service: SocketAddr,
        plugins: Vec<Plugin>,
        others: &[&Self],
    ) -> Result<Self> {
        let own = mesh.authority.issue(&workload.subject)?;
        let trusted = mesh.authority.certificate();
        let chain = Chain::new(workload.namespace, plugins)?;
        let mut settings = Settings::new(Filter::Shipped, service);
        // Added before panveil is added to the first listener: outbound requests are inspected at the receiving sidecar
        // (`match: SERVER`).
        settings.differ(outbound(others))?;
        settings.differ(chain.operations())?;
        settings.differ(inbound(&own, &trusted))?;
        for other in others {
            settings.differ(json!([{
                "op": "add",
                "path": "/static_resources/clusters/-",
                "value": cluster(other, &own, &trusted),
            }]))?;
        }
        settings.differ(sidecar_in(workload.namespace, workload.name, &serde_saphyr::from_str(MESH_CONFIG)?)?)?;
        let envoy = Envoy::start(&mesh.build.envoy, &settings)
            .await
            .with_context(|| format!("the sidecar of {}", workload.name))?;
        let refused = envoy.stats("config_fail").await?;
        ensure!(
            refused.values().sum::<u64>() == 0,
            "the sidecar of {} does not take panveil: {}",
            workload.name,
            envoy.last_word()
        );
        let outbound = *envoy.listeners().await?.get(OUTBOUND).context("no listener for what is sent")?;
        Ok(Self { workload, envoy, outbound, arrived: 0, chain })
    }

    /// Log metadata of the last inbound stream. Empty when panveil set none.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub async fn told(&mut self) -> Result<Map<String, Value>> {
        for _ in 0..MOST_STEPS {
            let lines = self.envoy.access_log(0).await?;
            // panveil does not inspect outbound requests, so their lines have no path.
            let mut arrived: Vec<_> = lines.into_iter().filter(|line| line["path"].is_string()).collect();
            if arrived.len() > self.arrived {
                self.arrived = arrived.len();
                return Ok(arrived.pop().unwrap_or_default());
            }
            sleep(STEP).await;
        }
        Ok(Map::new())
    }

    /// Delivers these plugins as another version, and waits until Envoy has loaded them.
    ///
    /// # Errors
    ///
    /// When it does not load them.
    pub async fn deliver(&self, version: &str, plugins: &[Plugin]) -> Result<()> {
        let before = self.loaded().await?;
        self.chain.update(version, plugins)?;
        for _ in 0..MOST_STEPS {
            if self.loaded().await? > before {
                return Ok(());
            }
            sleep(STEP).await;
        }
        bail!("the sidecar of {} does not load a changed plugin: {}", self.workload.name, self.envoy.last_word())
    }

    /// Number of deliveries that Envoy has loaded.
    async fn loaded(&self) -> Result<u64> {
        Ok(self.envoy.stats("config_reload").await?.values().sum())
    }

    /// Name of its pod in findings of an audit.
    #[must_use]
    pub fn pod(&self) -> String {
        format!("{}-1.{}", self.workload.name, self.workload.namespace)
    }
}

/// TLS context that requires a client certificate of the mesh.
fn inbound(own: &Credential, trusted: &str) -> Value {
    let identity = json!({"san_type": "URI", "matcher": {"prefix": TRUST_DOMAIN}});
    let context = json!({
        "common_tls_context": context(own, trusted, &identity),
        "require_client_certificate": true,
    });
    json!([
        {"op": "add", "path": format!("{LISTENERS}/0/traffic_direction"), "value": "INBOUND"},
        {
            "op": "add",
            "path": format!("{LISTENERS}/0/filter_chains/0/transport_socket"),
            "value": socket("DownstreamTlsContext", context),
        },
        {"op": "add", "path": format!("{CONNECTION_MANAGER}/forward_client_cert_details"), "value": "APPEND_FORWARD"},
        {
            "op": "add",
            "path": format!("{CONNECTION_MANAGER}/set_current_client_cert_details"),
            "value": {"subject": true, "dns": true, "uri": true},
        },
    ])
}

/// Copy of the shipped listener without panveil, which routes each host to its sidecar.
fn outbound(others: &[&Proxy]) -> Value {
    let connection_manager = CONNECTION_MANAGER.replacen("/0", "/1", 1);
    let host = |other: &&Proxy| {
        let host = other.workload.host;
        json!({
            "name": host,
            "domains": [host],
            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": cluster_name(other.workload), "timeout": "0s"}}],
        })
    };
    let hosts: Vec<Value> = others.iter().map(host).collect();
    json!([
        {"op": "copy", "from": format!("{LISTENERS}/0"), "path": format!("{LISTENERS}/-")},
        {"op": "replace", "path": format!("{LISTENERS}/1/name"), "value": OUTBOUND},
        {"op": "replace", "path": format!("{LISTENERS}/1/address/socket_address/port_value"), "value": 0},
        {"op": "add", "path": format!("{LISTENERS}/1/traffic_direction"), "value": "OUTBOUND"},
        {"op": "replace", "path": format!("{connection_manager}/stat_prefix"), "value": OUTBOUND},
        {"op": "replace", "path": format!("{connection_manager}/route_config/virtual_hosts"), "value": hosts},
        {"op": "remove", "path": format!("{connection_manager}/http_filters/0")},
    ])
}

/// Cluster of another workload, whose certificate must have its identity.
fn cluster(other: &Proxy, own: &Credential, trusted: &str) -> Value {
    let name = cluster_name(other.workload);
    let address = other.envoy.listener;
    let identity = json!({"san_type": "URI", "matcher": {"exact": other.workload.identity()}});
    let context = json!({"common_tls_context": context(own, trusted, &identity), "sni": other.workload.host});
    let endpoint = json!({"address": {"socket_address": {"address": address.ip(), "port_value": address.port()}}});
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]},
        "transport_socket": socket("UpstreamTlsContext", context),
    })
}

/// Cluster name in the format of Istio.
fn cluster_name(workload: &Workload) -> String {
    format!("outbound|80||{}", workload.host)
}

fn context(own: &Credential, trusted: &str, identity: &Value) -> Value {
    json!({
        "tls_certificates": [credential(own)],
        "validation_context": {
            "trusted_ca": {"inline_string": trusted},
            "match_typed_subject_alt_names": [identity],
        },
    })
}
