//! Cell of the matrix: a body, its end marker, and the protocol of the client.

use std::sync::Arc;

use panveil_integration::case::{Framing, Message, Request, Response};

use super::oracle::Subject;

/// Message with the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Request,
    Response,
}

/// End marker of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// `content-length`.
    Length,
    /// HTTP/1.1: last chunk. HTTP/2: end of the stream.
    Open,
    /// HTTP/1.1 responses: end of the connection.
    Close,
    /// `Open` with trailers.
    Trailers,
    /// HTTP/2: `content-length` with trailers.
    LengthAndTrailers,
}

#[derive(Clone)]
pub struct Cell {
    pub client_http2: bool,
    pub end: End,
    pub subject: Arc<Subject>,
}

impl End {
    pub const ALL: [Self; 5] = [Self::Length, Self::Open, Self::Close, Self::Trailers, Self::LengthAndTrailers];

    pub fn name(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Open => "open",
            Self::Close => "close",
            Self::Trailers => "trailers",
            Self::LengthAndTrailers => "length-and-trailers",
        }
    }

    /// Whether a sender in this direction and protocol supports the end marker.
    pub fn exists(self, direction: Direction, sender_http2: bool) -> bool {
        match self {
            Self::Length | Self::Open | Self::Trailers => true,
            Self::Close => direction == Direction::Response && !sender_http2,
            Self::LengthAndTrailers => sender_http2,
        }
    }

    pub fn has_trailers(self) -> bool {
        matches!(self, Self::Trailers | Self::LengthAndTrailers)
    }
}

impl Cell {
    /// Name of the cell, which is also the path of its request.
    pub fn path(&self) -> String {
        let client = if self.client_http2 { "http2" } else { "http1" };
        format!("/{client}/{}/{}", self.end.name(), self.subject.body.name)
    }

    pub fn request(&self, direction: Direction) -> Request {
        let (method, message) = match direction {
            Direction::Request => ("POST", self.message()),
            Direction::Response => ("GET", Message::default()),
        };
        Request { method: method.to_owned(), path: self.path(), message }
    }

    pub fn response(&self, direction: Direction) -> Response {
        let message = match direction {
            Direction::Request => Message::default(),
            Direction::Response => self.message(),
        };
        Response { status: 200, message }
    }

    fn message(&self) -> Message {
        let trailers =
            if self.end.has_trailers() { vec![("x-after".to_owned(), "the body".to_owned())] } else { vec![] };
        let framing = match self.end {
            End::Length | End::LengthAndTrailers => Framing::Length,
            End::Open | End::Trailers | End::Close => Framing::Chunked,
        };
        Message {
            headers: vec![("content-type".to_owned(), self.subject.body.content_type.to_owned())],
            pieces: self.subject.body.pieces.clone(),
            framing,
            trailers,
        }
    }
}
