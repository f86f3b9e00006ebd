//! HTTP/1.1 client that writes requests byte for byte, with the framing and the cuts of the test.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

use super::{Client, response};
use crate::case::{Framing, Request};
use crate::observation::ReceivedResponse;

/// Default `host` of a request.
pub const HOST: &str = "service.example";

/// Size of the receive buffer of a client that does not read.
const SLOW_READERS_BUFFER: u32 = 64 << 10;

pub async fn send(client: &Client, request: &Request) -> Result<Option<ReceivedResponse>> {
    let (mut read, mut write) = connect(client).await?.into_split();
    let writing = write_request(&mut write, request, client.gap);
    let reading = async {
        sleep(client.reads_after).await;
        response::read(&mut read, &request.method).await
    };
    tokio::pin!(writing, reading);
    // A proxy may respond and stop reading before the end of the request, so a write error is not a failure.
    tokio::select! {
        response = &mut reading => response,
        _ = &mut writing => reading.await,
    }
}

async fn connect(client: &Client) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if !client.reads_after.is_zero() {
        socket.set_recv_buffer_size(SLOW_READERS_BUFFER)?;
    }
    let stream = socket.connect(client.address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub async fn send_bytes(address: SocketAddr, bytes: &[u8]) -> Result<Option<ReceivedResponse>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    response::read(&mut stream, "").await
}

async fn write_request(write: &mut OwnedWriteHalf, request: &Request, gap: Duration) -> Result<()> {
    let message = &request.message;
    write.write_all(head(request).as_bytes()).await?;
    for piece in message.pieces.iter().filter(|piece| !piece.is_empty()) {
        sleep(gap).await;
        let framed = match message.framing {
            Framing::Chunked => [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat(),
            Framing::Length | Framing::None => piece.clone(),
        };
        write.write_all(&framed).await?;
    }
    if message.framing == Framing::Chunked {
        sleep(gap).await;
        let mut end = "0\r\n".to_owned();
        fields(&mut end, &message.trailers);
        write.write_all(end.as_bytes()).await?;
    }
    Ok(())
}

fn head(request: &Request) -> String {
    let message = &request.message;
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.path);
    let has = |name: &str| message.headers.iter().any(|(key, _)| key == name);
    if !has("host") {
        let _ = write!(head, "host: {HOST}\r\n");
    }
    match message.framing {
        Framing::Length if !has("content-length") => {
            let _ = write!(head, "content-length: {}\r\n", message.body().len());
        }
        Framing::Chunked => head.push_str("transfer-encoding: chunked\r\n"),
        Framing::Length | Framing::None => {}
    }
    fields(&mut head, &message.headers);
    head
}

fn fields(head: &mut String, fields: &[(String, String)]) {
    for (name, value) in fields {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
}
