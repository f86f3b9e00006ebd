//! Who calls whom? The workloads by what their certificates say, and the ways from one to another.

use panveil_integration::certificates::Subject;
use panveil_integration::envoy::Asks;

/// The one that rules here are about.
pub const WEB: &str = "spiffe://cluster.local/ns/checkout/sa/web";

/// A workload and who vouches for it.
#[derive(Debug)]
pub struct Workload {
    pub subject: Subject,
    /// An authority of which nobody in the mesh has heard.
    pub foreign: bool,
}

/// A way in at the service's sidecar.
#[derive(Debug)]
pub struct Gate {
    pub name: &'static str,
    pub shows: &'static Workload,
    pub asks: Asks,
}

/// A way from a client to the service.
#[derive(Debug)]
pub struct Way {
    pub name: &'static str,
    /// Whose certificate the client's sidecar shows.
    pub as_whom: Option<&'static Workload>,
    /// Where it goes to; without TLS when `None`.
    pub to: Option<&'static Gate>,
}

const fn named(common_name: &'static str, uris: &'static [&'static str]) -> Workload {
    Workload { subject: Subject { common_name, uris, dns: &[] }, foreign: false }
}

static CHECKOUT: Workload = named("web", &[WEB]);
static PAYMENTS: Workload = named("charges", &["spiffe://cluster.local/ns/payments/sa/charges"]);
static AUDIT: Workload = named("ledger", &["spiffe://cluster.local/ns/audit/sa/ledger"]);
/// The same name in a trust domain that is not the mesh's, although the mesh's authority signed it.
static STRANGER: Workload = named("stranger", &["spiffe://evil.example/ns/checkout/sa/web"]);
/// Its trust domain begins like the mesh's.
static NEIGHBOUR: Workload = named("neighbour", &["spiffe://cluster.local.example/ns/checkout/sa/web"]);
/// Says who it is where nobody should look.
static NAMELESS: Workload =
    Workload { subject: Subject { common_name: WEB, uris: &[], dns: &[WEB, "web.checkout.svc"] }, foreign: false };
/// Its first URI is no SPIFFE ID, and only that counts.
static SECOND: Workload = named("second", &["https://cluster.local/ns/checkout/sa/web", WEB]);
/// Looks like a SPIFFE ID and is none.
static MALFORMED: Workload = named("malformed", &["spiffe://cluster.local/ns/checkout/sa/../sa/web"]);
static IMPOSTOR: Workload = Workload { subject: Subject { common_name: "web", uris: &[WEB], dns: &[] }, foreign: true };

static MUTUAL: Gate = Gate { name: "mutual", shows: &PAYMENTS, asks: Asks::Always };
static LENIENT: Gate = Gate { name: "lenient", shows: &PAYMENTS, asks: Asks::Perhaps };
static ONE_SIDED: Gate = Gate { name: "one-sided", shows: &PAYMENTS, asks: Asks::Never };
static OF_AUDIT: Gate = Gate { name: "of-audit", shows: &AUDIT, asks: Asks::Always };
static OF_STRANGER: Gate = Gate { name: "of-stranger", shows: &STRANGER, asks: Asks::Always };
static OF_NAMELESS: Gate = Gate { name: "of-nameless", shows: &NAMELESS, asks: Asks::Always };
static OF_MALFORMED: Gate = Gate { name: "of-malformed", shows: &MALFORMED, asks: Asks::Always };
static OF_IMPOSTOR: Gate = Gate { name: "of-impostor", shows: &IMPOSTOR, asks: Asks::Never };

/// All but the plain one, which the shipped listener is.
pub static GATES: [&Gate; 8] =
    [&MUTUAL, &LENIENT, &ONE_SIDED, &OF_AUDIT, &OF_STRANGER, &OF_NAMELESS, &OF_MALFORMED, &OF_IMPOSTOR];

const fn mutual(name: &'static str, as_whom: &'static Workload) -> Way {
    Way { name, as_whom: Some(as_whom), to: Some(&MUTUAL) }
}

const fn to(name: &'static str, gate: &'static Gate) -> Way {
    Way { name, as_whom: Some(&CHECKOUT), to: Some(gate) }
}

pub static FROM_WEB: Way = mutual("web", &CHECKOUT);
pub static FROM_CHARGES: Way = mutual("charges", &PAYMENTS);
pub static FROM_LEDGER: Way = mutual("ledger", &AUDIT);
pub static FROM_STRANGER: Way = mutual("stranger", &STRANGER);
pub static FROM_NEIGHBOUR: Way = mutual("neighbour", &NEIGHBOUR);
pub static FROM_NAMELESS: Way = mutual("nameless", &NAMELESS);
pub static FROM_SECOND: Way = mutual("second", &SECOND);
pub static FROM_MALFORMED: Way = mutual("malformed", &MALFORMED);
pub static FROM_IMPOSTOR: Way = mutual("impostor", &IMPOSTOR);
/// Shows a certificate where none is needed.
pub static UNASKED: Way = to("unasked", &LENIENT);
/// Shows none where one is asked for, but not needed.
pub static SILENT: Way = Way { name: "silent", as_whom: None, to: Some(&LENIENT) };
pub static ENCRYPTED: Way = Way { name: "encrypted", as_whom: None, to: Some(&ONE_SIDED) };
pub static PLAIN: Way = Way { name: "plain", as_whom: None, to: None };
pub static TO_LEDGER: Way = to("to-ledger", &OF_AUDIT);
pub static TO_STRANGER: Way = to("to-stranger", &OF_STRANGER);
pub static TO_NAMELESS: Way = to("to-nameless", &OF_NAMELESS);
pub static TO_MALFORMED: Way = to("to-malformed", &OF_MALFORMED);
pub static TO_IMPOSTOR: Way = to("to-impostor", &OF_IMPOSTOR);

pub static WAYS: [&Way; 18] = [
    &FROM_WEB,
    &FROM_CHARGES,
    &FROM_LEDGER,
    &FROM_STRANGER,
    &FROM_NEIGHBOUR,
    &FROM_NAMELESS,
    &FROM_SECOND,
    &FROM_MALFORMED,
    &FROM_IMPOSTOR,
    &UNASKED,
    &SILENT,
    &ENCRYPTED,
    &PLAIN,
    &TO_LEDGER,
    &TO_STRANGER,
    &TO_NAMELESS,
    &TO_MALFORMED,
    &TO_IMPOSTOR,
];
