//! `panveil status`: the state of panveil in each proxy, from pages of Envoy's admin interface.

mod config_dump;
mod delivery;
mod proxy_status;
mod report;
mod stats;

use super::failure::Failure;
use super::input;
use clap::{Args, ValueEnum, ValueHint};
pub use config_dump::{ConfigDump, FilterConfig};
use proxy_status::ProxyStatus;
use stats::ProxyStats;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Largest page. A proxy of a large mesh has tens of megabytes.
const MAX_BYTES: usize = 512 << 20;

/// Prints for each proxy whether the delivered configuration of panveil is active, and otherwise the reason.
///
/// A page is a saved response of Envoy's admin interface: /config_dump or /stats/prometheus. Files whose names differ only in
/// the extension are pages of one proxy. Name them by the pod: web-1.json and web-1.prom. Only the statistics show whether
/// panveil is active. /config_dump adds the delivered configuration, and the reason if it is not active. A rejected
/// configuration is not active: a previous one is, or none.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil status web-1.json web-1.prom
  panveil status --format json *.json *.prom | jq 'select(.state != \"active\")'
  curl --silent 127.0.0.1:9901/stats/prometheus | panveil status -

Exit status: 0 if the delivered configuration is active in every proxy, 1 if it is not in at least one, 2 if a page cannot be
read.")]
pub struct Status {
    /// Saved pages, or - for standard input.
    #[arg(required = true, value_name = "PAGE", value_hint = ValueHint::FilePath)]
    pages: Vec<PathBuf>,

    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: StatusFormat,
}

/// Output format of the states.
#[derive(Clone, Copy, ValueEnum)]
enum StatusFormat {
    /// One line per proxy, and the number of proxies in each state.
    Text,
    /// One JSON object per line and proxy.
    Json,
}

/// Pages of a proxy.
#[derive(Default)]
struct ProxyPages {
    config: Option<ConfigDump>,
    stats: Option<ProxyStats>,
}

impl Status {
    /// Prints the state of each proxy.
    pub fn run(self) -> Result<ExitCode, Failure> {
        const NOT_ACTIVE: u8 = 1;

        let mut proxies: BTreeMap<String, ProxyPages> = BTreeMap::new();
        for path in &self.pages {
            proxies.entry(name(path)).or_default().read(path)?;
        }
        let statuses: Vec<(String, ProxyStatus)> = proxies
            .into_iter()
            .map(|(name, proxy)| (name, ProxyStatus::of(proxy.config.as_ref(), proxy.stats.as_ref())))
            .collect();
        match self.format {
            StatusFormat::Text => report::text(&statuses),
            StatusFormat::Json => report::json(&statuses),
        }?;
        let active = statuses.iter().all(|(_, status)| status.is_active());
        Ok(if active { ExitCode::SUCCESS } else { ExitCode::from(NOT_ACTIVE) })
    }
}

/// Name of the proxy of a page.
fn name(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

impl ProxyPages {
    fn read(&mut self, path: &Path) -> Result<(), Failure> {
        let shown = input::name(path);
        let bytes = input::text(path, MAX_BYTES, &format!("larger than {MAX_BYTES} bytes"))?;
        let text = String::from_utf8_lossy(&bytes);
        let is_second = if text.trim_start().starts_with('{') {
            let config = ConfigDump::read(&text).map_err(|problem| {
                Failure::Error(format!("{shown}: {problem}; save the page /config_dump of Envoy's admin interface"))
            })?;
            self.config.replace(config).is_some()
        } else {
            let stats = ProxyStats::read(&text).ok_or_else(|| {
                Failure::Error(format!(
                    "{shown}: neither /config_dump nor /stats/prometheus; save a page of Envoy's admin interface"
                ))
            })?;
            self.stats.replace(stats).is_some()
        };
        if is_second {
            return Err(Failure::Error(format!(
                "{shown}: second page of this kind for one proxy; name the files by pod"
            )));
        }
        Ok(())
    }
}
