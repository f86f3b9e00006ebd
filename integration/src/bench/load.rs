//! Load generator: a few persistent connections, each with one request at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::Sample;
use super::scenario::Scenario;

/// Time limit for a stream.
const LONGEST: Duration = Duration::from_secs(60);

/// Host of every request, and of the certificate.
pub const HOST: &str = "orders.example";

/// Open connections and their requests.
pub struct Load {
    scenario: Arc<Scenario>,
    /// Expected body in place of the response's body. Same length.
    expected: Bytes,
    clients: Vec<Client>,
}

/// Result of sending for some time.
#[derive(Debug, Default)]
pub struct Slice {
    /// Streams that ended as expected.
    pub exchanges: usize,
    /// Elapsed time.
    pub elapsed: Duration,
    /// Time from before the request to after the last byte of the response, in microseconds.
    pub latency: Sample,
}

enum Client {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Load {
    /// Connects, with TLS when `authority` has the certificate (PEM) of an authority for [`HOST`]. `expected` is the
    /// expected body in place of [`Scenario::response`].
    ///
    /// # Errors
    ///
    /// When the connection is refused.
    pub async fn connect(
        address: SocketAddr,
        authority: Option<&str>,
        scenario: Arc<Scenario>,
        expected: Bytes,
    ) -> Result<Self> {
        let tls = authority.map(connector).transpose()?;
        let mut clients = Vec::new();
        if scenario.http2 {
            let stream = TokioIo::new(open(address).await?);
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
            tokio::spawn(connection);
            clients.extend((0..scenario.clients).map(|_| Client::Http2(sender.clone())));
        } else {
            for _ in 0..scenario.clients {
                let stream = open(address).await?;
                clients.push(match &tls {
                    None => Client::http1(stream).await?,
                    Some(tls) => {
                        let stream = tls.connect(ServerName::try_from(HOST)?, stream).await;
                        Client::http1(stream.context("no TLS connection")?).await?
                    }
                });
            }
        }
        Ok(Self { scenario, expected, clients })
    }

    /// Runs one stream, and returns the body of the response, at most one repetition of it.
    ///
    /// # Errors
    ///
    /// When it does not end as expected.
    pub async fn once(&mut self) -> Result<Vec<u8>> {
        let mut arrived = Vec::with_capacity(self.expected.len());
        let client = self.clients.first_mut().context("no client")?;
        client
            .exchange(&self.scenario, &self.expected, |data| {
                let room = self.expected.len() - arrived.len();
                arrived.extend_from_slice(&data[..room.min(data.len())]);
            })
            .await?;
        Ok(arrived)
    }

    /// Sends for this time, and at least one stream.
    ///
    /// # Errors
    ///
    /// When a stream does not end as expected.
    pub async fn send(&mut self, time: Duration) -> Result<Slice> {
        let start = Instant::now();
        let (scenario, expected) = (&self.scenario, &self.expected);
        let sending = self.clients.iter_mut().map(|client| async move {
            let mut times = Vec::new();
            while times.is_empty() || start.elapsed() < time {
                let begin = Instant::now();
                client.exchange(scenario, expected, |_| ()).await?;
                times.push(begin.elapsed().as_secs_f64() * 1e6);
            }
            anyhow::Ok(times)
        });
        let mut slice = Slice::default();
        for micros in try_join_all(sending).await?.into_iter().flatten() {
            slice.exchanges += 1;
            slice.latency.add(micros);
        }
        slice.elapsed = start.elapsed();
        Ok(slice)
    }
}

async fn open(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn connector(authority: &str) -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).context("no certificate of an authority")?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

impl Client {
    async fn http1(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Self> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self::Http1(sender))
    }

    async fn exchange(&mut self, scenario: &Scenario, expected: &[u8], see: impl FnMut(&[u8])) -> Result<()> {
        let whole = async {
            let response = self.send(request(scenario)?).await.context("no answer")?;
            ensure!(response.status() == 200, "status {}", response.status().as_u16());
            compare(response.into_body(), scenario.response_length(), expected, see).await
        };
        timeout(LONGEST, whole).await.context("not answered in time")?
    }

    async fn send(&mut self, mut request: http::Request<Full<Bytes>>) -> Result<http::Response<Incoming>> {
        Ok(match self {
            Self::Http1(sender) => {
                *request.uri_mut() = http::Uri::from_static("/orders?page=2&size=20");
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Self::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
        })
    }
}

fn request(scenario: &Scenario) -> Result<http::Request<Full<Bytes>>> {
    let mut request = http::Request::builder()
        .method(if scenario.posts { "POST" } else { "GET" })
        .uri(format!("http://{HOST}/orders?page=2&size=20"))
        .header("host", HOST)
        .header("user-agent", "panveil-bench/1")
        .header("accept", "application/json, text/csv;q=0.9, */*;q=0.1")
        .header("accept-language", "en-GB,en;q=0.8")
        .header("authorization", "Bearer c2VjcmV0LXRva2VuLW9mLWEtc2VydmljZQ")
        .header("cookie", "theme=dark; session=5f2b9c61d0aa4e7e")
        .header("x-forwarded-proto", "https")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    if scenario.posts {
        request = request.header("content-type", scenario.content_type);
    }
    for (name, value) in &scenario.fields {
        request = request.header(name, value);
    }
    Ok(request.body(Full::new(scenario.request.clone()))?)
}

/// Compares the body with repetitions of `expected` while it arrives.
async fn compare(mut body: Incoming, length: usize, expected: &[u8], mut see: impl FnMut(&[u8])) -> Result<()> {
    let mut received = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.with_context(|| format!("the response ends after {received} of {length} bytes"))?;
        let Ok(data) = frame.into_data() else { continue };
        see(&data);
        let mut rest = data.as_ref();
        while !rest.is_empty() {
            ensure!(received < length, "the answer has more than {length} bytes");
            let wanted = &expected[received % expected.len()..];
            let count = wanted.len().min(rest.len());
            ensure!(
                wanted[..count] == rest[..count],
                "not the expected response, within {count} bytes behind {received}"
            );
            received += count;
            rest = &rest[count..];
        }
    }
    ensure!(received == length, "the answer has {received} of {length} bytes");
    Ok(())
}
