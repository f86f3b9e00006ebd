//! Configuration of a proxy, as far as it concerns panveil.

use crate::digest;
use crate::manifest::names_panveil;
use panveil::policy::Policy;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Number of shown digits of a digest.
const SHOWN_DIGITS: usize = 12;

/// Page /config_dump, as far as it concerns panveil.
#[derive(Default)]
pub struct ConfigDump {
    /// Listeners that have a filter chain with panveil.
    pub listeners: Vec<Listener>,
    /// Listeners whose last update Envoy rejected.
    pub rejected: Vec<RejectedUpdate>,
    /// Configurations that were delivered for panveil's filters, by discovery or with the listener. Envoy also lists rejected ones.
    pub delivered: Vec<DeliveredFilter>,
}

/// Listener with panveil in some of its filter chains.
pub struct Listener {
    /// Name of the listener.
    pub name: String,
    /// Number of HTTP filter chains with panveil.
    pub with: usize,
    /// Number of HTTP filter chains without panveil.
    pub without: usize,
}

/// Listener whose last update Envoy rejected.
#[derive(PartialEq, Eq)]
pub struct RejectedUpdate {
    /// Name of the listener.
    pub name: String,
    /// Envoy's reason.
    pub details: String,
    /// Configurations of panveil in the rejected listener, except those that discovery delivers.
    pub filters: Vec<FilterConfig>,
}

/// Configuration that was delivered for a filter of panveil.
pub struct DeliveredFilter {
    pub config: FilterConfig,
    /// Delivery of this configuration; `None` if the listener contains it.
    pub discovered: Option<DiscoveredFilter>,
}

/// Last delivery by discovery that differs from the one before. Envoy shows it whether it accepted or rejected it.
pub struct DiscoveredFilter {
    pub name: String,
    /// Time of the delivery, in milliseconds since 1970.
    pub delivered_at: Option<u64>,
}

/// Configuration of a filter of panveil.
#[derive(PartialEq, Eq)]
pub enum FilterConfig {
    /// The Wasm module.
    Module {
        /// Digest of the module, or the name of its file.
        module: String,
        /// Beginning of the SHA-256 of the policy.
        policy: String,
        /// Text of the policy, or the error in it. `None` if the configuration is no text.
        policy_text: Option<Result<String, String>>,
        /// True if requests pass when the module fails.
        fails_open: bool,
    },
    /// RBAC filter of Istio's agent in place of the module, which denies every request.
    DenyAll,
    /// RBAC filter of Istio's agent in place of a plugin that fails open, which allows every request.
    AllowAll,
}

impl ConfigDump {
    /// Reads the page.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        Self::of(&serde_json::from_str(text).map_err(|_| "not JSON")?)
    }

    /// Reads the parsed page.
    pub fn of(page: &Value) -> Result<Self, &'static str> {
        let parts = page.get("configs").and_then(Value::as_array).ok_or("no configs")?;
        let mut config = Self::default();
        for part in parts.iter().filter(|part| kind(part) == "ListenersConfigDump") {
            config.take_listeners(part);
        }
        // A filter of connections that drain is delivered until they have ended.
        let active: BTreeSet<&str> = parts.iter().flat_map(active_listeners).flat_map(filter_names).collect();
        let is_active = |delivery: &&Value| active.contains(text(delivery, "/ecds_filter/name").as_str());
        for part in parts.iter().filter(|part| kind(part) == "EcdsConfigDump") {
            config.delivered.extend(items(part, "ecds_filters").filter(is_active).filter_map(discovered));
        }
        Ok(config)
    }

    fn take_listeners(&mut self, part: &Value) {
        active_listeners(part).for_each(|listener| self.take_listener(listener));
        for one in items(part, "dynamic_listeners") {
            let Some(state) = one.get("error_state") else { continue };
            // Envoy shows a rejected update twice, once without the listener's name.
            let failed = state.get("failed_configuration").map(filter_chains).unwrap_or_default();
            let rejected = RejectedUpdate {
                name: text(state, "/failed_configuration/name"),
                details: text(state, "/details"),
                filters: failed.into_iter().flatten().filter(|filter| is_panveil(filter)).filter_map(config).collect(),
            };
            if !self.rejected.contains(&rejected) {
                self.rejected.push(rejected);
            }
        }
    }

    fn take_listener(&mut self, listener: &Value) {
        let mut found = Listener { name: text(listener, "/name"), with: 0, without: 0 };
        for chain in filter_chains(listener) {
            let own: Vec<&Value> = chain.iter().filter(|filter| is_panveil(filter)).collect();
            let named = !own.is_empty();
            let configs = own.into_iter().filter_map(config);
            self.delivered.extend(configs.map(|config| DeliveredFilter { config, discovered: None }));
            let count = if named { &mut found.with } else { &mut found.without };
            *count = count.saturating_add(1);
        }
        if found.with > 0 {
            self.listeners.push(found);
        }
    }
}

