//! Workloads with their certificates, and the ways between them.

use panveil_integration::certificates::Subject;
use panveil_integration::envoy::ClientCertificate;

/// Identity that the rules of the tests match.
pub const WEB: &str = "spiffe://cluster.local/ns/checkout/sa/web";

/// Workload and the authority of its certificate.
#[derive(Debug)]
pub struct Workload {
    pub subject: Subject,
    /// Whether the authority is unknown to the mesh.
    pub foreign: bool,
}

/// Listener of the upstream's sidecar.
#[derive(Debug)]
pub struct Gate {
    pub name: &'static str,
    pub shows: &'static Workload,
    pub client_certificate: ClientCertificate,
}

/// Way from a client to the upstream.
#[derive(Debug)]
pub struct Way {
    pub name: &'static str,
    /// Workload whose certificate the client's sidecar shows.
    pub as_whom: Option<&'static Workload>,
    /// Listener of the upstream's sidecar. `None` is plaintext.
    pub to: Option<&'static Gate>,
}

const fn named(common_name: &'static str, uris: &'static [&'static str]) -> Workload {
    Workload { subject: Subject { common_name, uris, dns: &[] }, foreign: false }
}

static CHECKOUT: Workload = named("web", &[WEB]);
static PAYMENTS: Workload = named("charges", &["spiffe://cluster.local/ns/payments/sa/charges"]);
static AUDIT: Workload = named("ledger", &["spiffe://cluster.local/ns/audit/sa/ledger"]);
/// Same name in another trust domain, signed by the mesh's authority.
static STRANGER: Workload = named("stranger", &["spiffe://evil.example/ns/checkout/sa/web"]);
/// Trust domain with the mesh's as a prefix.
static NEIGHBOUR: Workload = named("neighbour", &["spiffe://cluster.local.example/ns/checkout/sa/web"]);
/// Identity in the wrong field of the certificate.
static NAMELESS: Workload =
    Workload { subject: Subject { common_name: WEB, uris: &[], dns: &[WEB, "web.checkout.svc"] }, foreign: false };
/// The first URI is no SPIFFE ID, and only the first counts.
static SECOND: Workload = named("second", &["https://cluster.local/ns/checkout/sa/web", WEB]);
/// Malformed SPIFFE ID.
static MALFORMED: Workload = named("malformed", &["spiffe://cluster.local/ns/checkout/sa/../sa/web"]);
static IMPOSTOR: Workload = Workload { subject: Subject { common_name: "web", uris: &[WEB], dns: &[] }, foreign: true };

static MUTUAL: Gate = Gate { name: "mutual", shows: &PAYMENTS, client_certificate: ClientCertificate::Required };
static LENIENT: Gate = Gate { name: "lenient", shows: &PAYMENTS, client_certificate: ClientCertificate::Optional };
static ONE_SIDED: Gate =
    Gate { name: "one-sided", shows: &PAYMENTS, client_certificate: ClientCertificate::NotRequested };
static OF_AUDIT: Gate = Gate { name: "of-audit", shows: &AUDIT, client_certificate: ClientCertificate::Required };
static OF_STRANGER: Gate =
    Gate { name: "of-stranger", shows: &STRANGER, client_certificate: ClientCertificate::Required };
static OF_NAMELESS: Gate =
    Gate { name: "of-nameless", shows: &NAMELESS, client_certificate: ClientCertificate::Required };
static OF_MALFORMED: Gate =
    Gate { name: "of-malformed", shows: &MALFORMED, client_certificate: ClientCertificate::Required };
static OF_IMPOSTOR: Gate =
    Gate { name: "of-impostor", shows: &IMPOSTOR, client_certificate: ClientCertificate::NotRequested };

/// All listeners but the plaintext one, which is the shipped listener.
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
/// Shows a certificate although none is requested.
pub static UNASKED: Way = to("unasked", &LENIENT);
/// Shows none although one is requested optionally.
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
