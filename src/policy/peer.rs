//! Identities of peers, and patterns that match them.
//!
//! An identity is a SPIFFE ID, `spiffe://trust-domain/path`. It comes from a certificate only, and no header sets it.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{TextSpec, ValueSpec};
use super::kind::Kind;
use super::request_context::{Fact, Tri};

/// Identity of an authenticated peer.
pub(super) struct Identity {
    trust_domain: String,
    path: Vec<String>,
}

/// Pattern of identities in a rule.
pub(super) struct PeerPattern {
    trust_domain: TrustDomain,
    path: Vec<UriSegment>,
    /// True if the pattern ends with `/*`, which matches one or more segments.
    is_open: bool,
}

enum TrustDomain {
    Any,
    Is(String),
    /// All subdomains, such as `.example.com`.
    Below(String),
}

enum UriSegment {
    Any,
    Is(String),
}

const SCHEME: &str = "spiffe://";

/// Longest SPIFFE ID in bytes.
const LONGEST: usize = 2048;

impl Identity {
    /// Identity in the name of a certificate. A name of another kind is an absent identity. A malformed SPIFFE ID is an unknown
    /// identity.
    pub(super) fn fact(name: Option<&[u8]>) -> Fact<Self> {
        let Some(name) = name.filter(|name| !name.is_empty()) else { return Fact::Absent };
        match str::from_utf8(name) {
            Ok(name) if name.starts_with(SCHEME) => Fact::from_option(Self::read(name)),
            _ => Fact::Absent,
        }
    }

    fn read(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(SCHEME)?.split('/');
        let trust_domain = parts.next().filter(|domain| is_trust_domain(domain))?.to_owned();
        let path: Option<Vec<String>> = parts.map(|part| is_segment(part).then(|| part.to_owned())).collect();
        (name.len() <= LONGEST).then_some(Self { trust_domain, path: path? })
    }
}

impl Kind<Self> for PeerPattern {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec {
        pattern: Some(r"^spiffe://(\*|(\*\.)?[a-z0-9_-][a-z0-9._-]*)(/(\*|[A-Za-z0-9._-]+))+$"),
        max: Some(LONGEST),
        ..TextSpec::ANY
    });
    const PLURAL: &'static str = "SPIFFE IDs";

    fn read(value: &ConfigValue) -> Result<Self, PolicyError> {
        Self::parse(value.text()?).ok_or_else(|| {
            PolicyError::wrong_value(
                "spiffe://trust-domain/path, in which * stands for a whole segment, or at the end for the rest",
            )
        })
    }
}

impl PeerPattern {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(SCHEME).filter(|_| text.len() <= LONGEST)?.split('/');
        let trust_domain = match parts.next()? {
            "*" => TrustDomain::Any,
            domain => match domain.strip_prefix('*') {
                Some(below) => TrustDomain::Below(
                    below.strip_prefix('.').filter(|name| is_trust_domain(name)).map(|_| below)?.to_owned(),
                ),
                None => TrustDomain::Is(Some(domain).filter(|name| is_trust_domain(name))?.to_owned()),
            },
        };
        let segment = |part: &str| match part {
            "*" => Some(UriSegment::Any),
            part => is_segment(part).then(|| UriSegment::Is(part.to_owned())),
        };
        let mut path = parts.map(segment).collect::<Option<Vec<UriSegment>>>()?;
        let is_open = path.pop_if(|last| matches!(last, UriSegment::Any)).is_some();
        Some(Self { trust_domain, path, is_open })
    }

    pub(super) fn matches(peer: &Identity, pattern: &Self) -> Tri {
        let domain = match &pattern.trust_domain {
            TrustDomain::Any => true,
            TrustDomain::Is(name) => peer.trust_domain == *name,
            TrustDomain::Below(names) => peer.trust_domain.ends_with(names),
        };
        let length =
            if pattern.is_open { peer.path.len() > pattern.path.len() } else { peer.path.len() == pattern.path.len() };
        let same = |(segment, wanted): (&String, &UriSegment)| match wanted {
            UriSegment::Any => true,
            UriSegment::Is(name) => segment == name,
        };
        (domain && length && peer.path.iter().zip(&pattern.path).all(same)).into()
    }
}

/// Checks the characters that the SPIFFE standard permits in a trust domain: lowercase letters, digits, dots, dashes and underscores.
fn is_trust_domain(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    (1..=255).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(is_allowed)
}

fn is_segment(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    !matches!(name, "" | "." | "..") && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> Tri {
        let pattern = PeerPattern::read(&ConfigValue::Text(pattern.to_owned())).unwrap();
        Identity::fact(Some(name.as_bytes())).is_among(&[pattern], PeerPattern::matches)
    }

    #[test]
    fn patterns_match_by_segments() {
        const CHECKOUT: &str = "spiffe://cluster.local/ns/checkout/sa/web";
        for pattern in [
            CHECKOUT,
            "spiffe://cluster.local/ns/checkout/*",
            "spiffe://cluster.local/ns/*/sa/web",
            "spiffe://cluster.local/ns/*/sa/*",
            "spiffe://cluster.local/*",
            "spiffe://*/ns/checkout/*",
            "spiffe://*/*",
            "spiffe://*.local/ns/checkout/sa/web",
        ] {
            assert_eq!(matches(pattern, CHECKOUT), Tri::Yes, "{pattern}");
        }
        for pattern in [
            "spiffe://cluster.local/ns/checkout",
            "spiffe://cluster.local/ns/check/*",
            "spiffe://cluster.local/ns/*/web",
            "spiffe://cluster.local/ns/checkout/sa/web/*",
            "spiffe://cluster.local/ns/Checkout/*",
            "spiffe://other.local/ns/checkout/*",
            "spiffe://*.cluster.local/ns/checkout/*",
            "spiffe://local/*",
            "spiffe://*",
        ] {
            assert_eq!(matches(pattern, CHECKOUT), Tri::No, "{pattern}");
        }
    }

    #[test]
    fn other_names_are_no_identity() {
        const ANY: &str = "spiffe://*/*";
        for name in ["", "https://cluster.local/ns/checkout", "SPIFFE://a/b", "cluster.local/ns/checkout"] {
            assert_eq!(matches(ANY, name), Tri::No, "{name}");
        }
        for name in
            ["spiffe://a/../b", "spiffe://a//b", "spiffe://A/b", "spiffe:///b", "spiffe://a/%62", "spiffe://a/b?c"]
        {
            assert_eq!(matches(ANY, name), Tri::Unknown, "{name}");
        }
    }
}
