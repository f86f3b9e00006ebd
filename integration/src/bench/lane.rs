//! What does one contestant do with one scenario? An Envoy of its own, its load, and what was measured of it.

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
use crate::envoy::{Asks, Door, Envoy, Settings};

/// The listener with TLS, beside the shipped one.
const DOOR: &str = "tls";

/// What was measured of one contestant in one scenario: one value a round.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Microseconds that Envoy computed for an exchange.
    pub cpu: Sample,
    /// Median latency of a round, in microseconds.
    pub p50: Sample,
    /// The 99th percentile, in microseconds.
    pub p99: Sample,
    /// Exchanges a second.
    pub rate: Sample,
    /// Bytes of memory that Envoy has at the end; of several, the one with the most.
    pub resident: u64,
    /// The most memory that Envoy ever had, in bytes.
    pub peak: u64,
    /// Cards that were masked in one exchange.
    pub masked: usize,
}

impl Figures {
    /// Adds what was measured of another process with the same contestant.
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

/// An Envoy with one contestant, and clients connected to it.
pub(super) struct Lane {
    load: Load,
    figures: Figures,
    envoy: Envoy,
    _service: Service,
}

impl Lane {
    /// Starts it, with a service of its own whatever the settings say, and carries one exchange. `masks`: whether what is
    /// a card must be masked, or must not be.
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
            let door = Door::new(DOOR).tls(&authority.issue(&subject)?, "", Asks::Never);
            settings.doors.push(door);
        }
        let mut envoy = Envoy::start(envoy, &settings).await?;
        let address = match &authority {
            Some(_) => *envoy.listeners().await?.get(DOOR).context("no listener with TLS")?,
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

    /// Sends for this long, measuring.
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

    /// Sends for this long, so that connections, caches and the virtual machine settle.
    pub(super) async fn warm_up(&mut self, time: Duration) -> Result<()> {
        self.load.send(time).await.map(drop)
    }

    /// Ends it.
    pub(super) fn close(mut self) -> Result<Figures> {
        ensure!(self.envoy.is_alive()?, "Envoy died");
        let memory = self.envoy.memory().context("Envoy's memory")?;
        (self.figures.resident, self.figures.peak) = (memory.resident, memory.peak);
        Ok(self.figures)
    }
}
