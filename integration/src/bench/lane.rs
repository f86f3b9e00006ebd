//! One variant with one scenario: its own Envoy, its load and its measurements.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::load::{HOST, Load};
use super::scenario::Scenario;
use super::service::Service;
use super::text::{CARD, MASKED, count, masked};
use super::{MICROS, Sample};
use crate::certificates::{Authority, Subject};
use crate::envoy::{ClientCertificate, Envoy, ExtraListener, Settings};

/// TLS listener, besides the shipped one.
const TLS_LISTENER: &str = "tls";

/// Measurements of one variant in one scenario, one value per round.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Processor time of Envoy per stream, in microseconds.
    pub cpu: Sample,
    /// Median latency of a round, in microseconds.
    pub p50: Sample,
    /// 99th percentile of the latency, in microseconds.
    pub p99: Sample,
    /// Streams per second.
    pub rate: Sample,
    /// Resident memory of Envoy at the end, in bytes. With several processes, the largest value.
    pub resident: u64,
    /// Peak memory of Envoy, in bytes.
    pub peak: u64,
    /// Masked card numbers in one stream.
    pub masked: usize,
}

impl Figures {
    /// Adds the measurements of another process with the same variant.
    pub(super) fn extend(&mut self, other: &Self) {
        self.cpu.extend(&other.cpu);
        self.p50.extend(&other.p50);
        self.p99.extend(&other.p99);
        self.rate.extend(&other.rate);
        self.resident = self.resident.max(other.resident);
        self.peak = self.peak.max(other.peak);
        self.masked = other.masked;
    }
}

/// Envoy with one variant, and clients connected to it.
pub(super) struct Lane {
    load: Load,
    figures: Figures,
    envoy: Envoy,
    _service: Service,
}

impl Lane {
    /// Starts Envoy with an upstream of its own, which replaces the one in the settings, and carries one stream.
    /// `masks` says whether card numbers must be masked, or must not be.
    pub(super) async fn open(
        envoy: &Path,
        mut settings: Settings,
        masks: bool,
        scenario: &Arc<Scenario>,
    ) -> Result<Self> {
        let service = Service::start(Arc::clone(scenario)).await?;
        settings.service = service.address;
        settings.service_http2 = scenario.http2;
        let authority = scenario.tls.then(|| Authority::new("bench")).transpose()?;
        if let Some(authority) = &authority {
            let subject = Subject { common_name: "orders", uris: &[], dns: &[HOST] };
            let listener =
                ExtraListener::new(TLS_LISTENER).tls(&authority.issue(&subject)?, "", ClientCertificate::NotRequested);
            settings.extra_listeners.push(listener);
        }
        let mut envoy = Envoy::start(envoy, &settings).await?;
        let address = match &authority {
            Some(_) => *envoy.listeners().await?.get(TLS_LISTENER).context("no listener with TLS")?,
            None => envoy.listener,
        };
        let expected = if masks { masked(&scenario.response) } else { scenario.response.clone() };
        let authority = authority.map(|authority| authority.certificate());
        let mut load = Load::connect(address, authority.as_deref(), Arc::clone(scenario), expected).await?;
        let arrived = match load.once().await {
            Ok(arrived) => arrived,
            Err(_) if !envoy.is_alive()? => bail!("Envoy died"),
            Err(error) => return Err(error),
        };
        let figures = Figures { masked: count(&arrived, MASKED) * scenario.repeated, ..Figures::default() };
        let (cards, left) = (scenario.cards(), count(&arrived, CARD) * scenario.repeated);
        let wanted = if masks { (cards, 0) } else { (0, cards) };
        ensure!((figures.masked, left) == wanted, "{} of {cards} cards masked, {left} left", figures.masked);
        Ok(Self { load, figures, envoy, _service: service })
    }

    /// Sends and measures for this time.
    pub(super) async fn measure(&mut self, time: Duration) -> Result<()> {
        let before = self.envoy.cpu()?;
        let slice = self.load.send(time).await?;
        let spent = self.envoy.cpu()?.saturating_sub(before);
        let exchanges = slice.exchanges as f64;
        self.figures.cpu.add(spent.as_secs_f64() * MICROS / exchanges);
        self.figures.p50.add(slice.latency.median());
        self.figures.p99.add(slice.latency.quantile(0.99));
        self.figures.rate.add(exchanges / slice.elapsed.as_secs_f64());
        Ok(())
    }

    /// Sends for this time without measuring, to settle connections, caches and the VM.
    pub(super) async fn warm_up(&mut self, time: Duration) -> Result<()> {
        self.load.send(time).await.map(drop)
    }

    /// Stops it.
    pub(super) fn close(mut self) -> Result<Figures> {
        ensure!(self.envoy.is_alive()?, "Envoy died");
        let memory = self.envoy.memory().context("Envoy's memory")?;
        (self.figures.resident, self.figures.peak) = (memory.resident, memory.peak);
        Ok(self.figures)
    }
}
