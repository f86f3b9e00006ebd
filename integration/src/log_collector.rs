//! OpenTelemetry collector of logs, over OTLP and gRPC. It stores the received records.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, async_trait};

/// Collector on a free port of 127.0.0.1.
#[derive(Debug)]
pub struct LogCollector {
    /// Listening address.
    pub address: SocketAddr,
    received: Received,
    serving: JoinHandle<()>,
}

type Received = Arc<Mutex<Vec<ExportLogsServiceRequest>>>;

struct Service(Received);

impl LogCollector {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let received = Received::default();
        let service = LogsServiceServer::new(Service(Arc::clone(&received)));
        let incoming = TcpListenerStream::new(listener);
        let serving = tokio::spawn(async move {
            let _ = Server::builder().add_service(service).serve_with_incoming(incoming).await;
        });
        Ok(Self { address, received, serving })
    }

    /// Attributes of each received record, in order. `-` becomes null.
    #[must_use]
    pub fn attributes(&self) -> Vec<Map<String, Value>> {
        let requests = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        let scopes = requests.iter().flat_map(|request| &request.resource_logs).flat_map(|logs| &logs.scope_logs);
        let records = scopes.flat_map(|scope| &scope.log_records);
        let attributes = records.map(|record| {
            record.attributes.iter().map(|attribute| {
                let value = match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
                    Some(AnyValue::StringValue(text)) if text != "-" => text.as_str().into(),
                    _ => Value::Null,
                };
                (attribute.key.clone(), value)
            })
        });
        attributes.map(Iterator::collect).collect()
    }
}

impl Drop for LogCollector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[async_trait]
impl LogsService for Service {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(request.into_inner());
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}
