//! gRPC upstream for `peers/charges.proto`, on tonic. It stores the received messages.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::{Stream, StreamExt, future, stream};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status, Streaming, async_trait};
use tonic_web::GrpcWebLayer;

pub use self::generated::charges_client::ChargesClient;
use self::generated::charges_server::{Charges, ChargesServer};
pub use self::generated::{Charge, Holder, Ledger, Wish};

#[allow(missing_docs, clippy::all)]
mod generated {
    tonic::include_proto!("panveil.test");
}

/// Time limit for a call after its client has left.
const LONGEST_CALL: Duration = Duration::from_secs(10);

/// Upstream on a free port of 127.0.0.1. Compresses responses if the client accepts it.
#[derive(Debug)]
pub struct Service {
    /// Listening address.
    pub address: SocketAddr,
    memory: Arc<Memory>,
    serving: JoinHandle<()>,
}

/// Stored data of the upstream.
#[derive(Debug, Default)]
struct Memory {
    charges: Mutex<Vec<Charge>>,
    accepted: Mutex<Vec<String>>,
    open: AtomicUsize,
}

/// Active call.
struct Call(Arc<Memory>);

struct Remembering(Arc<Memory>);

type Answers = Pin<Box<dyn Stream<Item = Result<Charge, Status>> + Send>>;

impl Service {
    /// Starts it. With `web` it also supports gRPC-Web.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub async fn start(web: bool) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let memory = Arc::new(Memory::default());
        let charges = ChargesServer::new(Remembering(Arc::clone(&memory)));
        let charges = charges.accept_compressed(Gzip).send_compressed(Gzip);
        let incoming = TcpListenerStream::new(listener);
        let serving = tokio::spawn(async move {
            let _ = if web {
                let server = Server::builder().accept_http1(true).layer(GrpcWebLayer::new());
                server.clone().add_service(charges).serve_with_incoming(incoming).await
            } else {
                Server::builder().add_service(charges).serve_with_incoming(incoming).await
            };
        });
        Ok(Self { address, memory, serving })
    }

    /// Removes and returns the received charges.
    #[must_use]
    pub fn take(&self) -> Vec<Charge> {
        std::mem::take(&mut *self.memory.charges.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Accepted compression algorithms of the calls so far.
    #[must_use]
    pub fn accepted(&self) -> Vec<String> {
        self.memory.accepted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Number of active calls.
    #[must_use]
    pub fn open(&self) -> usize {
        self.memory.open.load(Ordering::SeqCst)
    }

    /// Waits until no call is active.
    ///
    /// # Errors
    ///
    /// When one is still active after the time limit.
    pub async fn settle(&self) -> Result<()> {
        let step = Duration::from_millis(5);
        let mut waited = Duration::ZERO;
        while self.open() > 0 {
            ensure!(waited < LONGEST_CALL, "a call is stuck at the service");
            sleep(step).await;
            waited += step;
        }
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Remembering {
    fn open<T>(&self, request: &Request<T>) -> Call {
        let accepted = request.metadata().get("grpc-accept-encoding").and_then(|value| value.to_str().ok());
        let mut all = self.0.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(accepted.unwrap_or_default().to_owned());
        self.0.open.fetch_add(1, Ordering::SeqCst);
        Call(Arc::clone(&self.0))
    }
}

impl Call {
    fn remember(&self, charge: &Charge) {
        self.0.charges.lock().unwrap_or_else(PoisonError::into_inner).push(charge.clone());
    }

    /// Stores a charge and follows its instruction.
    async fn serve(&self, charge: Charge) -> Result<Charge, Status> {
        self.remember(&charge);
        match charge.wish() {
            Wish::None => Ok(charge),
            Wish::Fail => Err(Status::with_details(Code::InvalidArgument, charge.note, charge.raw.into())),
            Wish::StaySilent => future::pending().await,
        }
    }

    /// Serves charges one after the other.
    fn serve_all(self, charges: impl Stream<Item = Result<Charge, Status>> + Send + 'static) -> Answers {
        let call = Arc::new(self);
        Box::pin(charges.then(move |charge| {
            let call = Arc::clone(&call);
            async move { call.serve(charge?).await }
        }))
    }
}

#[async_trait]
impl Charges for Remembering {
    type SpreadStream = Answers;
    type ConverseStream = Answers;

    async fn create(&self, request: Request<Charge>) -> Result<Response<Charge>, Status> {
        let call = self.open(&request);
        call.serve(request.into_inner()).await.map(Response::new)
    }

    async fn collect(&self, request: Request<Streaming<Charge>>) -> Result<Response<Ledger>, Status> {
        let call = self.open(&request);
        let mut stream = request.into_inner();
        let mut charges = Vec::new();
        while let Some(charge) = stream.message().await? {
            charges.push(call.serve(charge).await?);
        }
        Ok(Response::new(Ledger { charges }))
    }

    async fn spread(&self, request: Request<Ledger>) -> Result<Response<Answers>, Status> {
        let call = self.open(&request);
        let charges = stream::iter(request.into_inner().charges.into_iter().map(Ok));
        Ok(Response::new(call.serve_all(charges)))
    }

    async fn converse(&self, request: Request<Streaming<Charge>>) -> Result<Response<Answers>, Status> {
        let call = self.open(&request);
        Ok(Response::new(call.serve_all(request.into_inner())))
    }
}
