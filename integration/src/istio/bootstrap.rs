//! Effects of Istio's bootstrap that tests depend on: the node, and the kept statistics and their labels.

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Tags of Istio's bootstrap in front of those of `extraStatTags`, with their expressions.
const TAGS_BEFORE: [(&str, &str); 9] = [
    ("cluster_name", r"^cluster(\.(.+);)"),
    ("http_conn_manager_prefix", r"^http\.(((?:[_.[:digit:]\w]*|[_\[\]aAbBcCdDeEfF[:digit:]\w\:]*));\.)"),
    ("thread_name", r"^server(\.(.+))\.watchdog"),
    ("tcp_prefix", r"^tcp\.((.*?)\.)\w+?$"),
    ("response_code", r"_rq(_(\d{3}))$"),
    ("response_code_class", r"_rq(_(\dxx))$"),
    (
        "http_conn_manager_listener_prefix",
        r"^listener(?=\.).*?\.http\.(((?:[_.[:digit:]]*|[_\[\]aAbBcCdDeEfF[:digit:]]*))\.)",
    ),
    ("listener_address", r"^listener\.(((?:[_.[:digit:]]*|[_\[\]aAbBcCdDeEfF[:digit:]]*))\.)"),
    ("mongo_prefix", r"^mongo\.(.+?)\.(collection|cmd|cx_|op_|delays_|decoding_)(.*?)$"),
];

/// Tags behind those of `extraStatTags`.
const TAGS_BEHIND: [(&str, &str); 7] = [
    ("cache", r"(cache\.(.+?)\.)"),
    ("component", r"(component\.(.+?)\.)"),
    ("tag", r"(tag\.(.+?);\.)"),
    ("wasm_filter", r"(wasm_filter\.(.+?)\.)"),
    ("authz_enforce_result", r"rbac(\.(allowed|denied))"),
    ("authz_dry_run_action", r"(\.istio_dry_run_(allow|deny)_)"),
    ("authz_dry_run_result", r"(\.shadow_(allowed|denied))"),
];

/// Prefixes of the statistics that Istio always keeps for readiness and telemetry.
const PREFIXES: [&str; 5] = ["cluster_manager", "listener_manager", "server", "cluster.xds-grpc", "wasm"];
const SUFFIXES: [&str; 4] = ["rbac.allowed", "rbac.denied", "shadow_allowed", "shadow_denied"];
const EXPRESSIONS: [&str; 1] = [r"vhost\..*\.route\..*"];

/// Operations that turn the shipped sidecar into that of a workload in this namespace, for
/// [`differ`](crate::envoy::Settings::differ): the name, and the labels and the selection of metrics that Istio derives
/// from these values of its chart.
///
/// # Errors
///
/// When the values lack `extraStatTags` or `inclusionPrefixes`.
pub fn sidecar_in(namespace: &str, workload: &str, mesh_config: &Value) -> Result<Value> {
    let defaults = &mesh_config["meshConfig"]["defaultConfig"];
    let tags = defaults["extraStatTags"].as_array().context("no extraStatTags")?;
    let asked = defaults["proxyStatsMatcher"]["inclusionPrefixes"].as_array().context("no inclusionPrefixes")?;
    let node = json!({
        "id": format!("sidecar~127.0.0.1~{workload}-1.{namespace}~{namespace}.svc.cluster.local"),
        "cluster": format!("{workload}.{namespace}"),
        "metadata": {
            "NAME": format!("{workload}-1"),
            "NAMESPACE": namespace,
            "WORKLOAD_NAME": workload,
            "SERVICE_ACCOUNT": workload,
            "LABELS": {"app": workload},
        },
    });
    Ok(json!([
        {"op": "add", "path": "/node", "value": node},
        {"op": "replace", "path": "/stats_config", "value": {
            "use_all_default_tags": false,
            "stats_tags": stats_tags(tags),
            "stats_matcher": {"inclusion_list": {"patterns": patterns(asked)}},
        }},
    ]))
}

fn stats_tags(extra: &[Value]) -> Vec<Value> {
    let tag = |(name, regex): &(&str, &str)| json!({"tag_name": name, "regex": regex});
    let extra = extra.iter().map(|name| {
        let name = name.as_str().unwrap_or_default();
        json!({"tag_name": name, "regex": format!(r"({name}=\.=(.*?);\.;)")})
    });
    TAGS_BEFORE.iter().map(tag).chain(extra).chain(TAGS_BEHIND.iter().map(tag)).collect()
}

/// Kept statistics, in the order of the bootstrap.
fn patterns(asked: &[Value]) -> Vec<Value> {
    let prefix = |prefix: Value| json!({"prefix": prefix});
    let before = std::iter::once(Value::from("reporter="));
    let prefixes = before.chain(asked.iter().cloned()).chain(PREFIXES.map(Value::from)).map(prefix);
    let suffixes = SUFFIXES.iter().map(|suffix| json!({"suffix": suffix}));
    let expressions = EXPRESSIONS.iter().map(|regex| json!({"safe_regex": {"regex": regex}}));
    let behind = ["component", "istio"].map(|begin| json!({"prefix": begin}));
    prefixes.chain(suffixes).chain(expressions).chain(behind).collect()
}
