//! Running proxies, by the page `/config_dump` of their Envoy.

use crate::document::Position;
use crate::manifest::Location;
use crate::status::ConfigDump;
use serde_json::Value;
use std::rc::Rc;

/// Configuration of a running proxy.
pub struct ProxyDump {
    /// Name of the pod, or of the file.
    pub name: String,
    /// Group of proxies with the same configuration: `web.shop` under Istio.
    pub cluster: String,
    /// Major and minor version of Envoy.
    pub envoy: Option<(u64, u64)>,
    pub config: ConfigDump,
    pub location: Location,
}

impl ProxyDump {
    /// Reads a page. `None` if the text is no configuration dump.
    pub fn read(file: &Rc<str>, text: &str) -> Option<Self> {
        // Only an object can be one, and a dump of a cluster is too large to read twice.
        let begin = text.get(..text.len().min(200)).unwrap_or(text);
        if !begin.trim_start().starts_with('{') || !begin.contains("\"configs\"") {
            return None;
        }
        let page: Value = serde_json::from_str(text).ok()?;
        let config = ConfigDump::of(&page).ok()?;
        let node = page.get("configs")?.as_array()?.iter().find_map(|part| part.pointer("/bootstrap/node"));
        let at = |path: &str| node.and_then(|node| node.pointer(path));
        // `sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local`
        let pod = at("/id").and_then(Value::as_str).and_then(|id| id.split('~').nth(2));
        let version = |part: &str| at(&format!("/user_agent_build_version/version/{part}")).and_then(Value::as_u64);
        Some(Self {
            name: pod.unwrap_or(file).to_owned(),
            cluster: at("/cluster").and_then(Value::as_str).unwrap_or_default().to_owned(),
            envoy: version("major_number").zip(version("minor_number")),
            config,
            location: Location { file: Rc::clone(file), position: Position { line: 1, column: 1 } },
        })
    }
}
