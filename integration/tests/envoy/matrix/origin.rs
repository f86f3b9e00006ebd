//! HTTP/1.1 upstream that writes responses byte for byte, for features that no server library has: unrequested
//! trailers, and bodies that end with their connection.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use panveil_integration::client::GAP;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::cell::{Cell, Direction, End};

/// Upstream that responds to GETs with the cell of the path.
pub struct Origin {
    pub address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Origin {
    pub async fn start(cells: &[Cell]) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let cells: Arc<BTreeMap<String, Cell>> =
            Arc::new(cells.iter().map(|cell| (cell.path(), cell.clone())).collect());
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let cells = Arc::clone(&cells);
                // The client reports connections that the proxy resets.
                tokio::spawn(async move { serve(stream, &cells).await });
            }
        });
        Ok(Self { address, accepting })
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Responds to the requests of one connection, until it ends or a response ends with it.
async fn serve(mut stream: TcpStream, cells: &BTreeMap<String, Cell>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut input = Vec::new();
    loop {
        let Some(end) = input.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            if stream.read_buf(&mut input).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let head: Vec<u8> = input.drain(..end + 4).collect();
        let path = std::str::from_utf8(&head)?.split(' ').nth(1).context("no path")?.to_owned();
        let cell = cells.get(&path).with_context(|| format!("no cell {path}"))?;
        answer(&mut stream, cell).await?;
        if cell.end == End::Close {
            return Ok(stream.shutdown().await?);
        }
    }
}

async fn answer(stream: &mut TcpStream, cell: &Cell) -> Result<()> {
    let message = cell.response(Direction::Response).message;
    let chunked = matches!(cell.end, End::Open | End::Trailers);
    let mut head = format!("HTTP/1.1 200 OK\r\ncontent-type: {}\r\n", cell.subject.body.content_type);
    match cell.end {
        End::Length | End::LengthAndTrailers => write!(head, "content-length: {}\r\n\r\n", message.body().len())?,
        End::Open | End::Trailers => head.push_str("transfer-encoding: chunked\r\n\r\n"),
        End::Close => head.push_str("connection: close\r\n\r\n"),
    }
    stream.write_all(head.as_bytes()).await?;
    for piece in message.pieces.iter().filter(|piece| !piece.is_empty()) {
        sleep(GAP).await;
        let size = format!("{:x}\r\n", piece.len());
        let framed = if chunked { [size.as_bytes(), piece, b"\r\n"].concat() } else { piece.clone() };
        stream.write_all(&framed).await?;
    }
    if chunked {
        sleep(GAP).await;
        let mut end = "0\r\n".to_owned();
        for (name, value) in &message.trailers {
            write!(end, "{name}: {value}\r\n")?;
        }
        end.push_str("\r\n");
        stream.write_all(end.as_bytes()).await?;
    }
    Ok(())
}
