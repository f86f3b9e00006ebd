//! Networks of client addresses.

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{TextSpec, ValueSpec};
use super::kind::Kind;
use super::request_context::Tri;
use std::net::{IpAddr, SocketAddr};

/// Network in CIDR notation. An address alone is a network of one address.
#[derive(Debug)]
pub(super) struct Network {
    address: IpAddr,
    prefix_len: u32,
}

/// Address without the port, from the host's `10.0.3.7:51734` or `[fd00::7]:51734`. An IPv4 address in an IPv6 address is an IPv4
/// address.
pub(super) fn address_of(socket_address: &[u8]) -> Option<IpAddr> {
    let address: SocketAddr = str::from_utf8(socket_address).ok()?.parse().ok()?;
    Some(address.ip().to_canonical())
}

impl Network {
    pub(super) fn matches(address: &IpAddr, network: &Self) -> Tri {
        network.contains(*address).into()
    }

    fn contains(&self, address: IpAddr) -> bool {
        let ((bits, width), (own_bits, own_width)) = (bits_of(address), bits_of(self.address));
        width == own_width && (bits ^ own_bits) & !behind_prefix(self.prefix_len) == 0
    }

    fn parse(text: &str) -> Option<Self> {
        let (address, prefix_len) = text.split_once('/').map_or((text, None), |(address, len)| (address, Some(len)));
        let address: IpAddr = address.parse().ok()?;
        let (bits, width) = bits_of(address);
        let prefix_len = match prefix_len {
            None => width,
            Some(len) if !len.is_empty() && len.bytes().all(|byte| byte.is_ascii_digit()) => len.parse().ok()?,
            Some(_) => return None,
        };
        let is_valid = prefix_len <= width && bits & behind_prefix(prefix_len) == 0;
        is_valid.then_some(Self { address, prefix_len })
    }
}

/// The bits of an address, from the highest of 128 bits on, and their number.
fn bits_of(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

/// The bits that are not in a prefix of this length.
fn behind_prefix(prefix_len: u32) -> u128 {
    u128::MAX.checked_shr(prefix_len).unwrap_or(0)
}

impl Kind<Self> for Network {
    const SPEC: ValueSpec =
        ValueSpec::Text(TextSpec { pattern: Some("^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$"), ..TextSpec::ANY });
    const PLURAL: &'static str = "networks";

    fn read(value: &ConfigValue) -> Result<Self, PolicyError> {
        Self::parse(value.text()?).ok_or_else(|| {
            PolicyError::wrong_value(
                "a network such as 10.0.0.0/8 or 2001:db8::/32, with zeros behind the prefix, or one address",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_the_addresses_with_its_prefix() {
        for (network, address, is_inside) in [
            ("10.0.0.0/8", "10.255.1.2:80", true),
            ("10.0.0.0/8", "11.0.0.0:80", false),
            ("10.0.0.0/8", "[::ffff:10.1.2.3]:80", true),
            ("10.0.0.0/8", "[a00::]:80", false),
            ("0.0.0.0/0", "255.255.255.255:1", true),
            ("0.0.0.0/0", "[::1]:1", false),
            ("::/0", "[fd00::7]:51734", true),
            ("::/0", "10.0.0.1:1", false),
            ("2001:db8::/33", "[2001:db8:7fff::]:1", true),
            ("2001:db8::/33", "[2001:db8:8000::]:1", false),
            ("192.0.2.7", "192.0.2.7:1", true),
            ("192.0.2.7", "192.0.2.6:1", false),
            ("::1/128", "[::1]:1", true),
            ("::1", "[::2]:1", false),
        ] {
            let network = Network::parse(network).unwrap();
            let address = address_of(address.as_bytes()).unwrap();
            assert_eq!(network.contains(address), is_inside, "{network:?} {address}");
        }
    }

    #[test]
    fn other_texts_are_neither_network_nor_address() {
        for network in [
            "",
            "/",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.1/8",
            "10.0.0/8",
            "010.0.0.0/8",
            "::/129",
            "2001:db8::1/64",
            "10.0.0.0/8/8",
            "10.0.0.0/99999999999",
            "*",
            "localhost",
            "10.0.0.0 /8",
        ] {
            assert!(Network::parse(network).is_none(), "{network}");
        }
        for address in ["", "10.0.0.1", "10.0.0.1:", "@/run/envoy.sock", "[::1]", "10.0.0.1:99999", "\u{ff}:1"] {
            assert_eq!(address_of(address.as_bytes()), None, "{address}");
        }
    }
}
