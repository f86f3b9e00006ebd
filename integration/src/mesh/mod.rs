//! Mesh demo: third-party services, each with its own Envoy, mutual TLS between the Envoys, and the shipped overlays as
//! Istio delivers them. It shows the resulting card numbers, and the metrics of a real Prometheus.
//!
//! ```text
//!  shop                                             payments
//!  till ──→ checkout's sidecar ──── mutual TLS ────→ payment-api's sidecar ──→ payment API
//!                 │                                        ↑
//!                 └──→ tickets' sidecar ←──→ tickets ──────┘
//! ```

mod evidence;
mod frame;
mod page;
mod proxy;
mod services;
mod story;
mod truth;
mod watch;
mod workload;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

pub use self::evidence::Evidence;
pub use self::frame::{invitation, opening};
pub use self::page::{Claim, verdict};
pub use self::proxy::Proxy;
pub use self::workload::{CHECKOUT, PAYMENT_API, TICKETS, Workload};

use self::proxy::Surroundings;
use self::services::{PaymentApi, Till};
use self::truth::Truth;
use self::watch::Watch;
use crate::certificates::Authority;
use crate::istio::{Plugin, Release, render};
use crate::peers::Python;
use crate::sidecar::Build;
use crate::upstream::{Script, Upstream};

/// Overlays, by namespace.
const OVERLAYS: [(&str, &str); 2] = [("payments", "overlays/payment-api"), ("shop", "overlays/mask")];

/// Binaries and settings of a mesh.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Filter and Envoy.
    pub build: Build,
    /// Python for the third-party services.
    pub python: Python,
    /// Binary that renders the overlays.
    pub kustomize: PathBuf,
    /// Folder with Prometheus. Without it there are no claims about metrics.
    pub prometheus: Option<PathBuf>,
    /// The command, for audits and a report. Without it there are no claims about evidence.
    pub evidence: Option<Evidence>,
    /// Policy in place of those in the overlays, to test the claims.
    pub policy: Option<Value>,
}

/// Three running workloads.
#[derive(Debug)]
pub struct Mesh {
    /// Sidecar of the payment API.
    pub payment_api: Proxy,
    /// Sidecar of the till.
    pub checkout: Proxy,
    /// Sidecar of the ticket service.
    pub tickets: Proxy,
    api: PaymentApi,
    till: Till,
    ticket_service: Upstream,
    _checkout_service: Upstream,
    watch: Option<Watch>,
    authority: Authority,
    truth: Truth,
    parts: Parts,
}

impl Mesh {
    /// Starts the mesh. Calls `next` with the name of each part before its start.
    ///
    /// # Errors
    ///
    /// When a part does not start.
    pub async fn start(parts: &Parts, next: impl Fn(&str)) -> Result<Self> {
        let module = &parts.build.module;
        ensure!(module.is_file(), "{}: no such file; `make wasm` builds it", module.display());
        let authority = Authority::new("mesh")?;
        let mesh = Surroundings { build: &parts.build, authority: &authority };
        next("the payment API");
        let api = PaymentApi::start(&parts.python).await?;
        let ticket_service = Upstream::start(0, Script::Echo).await?;
        let checkout_service = Upstream::start(0, Script::Echo).await?;
        next("the sidecar of the payment API");
        let payment_api =
            Proxy::start(mesh, &PAYMENT_API, api.address, parts.plugins(&PAYMENT_API, |_| {})?, &[]).await?;
        next("the sidecar of the tickets");
        let service = ticket_service.address;
        let tickets = Proxy::start(mesh, &TICKETS, service, parts.plugins(&TICKETS, |_| {})?, &[&payment_api]).await?;
        next("the sidecar of the checkout");
        let (service, others) = (checkout_service.address, [&payment_api, &tickets]);
        let checkout = Proxy::start(mesh, &CHECKOUT, service, parts.plugins(&CHECKOUT, |_| {})?, &others).await?;
        let till = Till::start(&parts.python, PAYMENT_API.host, checkout.outbound)?;
        next("Prometheus");
        let watch = match &parts.prometheus {
            Some(binaries) => Some(Watch::start(binaries, &[&payment_api, &tickets, &checkout]).await?),
            None => None,
        };
        Ok(Self {
            payment_api,
            checkout,
            tickets,
            api,
            till,
            ticket_service,
            _checkout_service: checkout_service,
            watch,
            authority,
            truth: Truth::default(),
            parts: parts.clone(),
        })
    }

    /// Runs the demonstration, and calls `claimed` with each claim.
    ///
    /// # Errors
    ///
    /// When a step cannot be run. A failed claim is no error.
    pub async fn tell(&mut self, claimed: impl FnMut(&Claim)) -> Result<Vec<Claim>> {
        story::tell(self, claimed).await
    }

    /// Makes the ticket service echo its requests from now on.
    pub fn echo(&self) {
        self.ticket_service.script(Script::Echo);
    }

    /// Listening address of Prometheus.
    #[must_use]
    pub fn prometheus(&self) -> Option<std::net::SocketAddr> {
        self.watch.as_ref().map(Watch::address)
    }
}

impl Parts {
    /// Plugins that the control plane delivers to the sidecar of this workload, from the changed manifests of its overlay.
    fn plugins(&self, workload: &Workload, change: impl Fn(&mut Value)) -> Result<Vec<Plugin>> {
        let namespace = workload.namespace;
        let (_, overlay) = OVERLAYS.iter().find(|(of, _)| *of == namespace).context("no overlay for a namespace")?;
        let mut plugins = Vec::new();
        for mut manifest in render(&self.kustomize, overlay)? {
            if manifest["kind"] != "WasmPlugin" {
                continue;
            }
            ensure!(manifest["metadata"]["namespace"] == namespace, "{overlay} is for another namespace");
            if let Some(policy) = &self.policy {
                manifest["spec"]["pluginConfig"] = policy.clone();
            }
            change(&mut manifest);
            plugins.push(Plugin::of(&manifest, Release::From1_30, &self.build.module)?);
        }
        ensure!(plugins.len() == 1, "{overlay}: {} plugins", plugins.len());
        Ok(plugins)
    }
}
