//! Which host is meant, however its name is written?

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{TextSpec, ValueSpec};
use super::kind::Kind;
use super::request_context::Tri;

/// A host as a request names it, in its one form: without a port, in lower case, without a dot at the end.
pub(super) struct HostName(Vec<u8>);

/// Which hosts a rule is about.
pub(super) enum HostPattern {
    /// This one.
    Is(Vec<u8>),
    /// Those below: `.example.com`.
    Below(Vec<u8>),
}

/// The longest name that DNS has.
const LONGEST: usize = 253;

impl HostName {
    /// The host in `authority`; `None` when it is not plainly one.
    pub(super) fn read(authority: &[u8]) -> Option<Self> {
        let name = without_port(authority)?;
        let name = name.strip_suffix(b".").unwrap_or(name);
        is_name(name).then(|| Self(name.to_ascii_lowercase()))
    }
}

impl Kind<Self> for HostPattern {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec { min: Some(1), ..TextSpec::ANY });
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
    pub(super) fn holds(host: &HostName, pattern: &Self) -> Tri {
        match pattern {
            Self::Is(name) => host.0 == *name,
            Self::Below(names) => host.0.len() > names.len() && host.0.ends_with(names),
        }
        .into()
    }
}

/// `None` when what stands behind the name is no port.
fn without_port(authority: &[u8]) -> Option<&[u8]> {
    // The colons of an IPv6 address stand in brackets.
    let colon = authority.iter().rposition(|byte| *byte == b':').filter(|_| !authority.ends_with(b"]"));
    let Some((name, port)) = colon.and_then(|colon| authority.split_at_checked(colon)) else { return Some(authority) };
    let port = port.strip_prefix(b":").unwrap_or(port);
    port.iter().all(u8::is_ascii_digit).then_some(name)
}

/// True for names with at least one letter or digit in each part, and for IPv6 addresses in brackets.
fn is_name(name: &[u8]) -> bool {
    let address = name.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    match address {
        Some(address) => {
            !address.is_empty() && address.iter().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte))
        }
        None => {
            let is_part = |part: &[u8]| {
                !part.is_empty() && part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
            };
            name.len() <= LONGEST && name.split(|byte| *byte == b'.').all(is_part)
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
    fn a_host_has_one_form() {
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
    fn what_is_not_plainly_a_host_is_none() {
        for authority in [
            "", ".", "a..b", "a.b..", ".a", "user@a", "a:b", "a:8:0x", "a%2eb", "a b", "[::1", "::1", "a/b", "[]",
            "é.com",
        ] {
            assert_eq!(read(authority), None, "{authority}");
        }
        assert_eq!(read(&"a".repeat(254)), None);
    }

    #[test]
    fn a_wildcard_stands_for_what_is_below() {
        let holds = |pattern: &str, host: &str| {
            let pattern = HostPattern::read(&ConfigValue::Text(pattern.to_owned())).unwrap();
            HostPattern::holds(&HostName::read(host.as_bytes()).unwrap(), &pattern) == Tri::Yes
        };
        assert!(holds("api.Example.com", "API.example.com:1"));
        assert!(!holds("example.com", "api.example.com"));
        assert!(holds("*.example.com", "api.example.com") && holds("*.example.com", "a.b.example.com."));
        for other in ["example.com", "notexample.com", "api.example.com.evil.org"] {
            assert!(!holds("*.example.com", other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn the_form_is_its_own_form(authority in "[a-zA-Z0-9.:\\[\\]@%-]{0,20}") {
            if let Some(name) = read(&authority) {
                prop_assert_eq!(read(&name), Some(name));
            }
        }
    }
}
