//! Claim about the running filters, from the admin pages of the sidecars.

use anyhow::{Context, Result};
use serde_json::Value;

use super::super::{Claim, Mesh, Proxy};

/// Translation of the overlays by Istio 1.30, by namespace: the name of the filter, its action for requests, and its
/// rules.
const FILTERS: [(&str, &str, &str, &[&str]); 2] = [
    (
        "payments",
        "extensions.istio.io/trafficextension/payments.panveil~istio-translated-wasmplugin",
        "block",
        &["cards-from-checkout"],
    ),
    ("shop", "extensions.istio.io/trafficextension/shop.panveil~istio-translated-wasmplugin", "mask", &[]),
];

/// Filter of every sidecar.
pub async fn delivered(mesh: &Mesh) -> Result<Claim> {
    let mut claim = Claim::new("Each sidecar has the overlay of its namespace, as Istio delivers it");
    for proxy in [&mesh.payment_api, &mesh.checkout, &mesh.tickets] {
        let (_, name, request, rules) =
            FILTERS.iter().find(|(namespace, ..)| *namespace == proxy.workload.namespace).context("no overlay")?;
        let seen = Seen::of(proxy).await?;
        claim = claim
            .line(proxy.workload.name, &seen.node)
            .line("", &seen.filter)
            .line("", seen.policy())
            .must(seen.filter == *name, format!("the filter is to be {name}"))
            .must(seen.request == *request && seen.response == "mask" && seen.rules == *rules, "another policy")
            .must(seen.listeners == ["inbound"], format!("it is in {:?}", seen.listeners));
    }
    Ok(claim)
}

/// Filter on an Envoy's admin pages.
struct Seen {
    node: String,
    filter: String,
    request: String,
    response: String,
    rules: Vec<String>,
    /// Listeners with the filter.
    listeners: Vec<String>,
}

impl Seen {
    fn policy(&self) -> String {
        let Self { request, response, rules, listeners, .. } = self;
        let rules = if rules.is_empty() { String::new() } else { format!(" rules={}", rules.join(",")) };
        format!("{}: request={request} response={response}{rules}", listeners.join(","))
    }

    async fn of(proxy: &Proxy) -> Result<Self> {
        let page = proxy.envoy.page("/config_dump").await?;
        let dump: Value = serde_json::from_str(&page).context("/config_dump")?;
        let parts = || dump["configs"].as_array().into_iter().flatten();
        let filter = parts().find_map(|part| part["ecds_filters"].get(0)).map(|filter| &filter["ecds_filter"]);
        let filter = filter.context("no filter was delivered")?;
        // A policy without fields is not delivered.
        let policy = filter["typed_config"]["config"]["configuration"]["value"].as_str().unwrap_or("{}");
        let policy: Value = serde_json::from_str(policy).context("no policy")?;
        let node = parts().find_map(|part| part["bootstrap"]["node"]["id"].as_str()).unwrap_or_default();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let rules = policy["rules"].as_array().into_iter().flatten();
        let listeners = parts().flat_map(|part| part["static_listeners"].as_array().into_iter().flatten());
        let has_it = |one: &&Value| one.to_string().contains("config_discovery");
        Ok(Self {
            node: node.to_owned(),
            filter: word(&filter["name"]),
            request: word(&policy["request"]),
            response: word(&policy["response"]),
            rules: rules.map(|rule| word(&rule["name"])).collect(),
            listeners: listeners.filter(has_it).map(|one| word(&one["listener"]["name"])).collect(),
        })
    }
}
