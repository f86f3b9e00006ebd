//! Host names, and patterns that match them.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{TextSpec, ValueSpec};
use super::kind::Kind;
use super::request_context::Tri;

/// Host of a request in normalized form: lowercase, without a port and without a dot at the end.
pub(super) struct HostName(Vec<u8>);

/// Pattern of hosts in a rule.
pub(super) enum HostPattern {
    /// One host.
    Is(Vec<u8>),
    /// All subdomains, such as `.example.com`.
    Below(Vec<u8>),
}

/// Longest DNS name in bytes.
const LONGEST: usize = 253;

impl HostName {
    /// Host in `authority`; `None` if it is invalid.
    pub(super) fn read(authority: &[u8]) -> Option<Self> {
        let name = without_port(authority)?;
        let name = name.strip_suffix(b".").unwrap_or(name);
        is_name(name).then(|| Self(name.to_ascii_lowercase()))
    }
}

impl Kind<Self> for HostPattern {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec {
        pattern: Some(r"^(\*\.)?([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])$"),
        ..TextSpec::ANY
    });
    const PLURAL: &'static str = "hosts";

    fn read(value: &ConfigValue) -> Result<Self, PolicyError> {
        let text = value.text()?.as_bytes();
        let (below, name) = match text.strip_prefix(b"*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let is_plain = !name.ends_with(b".") && without_port(name) == Some(name);
        match HostName::read(name) {
            Some(HostName(name)) if is_plain && below => Ok(Self::Below([b".", name.as_slice()].concat())),
            Some(HostName(name)) if is_plain => Ok(Self::Is(name)),
            _ => Err(PolicyError::wrong_value("the name of a host without port, or *. and such a name")),
        }
    }
}

impl HostPattern {
    pub(super) fn matches(host: &HostName, pattern: &Self) -> Tri {
        match pattern {
            Self::Is(name) => host.0 == *name,
            Self::Below(names) => host.0.len() > names.len() && host.0.ends_with(names),
        }
        .into()
    }
}

/// Name without its port; `None` if the port is invalid.
fn without_port(authority: &[u8]) -> Option<&[u8]> {
    // The colons of an IPv6 address are within brackets.
    let colon = authority.iter().rposition(|byte| *byte == b':').filter(|_| !authority.ends_with(b"]"));
    let Some((name, port)) = colon.and_then(|colon| authority.split_at_checked(colon)) else { return Some(authority) };
    let port = port.strip_prefix(b":").unwrap_or(port);
    port.iter().all(u8::is_ascii_digit).then_some(name)
}

/// True for names whose labels are not empty, and for IPv6 addresses in brackets.
fn is_name(name: &[u8]) -> bool {
    let address = name.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    match address {
        Some(address) => {
            !address.is_empty() && address.iter().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte))
        }
        None => {
            let is_label = |label: &[u8]| {
                !label.is_empty() && label.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
            };
            name.len() <= LONGEST && name.split(|byte| *byte == b'.').all(is_label)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(authority: &str) -> Option<String> {
        HostName::read(authority.as_bytes()).map(|name| String::from_utf8(name.0).unwrap())
    }

    #[test]
    fn hosts_are_normalized() {
        for authority in
            ["api.example.com", "API.Example.COM", "api.example.com:443", "api.example.com.", "Api.example.com.:8443"]
        {
            assert_eq!(read(authority).as_deref(), Some("api.example.com"), "{authority}");
        }
        assert_eq!(read("localhost").as_deref(), Some("localhost"));
        assert_eq!(read("10.0.0.1:80").as_deref(), Some("10.0.0.1"));
        assert_eq!(read("[2001:DB8::1]:443").as_deref(), Some("[2001:db8::1]"));
        assert_eq!(read("[::1]").as_deref(), Some("[::1]"));
    }

    #[test]
    fn invalid_hosts_are_rejected() {
        for authority in [
            "", ".", "a..b", "a.b..", ".a", "user@a", "a:b", "a:8:0x", "a%2eb", "a b", "[::1", "::1", "a/b", "[]",
            "é.com",
        ] {
            assert_eq!(read(authority), None, "{authority}");
        }
        assert_eq!(read(&"a".repeat(254)), None);
    }

    #[test]
    fn a_wildcard_matches_subdomains() {
        let matches = |pattern: &str, host: &str| {
            let pattern = HostPattern::read(&ConfigValue::Text(pattern.to_owned())).unwrap();
            HostPattern::matches(&HostName::read(host.as_bytes()).unwrap(), &pattern) == Tri::Yes
        };
        assert!(matches("api.Example.com", "API.example.com:1"));
        assert!(!matches("example.com", "api.example.com"));
        assert!(matches("*.example.com", "api.example.com") && matches("*.example.com", "a.b.example.com."));
        for other in ["example.com", "notexample.com", "api.example.com.evil.org"] {
            assert!(!matches("*.example.com", other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn normalization_is_idempotent(authority in "[a-zA-Z0-9.:\\[\\]@%-]{0,20}") {
            if let Some(name) = read(&authority) {
                prop_assert_eq!(read(&name), Some(name));
            }
        }
    }
}
