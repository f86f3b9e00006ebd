//! Reader of HTTP/1.1 responses. It follows the framing, so that it detects a truncated response.

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::observation::{ReceivedResponse, values};

const MOST_HEADERS: usize = 128;
const LONGEST_HEAD: usize = 1 << 20;

/// Reads one response to a request with this method. `None` when the connection ends before the end of the headers.
pub async fn read(read: &mut (impl AsyncRead + Unpin), method: &str) -> Result<Option<ReceivedResponse>> {
    let mut input = Input { read, buffer: Vec::new(), ended: false };
    let Some(mut response) = head(&mut input).await? else {
        return Ok(None);
    };
    let bodiless = method == "HEAD" || matches!(response.status, 204 | 304);
    let length = values(&response.headers, "content-length").first().copied().map(str::parse).transpose();
    let length: Option<usize> = length.context("content-length is not a number")?;
    response.complete = if bodiless {
        true
    } else if values(&response.headers, "transfer-encoding").contains(&"chunked") {
        chunks(&mut input, &mut response).await?
    } else if let Some(length) = length {
        response.body = input.take(length).await?;
        response.body.len() == length
    } else {
        while input.more().await? {}
        response.body = std::mem::take(&mut input.buffer);
        true
    };
    Ok(Some(response))
}

/// Headers of the final response. Skips interim responses (100, 103).
async fn head(input: &mut Input<'_, impl AsyncRead + Unpin>) -> Result<Option<ReceivedResponse>> {
    while input.buffer.len() < LONGEST_HEAD {
        let mut space = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Response::new(&mut space);
        if let httparse::Status::Complete(end) = parsed.parse(&input.buffer).context("response head")? {
            let response = ReceivedResponse {
                status: parsed.code.unwrap_or_default(),
                headers: fields(parsed.headers),
                ..ReceivedResponse::default()
            };
            input.buffer.drain(..end);
            if response.status >= 200 || response.status == 101 {
                return Ok(Some(response));
            }
        } else if !input.more().await? {
            return Ok(None);
        }
    }
    bail!("response head over {LONGEST_HEAD} bytes")
}

/// Reads chunks and trailers into `response`. `false` when the connection ended before the last chunk.
async fn chunks(input: &mut Input<'_, impl AsyncRead + Unpin>, response: &mut ReceivedResponse) -> Result<bool> {
    loop {
        let Some(size) = chunk_size(input).await? else {
            return Ok(false);
        };
        if size == 0 {
            return trailers(input, response).await;
        }
        let mut chunk = input.take(size.saturating_add(2)).await?;
        let whole = chunk.len() == size.saturating_add(2);
        chunk.truncate(size);
        response.body.extend(chunk);
        if !whole {
            return Ok(false);
        }
    }
}

async fn chunk_size(input: &mut Input<'_, impl AsyncRead + Unpin>) -> Result<Option<usize>> {
    loop {
        match httparse::parse_chunk_size(&input.buffer) {
            Ok(httparse::Status::Complete((end, size))) => {
                input.buffer.drain(..end);
                return Ok(Some(usize::try_from(size)?));
            }
            Ok(httparse::Status::Partial) if input.more().await? => {}
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => bail!("chunk size: not a number"),
        }
    }
}

async fn trailers(input: &mut Input<'_, impl AsyncRead + Unpin>, response: &mut ReceivedResponse) -> Result<bool> {
    loop {
        let mut space = [httparse::EMPTY_HEADER; MOST_HEADERS];
        if let httparse::Status::Complete((_, parsed)) =
            httparse::parse_headers(&input.buffer, &mut space).context("response trailers")?
        {
            response.trailers = fields(parsed);
            return Ok(true);
        }
        if !input.more().await? {
            return Ok(false);
        }
    }
}

fn fields(parsed: &[httparse::Header<'_>]) -> Vec<(String, String)> {
    let field = |header: &httparse::Header<'_>| {
        (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
    };
    parsed.iter().map(field).collect()
}

/// Received bytes that are not read yet.
struct Input<'a, R> {
    read: &'a mut R,
    buffer: Vec<u8>,
    ended: bool,
}

impl<R: AsyncRead + Unpin> Input<'_, R> {
    /// Waits for more bytes. `false` at the end of the connection, also after a reset.
    async fn more(&mut self) -> Result<bool> {
        if !self.ended {
            self.buffer.reserve(1 << 16);
            self.ended = !matches!(self.read.read_buf(&mut self.buffer).await, Ok(count) if count > 0);
        }
        Ok(!self.ended)
    }

    /// Next `count` bytes, or fewer at the end of the input.
    async fn take(&mut self, count: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < count && self.more().await? {}
        let count = count.min(self.buffer.len());
        Ok(self.buffer.drain(..count).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parse(bytes: &str, method: &str) -> Option<ReceivedResponse> {
        read(&mut bytes.as_bytes(), method).await.unwrap()
    }

    #[tokio::test]
    async fn framings_and_their_ends() {
        for (bytes, body, complete) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", "abc", true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc", "abc", false),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "abc", true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n", "abc", false),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabc", "abc", false),
            ("HTTP/1.1 200 OK\r\n\r\nabc", "abc", true),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "", true),
        ] {
            let response = parse(bytes, "POST").await.unwrap();
            assert_eq!((response.body.as_slice(), response.complete), (body.as_bytes(), complete), "{bytes}");
        }
        assert!(parse("HTTP/1.1 200 OK\r\n", "GET").await.is_none());
        assert!(parse("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", "HEAD").await.unwrap().complete);
    }

    #[tokio::test]
    async fn trailers_are_read() {
        let text = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nX-A: b\r\n\r\n";
        assert_eq!(parse(text, "GET").await.unwrap().trailers, [("x-a".to_owned(), "b".to_owned())]);
    }
}
