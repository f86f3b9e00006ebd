//! HTTP/2 client that sends one DATA frame for each piece, then END_STREAM or trailers.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use h2::{RecvStream, SendStream};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::http1::HOST;
use crate::case::{Framing, Message, Request};
use crate::fields::{fields, pairs};
use crate::observation::ReceivedResponse;

pub async fn send(address: SocketAddr, request: &Request, gap: Duration) -> Result<Option<ReceivedResponse>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (client, connection) = h2::client::handshake(stream).await?;
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await?;
    let bodiless = request.message.framing == Framing::None;
    let (response, mut body) = client.send_request(head(request)?, bodiless)?;
    let writing = async {
        if !bodiless {
            // An early response may reset the stream during the write. The reader reports it.
            let _ = write_body(&mut body, &request.message, gap).await;
        }
    };
    let reading = async {
        let Ok(response) = response.await else {
            return Ok(None);
        };
        read(response).await.map(Some)
    };
    tokio::pin!(writing, reading);
    let outcome = tokio::select! {
        outcome = &mut reading => outcome,
        () = &mut writing => reading.await,
    };
    connection.abort();
    outcome
}

fn head(request: &Request) -> Result<http::Request<()>> {
    let message = &request.message;
    let host = message.headers.iter().find(|(name, _)| name == "host").map_or(HOST, |(_, value)| value.as_str());
    let mut head = http::Request::builder()
        .method(request.method.as_str())
        .uri(format!("http://{host}{}", request.path))
        .version(http::Version::HTTP_2)
        .body(())?;
    *head.headers_mut() = fields(message.headers.iter().filter(|(name, _)| name != "host"))?;
    if message.framing == Framing::Length && !head.headers().contains_key("content-length") {
        head.headers_mut().insert("content-length", message.body().len().into());
    }
    Ok(head)
}

async fn write_body(stream: &mut SendStream<Bytes>, message: &Message, gap: Duration) -> Result<()> {
    let last = message.pieces.len().saturating_sub(1);
    let ends_with_data = message.trailers.is_empty();
    for (index, piece) in message.pieces.iter().enumerate() {
        sleep(gap).await;
        stream.send_data(Bytes::copy_from_slice(piece), ends_with_data && index == last)?;
    }
    if !ends_with_data {
        sleep(gap).await;
        stream.send_trailers(fields(message.trailers.iter())?)?;
    } else if message.pieces.is_empty() {
        stream.send_data(Bytes::new(), true)?;
    }
    Ok(())
}

async fn read(response: http::Response<RecvStream>) -> Result<ReceivedResponse> {
    let (head, mut stream) = response.into_parts();
    let mut received =
        ReceivedResponse { status: head.status.as_u16(), headers: pairs(&head.headers), ..ReceivedResponse::default() };
    loop {
        match stream.data().await {
            Some(Ok(data)) => {
                stream.flow_control().release_capacity(data.len())?;
                received.body.extend_from_slice(&data);
            }
            Some(Err(_)) => return Ok(received),
            None => break,
        }
    }
    match stream.trailers().await {
        Ok(trailers) => {
            received.trailers = trailers.as_ref().map(pairs).unwrap_or_default();
            received.complete = true;
        }
        Err(_) => received.complete = false,
    }
    Ok(received)
}
