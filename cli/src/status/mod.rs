//! `panveil status`: whether panveil is active in each proxy, as the admin interface of Envoy shows it.

mod config_dump;
mod proxy_status;
mod report;
mod stats;

use super::failure::Failure;
use super::input;
use clap::{Args, ValueEnum, ValueHint};
use config_dump::ConfigDump;
use proxy_status::ProxyStatus;
use stats::ProxyStats;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The longest page that is read. A proxy of a large mesh has tens of megabytes.
const MAX_BYTES: usize = 512 << 20;

/// Says for each proxy whether panveil is active in it, and otherwise why not.
///
/// A page is a saved answer of Envoy's admin interface: /config_dump or /stats/prometheus. Files whose names differ in
/// their ending only are pages of one proxy, so name them by the pod: web-1.json and web-1.prom. Only the statistics show
/// whether panveil is active; /config_dump shows what was delivered, and the reason when panveil is not there.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil status web-1.json web-1.prom
  panveil status --format json *.json *.prom | jq 'select(.state != \"active\")'
  curl --silent 127.0.0.1:9901/stats/prometheus | panveil status -

Exit status: 0 when panveil is active in each proxy, 1 when it is not in one, 2 when a page cannot be read.")]
pub struct Status {
    /// Saved pages, or - for standard input.
    #[arg(required = true, value_name = "PAGE", value_hint = ValueHint::FilePath)]
    pages: Vec<PathBuf>,

    /// The form of the output.
    #[arg(long, value_enum, default_value = "text")]
    format: StatusFormat,
}

/// The form of the output.
#[derive(Clone, Copy, ValueEnum)]
enum StatusFormat {
    /// A line for each proxy, and how many there are of each state.
    Text,
    /// An object for each proxy, one a line.
    Json,
}

/// The pages of a proxy.
#[derive(Default)]
struct ProxyPages {
    config: Option<ConfigDump>,
    stats: Option<ProxyStats>,
}

impl Status {
    /// Prints the verdict on each proxy.
    pub fn run(self) -> Result<ExitCode, Failure> {
        const NOT_ACTIVE: u8 = 1;

        let mut proxies: BTreeMap<String, ProxyPages> = BTreeMap::new();
        for path in &self.pages {
            proxies.entry(name(path)).or_default().read(path)?;
        }
        let proxies: Vec<(String, ProxyStatus)> = proxies
            .into_iter()
            .map(|(name, proxy)| (name, ProxyStatus::on(proxy.config.as_ref(), proxy.stats.as_ref())))
            .collect();
        match self.format {
            StatusFormat::Text => report::text(&proxies),
            StatusFormat::Json => report::json(&proxies),
        }?;
        let active = proxies.iter().all(|(_, status)| status.is_active());
        Ok(if active { ExitCode::SUCCESS } else { ExitCode::from(NOT_ACTIVE) })
    }
}

/// The name of the proxy that this page is of.
fn name(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

impl ProxyPages {
    fn read(&mut self, path: &Path) -> Result<(), Failure> {
        let shown = if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() };
        let bytes = input::text(path, MAX_BYTES)?;
        if bytes.len() > MAX_BYTES {
            return Err(Failure::Error(format!("{shown}: larger than {MAX_BYTES} bytes")));
        }
        let text = String::from_utf8_lossy(&bytes);
        let second = if text.trim_start().starts_with('{') {
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
        if second {
            return Err(Failure::Error(format!(
                "{shown}: second page of this kind for one proxy; name files by the pod"
            )));
        }
        Ok(())
    }
}
