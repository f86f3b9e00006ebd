//! Workloads of the mesh: three in two namespaces, with the names of Istio.

use crate::certificates::Subject;

/// Service with the sidecar in front of it.
#[derive(Debug)]
pub struct Workload {
    /// Name of its service and its service account.
    pub name: &'static str,
    /// Namespace.
    pub namespace: &'static str,
    /// Host name for other workloads.
    pub host: &'static str,
    /// Subject of its certificate.
    pub subject: Subject,
}

/// Prefix of all identities of the mesh.
pub const TRUST_DOMAIN: &str = "spiffe://cluster.local/";

/// Payment API: localstripe, a third-party service.
pub static PAYMENT_API: Workload = workload(
    "payment-api",
    "payments",
    "payment-api.payments.svc.cluster.local",
    &["spiffe://cluster.local/ns/payments/sa/payment-api"],
);
/// Till of a shop, which pays with Stripe's own client.
pub static CHECKOUT: Workload =
    workload("checkout", "shop", "checkout.shop.svc.cluster.local", &["spiffe://cluster.local/ns/shop/sa/checkout"]);
/// Ticket service for the customers of the shop. It must not receive card numbers.
pub static TICKETS: Workload =
    workload("tickets", "shop", "tickets.shop.svc.cluster.local", &["spiffe://cluster.local/ns/shop/sa/tickets"]);

impl Workload {
    /// Its SPIFFE ID.
    #[must_use]
    pub fn identity(&self) -> &'static str {
        self.subject.uris.first().copied().unwrap_or_default()
    }
}

const fn workload(
    name: &'static str,
    namespace: &'static str,
    host: &'static str,
    uris: &'static [&'static str],
) -> Workload {
    Workload { name, namespace, host, subject: Subject { common_name: name, uris, dns: &[] } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_agree() {
        for workload in [&PAYMENT_API, &CHECKOUT, &TICKETS] {
            let Workload { name, namespace, host, .. } = workload;
            assert_eq!(*host, format!("{name}.{namespace}.svc.cluster.local"));
            assert_eq!(workload.identity(), format!("{TRUST_DOMAIN}ns/{namespace}/sa/{name}"));
        }
    }
}
