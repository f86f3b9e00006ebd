//! Configuration of a test's Envoy: a shipped file, mostly `sidecar.yaml`, with ports, module and policy replaced.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use json_patch::Patch;
use serde_json::{Value, json};

use super::{ExtraListener, Shipped, discovery, no_op};

/// Shipped access log in text format.
const TEXT_LOG: &str = include_str!("../../../envoy-config/standalone/access-log-text.yaml");

/// File of the access log in text format, besides the one in JSON.
pub(super) const TEXT_LOG_FILE: &str = "access.txt";

const ADMIN: &str = "/admin/address/socket_address/port_value";
pub(super) const LISTENER: &str = "/static_resources/listeners/0";
/// Path of the connection manager's configuration, for [`Settings::differ`].
pub const CONNECTION_MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
/// Path of the plugin's configuration, for [`Settings::differ`].
pub const PLUGIN: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config";
pub(super) const ROUTE: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes/0";
pub(super) const CLUSTER: &str = "/static_resources/clusters/0";
pub(super) const SERVICE: &str =
    "/static_resources/clusters/0/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
const HTTP_OPTIONS: &str = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// Differences from the shipped configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Shipped file.
    pub shipped: Shipped,
    /// Filter in the chain.
    pub filter: Filter,
    /// Envoy's own filters in front of it in request order, by name and type.
    pub before: Vec<(&'static str, &'static str)>,
    /// Envoy's own filters behind it in request order.
    pub behind: Vec<(&'static str, &'static str)>,
    /// Protocol that connections may be upgraded to, besides websockets.
    pub upgrade: Option<&'static str>,
    /// Address of the upstream.
    pub service: SocketAddr,
    /// Whether the upstream connection uses HTTP/2.
    pub service_http2: bool,
    /// Port of the listener; 0 for a free one.
    pub listener_port: u16,
    /// Port of the admin interface; 0 for a free one.
    pub admin_port: u16,
    /// Buffer limit of a message, on both sides. Envoy's default is 1 MiB.
    pub buffer_limit: Option<u32>,
    /// Whether HTTP/1.1 trailers are forwarded, on both sides. By default Envoy drops them.
    pub http1_trailers: bool,
    /// Worker threads.
    pub concurrency: u32,
    /// Level of Envoy's own log.
    pub log_level: String,
    /// Environment variables of Envoy's process.
    pub environment: Vec<(String, String)>,
    /// Whether there is a second access log in text format.
    pub text_log: bool,
    /// Other differences, as operations on the shipped configuration.
    pub patch: Patch,
    /// Additional listeners.
    pub extra_listeners: Vec<ExtraListener>,
}

/// Filter in the chain.
#[derive(Clone, Debug)]
pub enum Filter {
    /// panveil with this module and this policy (JSON).
    Panveil {
        /// Wasm module.
        module: PathBuf,
        /// Policy as JSON.
        policy: String,
    },
    /// panveil as in the shipped file, which names the module too.
    Shipped,
    /// panveil from the file of a [`Discovery`](super::Discovery), which may change while Envoy runs.
    Discovered(PathBuf),
    /// No-op Wasm filter, for comparison.
    NoOp,
    /// Wasm filter with these bytes.
    Inline(Vec<u8>),
    /// No filter, to test the harness itself.
    None,
}

/// Replaces the file name of the module in the shipped configuration with the bytes of the module.
fn inline(config: &mut Value, module: &[u8]) -> Result<()> {
    set(config, &format!("{PLUGIN}/vm_config/code/local"), json!({"inline_bytes": STANDARD.encode(module)}))
}

impl Settings {
    /// Shipped configuration in front of this upstream, with one worker.
    #[must_use]
    pub fn new(filter: Filter, service: SocketAddr) -> Self {
        Self {
            shipped: Shipped::Sidecar,
            filter,
            before: Vec::new(),
            behind: Vec::new(),
            upgrade: None,
            service,
            service_http2: false,
            listener_port: 0,
            admin_port: 0,
            buffer_limit: None,
            http1_trailers: false,
            concurrency: 1,
            log_level: "info".to_owned(),
            environment: Vec::new(),
            text_log: false,
            patch: Patch::default(),
            extra_listeners: Vec::new(),
        }
    }

