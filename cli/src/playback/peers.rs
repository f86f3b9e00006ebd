//! Attributes of the peers, which no stored message contains.

use clap::ValueEnum;
use panveil::policy::Connection;
use std::net::{IpAddr, SocketAddr};

/// Attributes of the peers, and the time. `None` is unknown.
#[derive(Default)]
pub struct Peers {
    pub connection: Option<Connection>,
    pub source: Option<String>,
    pub destination: Option<String>,
    /// Time of the stream in seconds since 1970.
    pub time: Option<u64>,
    /// Address of the client.
    pub remote_ip: Option<IpAddr>,
    /// Port that the client connected to.
    pub port: Option<u16>,
    /// Route and upstream cluster in the proxy's configuration.
    pub route: Option<String>,
    pub cluster: Option<String>,
}

/// [`Connection`] as an argument, in the words of rules.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TlsArg {
    /// TLS in which both sides authenticate.
    Mutual,
    /// TLS without authentication of the client.
    Any,
    /// Plaintext.
    None,
}

impl TlsArg {
    /// All values, with their names.
    pub fn words() -> Vec<(String, Self)> {
        let name = |value: &Self| Some((value.to_possible_value()?.get_name().to_owned(), *value));
        Self::value_variants().iter().filter_map(name).collect()
    }
}

impl Peers {
    /// Sets the connection. An identity of the client requires mutual TLS.
    pub fn set_client(&mut self, tls: Option<TlsArg>, source: Option<String>) -> Result<(), &'static str> {
        self.connection = match (tls, &source) {
            (Some(TlsArg::Any | TlsArg::None), Some(_)) => return Err("a client identity requires mutual TLS"),
            (Some(TlsArg::Mutual), _) | (None, Some(_)) => Some(Connection::MutualTls),
            (Some(TlsArg::Any), None) => Some(Connection::Tls),
            (Some(TlsArg::None), None) => Some(Connection::Plain),
            (None, None) => None,
        };
        self.source = source;
        Ok(())
    }

    /// Property of the proxy about connection and route, as it writes them.
    pub fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        /// Port of the client, which no rule tests.
        const CLIENT_PORT: u16 = 51_734;

        match path {
            ["source", "address"] => {
                self.remote_ip.map(|address| SocketAddr::new(address, CLIENT_PORT).to_string().into_bytes())
            }
            ["destination", "port"] => self.port.map(|port| u64::from(port).to_le_bytes().to_vec()),
            ["xds", "route_name"] => self.route.clone().map(String::into_bytes),
            ["xds", "cluster_name"] => self.cluster.clone().map(String::into_bytes),
            _ => None,
        }
    }
}

/// Reads the identity of a peer.
pub fn spiffe_id(text: &str) -> Result<String, &'static str> {
    if text.starts_with("spiffe://") { Ok(text.to_owned()) } else { Err("a SPIFFE ID begins with spiffe://") }
}
