//! Parsers of Envoy's admin pages, including panveil's counters.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::client::Client;
use crate::observation::canonical;

/// Every page that shows configuration or traffic. Histograms as counts: a quantile such as 1.1111111111 looks like the
/// digits of a test card.
pub const PAGES: [&str; 9] = [
    "/stats?histogram_buckets=cumulative",
    "/stats/prometheus",
    "/config_dump",
    "/clusters",
    "/listeners",
    "/certs",
    "/memory",
    "/server_info",
    "/runtime",
];

pub async fn get(admin: SocketAddr, path: &str) -> Result<String> {
    let page = Client::http1(admin).get(path).await?;
    ensure!(page.status == 200 && page.complete, "{path}: {}", page.summary());
    Ok(String::from_utf8_lossy(&page.body).into_owned())
}

/// Counters and gauges: the lines with a name and a number. Skips histograms.
pub fn stats(page: &str) -> BTreeMap<String, u64> {
    let stat =
        |line: &str| line.split_once(": ").and_then(|(name, value)| Some((name.to_owned(), value.parse().ok()?)));
    page.lines().filter_map(stat).collect()
}

/// Addresses of the listeners by name, from their page as JSON.
pub fn listeners(page: &str) -> Result<BTreeMap<String, SocketAddr>> {
    let page: Value = serde_json::from_str(page)?;
    let all = page["listener_statuses"].as_array().context("no listeners")?;
    let address = |listener: &Value| {
        let address = &listener["local_address"]["socket_address"];
        let (name, host) = (listener["name"].as_str()?, address["address"].as_str()?);
        Some((name.to_owned(), format!("{host}:{}", address["port_value"]).parse().ok()?))
    };
    all.iter().map(|listener| address(listener).with_context(|| format!("no address: {listener}"))).collect()
}

pub fn panveil_counters(page: &str) -> BTreeMap<String, u64> {
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        name.starts_with("panveil_").then(|| Some((canonical(name), value.parse().ok()?)))?
    };
    page.lines().filter_map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_panveils_samples() {
        let page = "# TYPE panveil_a_total counter\npanveil_a_total{b=\"c\",a=\"d\"} 3\nenvoy_x{} 1\n";
        assert_eq!(panveil_counters(page), [(r#"panveil_a_total{a="d",b="c"}"#.to_owned(), 3)].into());
    }
}