    /// Adds differences: operations of a JSON patch (RFC 6902) for the shipped configuration.
    ///
    /// # Errors
    ///
    /// When they are not valid operations. Operations that do not apply fail at the start.
    pub fn differ(&mut self, operations: Value) -> Result<()> {
        let patch: Patch = serde_json::from_value(operations).context("no JSON patch")?;
        self.patch.0.extend(patch.0);
        Ok(())
    }

    /// Configuration of Envoy, as JSON.
    pub(super) fn config(&self, access_log: &Path) -> Result<Value> {
        let mut config = self.shipped.read()?;
        set(&mut config, ADMIN, json!(self.admin_port))?;
        set(&mut config, &format!("{LISTENER}/address/socket_address/port_value"), json!(self.listener_port))?;
        set(&mut config, &format!("{SERVICE}/address"), json!(self.service.ip().to_string()))?;
        set(&mut config, &format!("{SERVICE}/port_value"), json!(self.service.port()))?;
        let path = format!("{CONNECTION_MANAGER}/access_log/0/typed_config/path");
        set(&mut config, &path, json!(access_log.to_string_lossy()))?;
        if self.text_log {
            text_log(&mut config, access_log)?;
        }
        self.filter(&mut config)?;
        self.neighbours(&mut config)?;
        self.protocols(&mut config)?;
        if let Some(limit) = self.buffer_limit {
            add(&mut config, LISTENER, "per_connection_buffer_limit_bytes", json!(limit))?;
            add(&mut config, CLUSTER, "per_connection_buffer_limit_bytes", json!(limit))?;
        }
        json_patch::patch(&mut config, &self.patch).context("the patch does not fit the shipped file")?;
        for listener in &self.extra_listeners {
            listener.build(&mut config)?;
        }
        Ok(config)
    }

    fn filter(&self, config: &mut Value) -> Result<()> {
        let filters = format!("{CONNECTION_MANAGER}/http_filters");
        match &self.filter {
            Filter::Shipped => Ok(()),
            Filter::Panveil { module, policy } => {
                set(config, &format!("{PLUGIN}/vm_config/code/local/filename"), json!(module.to_string_lossy()))?;
                set(config, &format!("{PLUGIN}/configuration/value"), json!(policy))
            }
            Filter::Discovered(file) => {
                // Discovery requires a node name.
                add(config, "", "node", json!({"id": "sidecar", "cluster": "service"}))?;
                let source = json!({
                    "config_source": {"path_config_source": {"path": file.to_string_lossy()}, "resource_api_version": "V3"},
                    "type_urls": [discovery::WASM],
                });
                set(config, &format!("{filters}/0"), json!({"name": discovery::NAME, "config_discovery": source}))
            }
            Filter::NoOp => inline(config, &no_op()?),
            Filter::Inline(module) => inline(config, module),
            Filter::None => {
                list(config, &filters)?.retain(|filter| filter["name"] != "panveil");
                Ok(())
            }
        }
    }

    fn neighbours(&self, config: &mut Value) -> Result<()> {
        let filter = |(name, kind): &(&str, &str)| json!({"name": name, "typed_config": {"@type": kind}});
        let filters = list(config, &format!("{CONNECTION_MANAGER}/http_filters"))?;
        let router = filters.len().saturating_sub(1);
        filters.splice(router..router, self.behind.iter().map(filter));
        filters.splice(0..0, self.before.iter().map(filter));
        Ok(())
    }

    fn protocols(&self, config: &mut Value) -> Result<()> {
        if let Some(protocol) = self.upgrade {
            let upgrades = list(config, &format!("{CONNECTION_MANAGER}/upgrade_configs"))?;
            upgrades.push(json!({"upgrade_type": protocol}));
        }
        let http1 = json!({"enable_trailers": self.http1_trailers});
        add(config, CONNECTION_MANAGER, "http_protocol_options", http1.clone())?;
        let explicit = if self.service_http2 {
            json!({"http2_protocol_options": {}})
        } else {
            json!({"http_protocol_options": http1})
        };
        let options = json!({HTTP_OPTIONS.trim_start_matches("type.googleapis.com/"): {
            "@type": HTTP_OPTIONS,
            "explicit_http_config": explicit,
        }});
        add(config, CLUSTER, "typed_extension_protocol_options", options)
    }
}