/// Last part of the name of a message type.
fn kind(message: &Value) -> &str {
    message.get("@type").and_then(Value::as_str).and_then(|kind| kind.rsplit('.').next()).unwrap_or_default()
}

fn items<'a>(object: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    object.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Listeners of a part of the page that accept connections.
fn active_listeners(part: &Value) -> impl Iterator<Item = &Value> {
    let fixed = items(part, "static_listeners").filter_map(|one| one.get("listener"));
    fixed.chain(items(part, "dynamic_listeners").filter_map(|one| one.pointer("/active_state/listener")))
}

/// Names of the HTTP filters in a listener.
fn filter_names(listener: &Value) -> impl Iterator<Item = &str> {
    filter_chains(listener).into_iter().flatten().filter_map(|filter| filter.get("name")?.as_str())
}

/// Lists of HTTP filters in a listener.
fn filter_chains(listener: &Value) -> Vec<&Vec<Value>> {
    let mut chains = Vec::new();
    http_filters(listener, &mut chains);
    chains
}

/// Collects the lists of HTTP filters in this part of a listener.
fn http_filters<'a>(value: &'a Value, found: &mut Vec<&'a Vec<Value>>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::Array(filters) if name == "http_filters" => found.push(filters),
                    _ => http_filters(field, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| http_filters(value, found)),
        _ => {}
    }
}

/// Configuration of a filter, also of one that is written without its type (`EnvoyFilter`).
fn typed(filter: &Value) -> Option<&Value> {
    let typed = filter.get("typed_config")?;
    if kind(typed) == "TypedStruct" { typed.get("value") } else { Some(typed) }
}

/// True if the name of the filter, of its plugin or of its root names panveil.
fn is_panveil(filter: &Value) -> bool {
    let plugin = |field: &str| typed(filter).and_then(|typed| typed.pointer(field)).and_then(Value::as_str);
    names_panveil([filter.get("name").and_then(Value::as_str), plugin("/config/name"), plugin("/config/root_id")])
}

/// Configuration of a filter of panveil that discovery delivered.
fn discovered(delivery: &Value) -> Option<DeliveredFilter> {
    let filter = delivery.get("ecds_filter").filter(|filter| is_panveil(filter))?;
    let time = humantime::parse_rfc3339(&text(delivery, "/last_updated")).ok();
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let delivered_at = since.and_then(|since| u64::try_from(since.as_millis()).ok());
    let discovered = DiscoveredFilter { name: text(filter, "/name"), delivered_at };
    Some(DeliveredFilter { config: config(filter)?, discovered: Some(discovered) })
}

/// Configuration of this filter; `None` if discovery delivers it.
fn config(filter: &Value) -> Option<FilterConfig> {
    let config = typed(filter)?;
    if kind(config) == "RBAC" {
        return Some(if config.get("rules").is_some() { FilterConfig::DenyAll } else { FilterConfig::AllowAll });
    }
    let code = config.pointer("/config/vm_config/code")?;
    let local = text(code, "/local/filename");
    let file = Path::new(&local).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let digest = code.pointer("/remote/sha256").and_then(Value::as_str).unwrap_or(&file);
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let module = if is_digest { digest.chars().take(SHOWN_DIGITS).collect() } else { local };
    let policy = text(config, "/config/configuration/value");
    let is_text = config.pointer("/config/configuration").map(kind) == Some("StringValue");
    let fails_open = config.pointer("/config/failure_policy").and_then(Value::as_str) == Some("FAIL_OPEN")
        || config.pointer("/config/fail_open").and_then(Value::as_bool) == Some(true);
    let digest = digest::sha256(policy.as_bytes()).chars().take(SHOWN_DIGITS).collect();
    let parsed = is_text.then(|| Policy::parse(policy.as_bytes()));
    let policy_text = parsed.map(|parsed| parsed.map(|_| policy).map_err(|error| error.to_string()));
    Some(FilterConfig::Module { module, policy: digest, policy_text, fails_open })
}
