//! Who is in the mesh? Three workloads in two namespaces, by the names that Istio has for them.

use crate::certificates::Subject;

/// A workload: a service and the sidecar in front of it.
#[derive(Debug)]
pub struct Workload {
    /// Of its service and its service account.
    pub name: &'static str,
    /// Where it is.
    pub namespace: &'static str,
    /// What others call it by.
    pub host: &'static str,
    /// What its certificate says.
    pub subject: Subject,
}

/// What all identities of the mesh begin with.
pub const TRUST_DOMAIN: &str = "spiffe://cluster.local/";

/// Takes payments: localstripe, which somebody else wrote.
pub static PAYMENT_API: Workload = workload(
    "payment-api",
    "payments",
    "payment-api.payments.svc.cluster.local",
    &["spiffe://cluster.local/ns/payments/sa/payment-api"],
);
/// The till of a shop, which pays with Stripe's own client.
pub static CHECKOUT: Workload =
    workload("checkout", "shop", "checkout.shop.svc.cluster.local", &["spiffe://cluster.local/ns/shop/sa/checkout"]);
/// Where the shop's customers ask for help. It has no business with cards.
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
