//! Additional listeners of a test's Envoy. Each is a copy of the shipped listener, with or without TLS, that routes to
//! the shipped cluster or to a copy of it.

use std::net::SocketAddr;

use anyhow::Result;
use serde_json::{Value, json};

use super::config::{CLUSTER, LISTENER, ROUTE, SERVICE, add, list, place, set};

/// Additional listener, on a port that the system picks.
#[derive(Clone, Debug)]
pub struct ExtraListener {
    name: String,
    tls: Option<Value>,
    upstream: Option<(SocketAddr, Option<Value>)>,
}

/// Certificate and private key, as PEM.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Certificate.
    pub certificate: String,
    /// Private key.
    pub key: String,
}

/// Client certificates of a listener.
#[derive(Clone, Copy, Debug)]
pub enum ClientCertificate {
    /// Required.
    Required,
    /// Optional.
    Optional,
    /// Not requested.
    NotRequested,
}

impl ExtraListener {
    /// Copy of the shipped listener: plaintext, and routed to the upstream.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), tls: None, upstream: None }
    }

    /// Adds TLS with this certificate. Client certificates must be signed by `authority`, given by its certificate.
    #[must_use]
    pub fn tls(mut self, own: &Credential, authority: &str, client: ClientCertificate) -> Self {
        let mut context = json!({"tls_certificates": [credential(own)]});
        if !matches!(client, ClientCertificate::NotRequested) {
            context["validation_context"] = json!({"trusted_ca": {"inline_string": authority}});
        }
        let required = matches!(client, ClientCertificate::Required);
        self.tls = Some(socket(
            "DownstreamTlsContext",
            json!({"common_tls_context": context, "require_client_certificate": required}),
        ));
        self
    }

    /// Routes to this upstream address.
    #[must_use]
    pub fn routes(mut self, to: SocketAddr) -> Self {
        self.upstream = Some((to, None));
        self
    }

    /// Routes to this upstream address over TLS, with this client certificate. The upstream's certificate must be
    /// signed by `authority`.
    #[must_use]
    pub fn routes_over_tls(mut self, to: SocketAddr, own: Option<&Credential>, authority: &str) -> Self {
        let context = json!({
            "tls_certificates": own.map(credential).into_iter().collect::<Vec<Value>>(),
            "validation_context": {"trusted_ca": {"inline_string": authority}},
        });
        self.upstream = Some((to, Some(socket("UpstreamTlsContext", json!({"common_tls_context": context})))));
        self
    }

    /// Adds the listener to a configuration that is otherwise complete.
    pub(super) fn build(&self, config: &mut Value) -> Result<()> {
        let shipped = config.clone();
        // Changes the shipped listener in place and restores it afterwards: all paths refer to its position in the
        // shipped file.
        set(config, &format!("{LISTENER}/name"), json!(self.name))?;
        set(config, &format!("{LISTENER}/address/socket_address/port_value"), json!(0))?;
        if let Some(tls) = &self.tls {
            add(config, &format!("{LISTENER}/filter_chains/0"), "transport_socket", tls.clone())?;
        }
        if let Some((address, tls)) = &self.upstream {
            set(config, &format!("{ROUTE}/route/cluster"), json!(self.name))?;
            set(config, &format!("{CLUSTER}/name"), json!(self.name))?;
            set(config, &format!("{CLUSTER}/load_assignment/cluster_name"), json!(self.name))?;
            set(config, &format!("{SERVICE}/address"), json!(address.ip().to_string()))?;
            set(config, &format!("{SERVICE}/port_value"), json!(address.port()))?;
            if let Some(tls) = tls {
                add(config, CLUSTER, "transport_socket", tls.clone())?;
            }
        }
        let listener = place(config, LISTENER)?.take();
        let cluster = place(config, CLUSTER)?.take();
        *config = shipped;
        list(config, "/static_resources/listeners")?.push(listener);
        if self.upstream.is_some() {
            list(config, "/static_resources/clusters")?.push(cluster);
        }
        Ok(())
    }
}

/// Certificate in the syntax of a TLS context.
pub(crate) fn credential(own: &Credential) -> Value {
    json!({"certificate_chain": {"inline_string": own.certificate}, "private_key": {"inline_string": own.key}})
}

/// Transport socket with this TLS context: `DownstreamTlsContext` or `UpstreamTlsContext`.
pub(crate) fn socket(kind: &str, mut context: Value) -> Value {
    context["@type"] = json!(format!("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.{kind}"));
    json!({"name": "envoy.transport_sockets.tls", "typed_config": context})
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::envoy::{Filter, Settings};

    #[test]
    fn an_extra_listener_leaves_the_shipped_one_unchanged() {
        let own = Credential { certificate: "OWN".into(), key: "KEY".into() };
        let service: SocketAddr = "127.0.0.1:9".parse().unwrap();
        let mut settings = Settings::new(Filter::None, service);
        settings.listener_port = 4;
        let without = settings.config(Path::new("/a/log")).unwrap();
        settings.extra_listeners.push(ExtraListener::new("in").tls(&own, "AUTHORITY", ClientCertificate::Required));
        settings.extra_listeners.push(ExtraListener::new("out").routes_over_tls(
            "127.0.0.1:7".parse().unwrap(),
            Some(&own),
            "AUTHORITY",
        ));
        let with = settings.config(Path::new("/a/log")).unwrap();
        assert_eq!(with.pointer(LISTENER), without.pointer(LISTENER));
        assert_eq!(with.pointer(CLUSTER), without.pointer(CLUSTER));
        let names = |kind: &str| {
            let all = with["static_resources"][kind].as_array().unwrap();
            all.iter().map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!((names("listeners"), names("clusters")), (vec!["inbound", "in", "out"], vec!["service", "out"]));
        let inbound = with["static_resources"]["listeners"][1].to_string();
        assert!(inbound.contains(r#""require_client_certificate":true"#) && inbound.contains(r#""cluster":"service""#));
        let outbound = with["static_resources"]["listeners"][2].to_string();
        assert!(outbound.contains(r#""cluster":"out""#) && !outbound.contains("OWN"), "{outbound}");
        assert!(with["static_resources"]["clusters"][1].to_string().contains("AUTHORITY"));
    }
}