/// Adds an access log in text format.
fn text_log(config: &mut Value, access_log: &Path) -> Result<()> {
    let mut text: Value = serde_saphyr::from_str(TEXT_LOG).context("access-log-text.yaml")?;
    let logs = list(config, &format!("{CONNECTION_MANAGER}/access_log"))?;
    let mut log = logs.first().context("sidecar.yaml has no access log")?.clone();
    set(&mut log, "/typed_config/path", json!(access_log.with_file_name(TEXT_LOG_FILE).to_string_lossy()))?;
    set(&mut log, "/typed_config/log_format", place(&mut text, "/log_format")?.take())?;
    logs.push(log);
    Ok(())
}

/// Shipped filter with this module.
pub(super) fn shipped_filter(module: &Path) -> Result<Value> {
    let mut config = Shipped::Sidecar.read()?;
    let filter = format!("{CONNECTION_MANAGER}/http_filters/0/typed_config");
    let file = format!("{filter}/config/vm_config/code/local/filename");
    set(&mut config, &file, json!(module.to_string_lossy()))?;
    Ok(place(&mut config, &filter)?.take())
}

/// Replaces an existing value. Fails when there is none, so that a rename in the shipped file is detected.
pub(super) fn set(config: &mut Value, pointer: &str, value: Value) -> Result<()> {
    *place(config, pointer)? = value;
    Ok(())
}

pub(super) fn add(config: &mut Value, pointer: &str, key: &str, value: Value) -> Result<()> {
    place(config, pointer)?
        .as_object_mut()
        .with_context(|| format!("{pointer} is no mapping"))?
        .insert(key.into(), value);
    Ok(())
}

pub(super) fn list<'a>(config: &'a mut Value, pointer: &str) -> Result<&'a mut Vec<Value>> {
    place(config, pointer)?.as_array_mut().with_context(|| format!("{pointer} is no list"))
}

pub(super) fn place<'a>(config: &'a mut Value, pointer: &str) -> Result<&'a mut Value> {
    config.pointer_mut(pointer).with_context(|| format!("the shipped file has nothing at {pointer}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_place_in_the_shipped_file() {
        let filter = Filter::Panveil { module: "m.wasm".into(), policy: r#"{"request":"block"}"#.into() };
        let mut settings = Settings::new(filter, "127.0.0.1:9".parse().unwrap());
        settings.service_http2 = true;
        settings.buffer_limit = Some(32768);
        let config = settings.config(Path::new("/a/log")).unwrap().to_string();
        for part in ["m.wasm", r#"{\"request\":\"block\"}"#, "/a/log", "http2_protocol_options", "32768"] {
            assert!(config.contains(part), "{part}: {config}");
        }
        for part in ["dist/panveil.wasm", "/dev/stdout", "8080", "10000", "9901"] {
            assert!(!config.contains(part), "{part}: {config}");
        }
    }

    /// Operators of the shipped access logs, as JSON and as text, by column name.
    fn columns() -> [Vec<(String, String)>; 2] {
        let config = Shipped::Sidecar.read().unwrap();
        let format = config.pointer(&format!("{CONNECTION_MANAGER}/access_log/0/typed_config/log_format/json_format"));
        let json = format.unwrap().as_object().unwrap();
        let json = json.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        let text: Value = serde_saphyr::from_str(TEXT_LOG).unwrap();
        let text = text.pointer("/log_format/text_format_source/inline_string").unwrap().as_str().unwrap();
        let text = text.strip_suffix('\n').unwrap().split(' ').map(|column| column.split_once('=').unwrap());
        [json, text.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()]
    }

    #[test]
    fn the_shipped_access_logs_print_no_header() {
        for (name, operator) in columns().into_iter().flatten() {
            assert!(!operator.contains("REQ(") && !operator.contains("RESP("), "{name}: {operator}");
        }
    }

    #[test]
    fn the_text_log_tells_what_the_json_log_tells() {
        let [mut json, mut text] = columns();
        json.sort();
        text.sort();
        assert_eq!(json, text);
    }

    #[test]
    fn the_harness_can_leave_the_filter_out() {
        let settings = Settings::new(Filter::None, "127.0.0.1:9".parse().unwrap());
        assert!(!settings.config(Path::new("/a/log")).unwrap().to_string().contains("wasm.v3"));
    }
}
