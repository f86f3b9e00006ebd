//! What do the headers of a message tell of its body?

use crate::stream::document::essence;
use crate::stream::{Document, Framing, Prefixed, Sender};

/// How a body is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyFormat {
    /// How its end is marked.
    pub sender: Sender,
    /// What texts it consists of.
    pub framing: Framing,
    /// How these are written.
    pub document: Document,
    /// Whether all of it is in base64.
    pub base64: bool,
}

impl BodyFormat {
    /// One text, written in `document`.
    pub fn text(sender: Sender, document: Document) -> Self {
        Self { sender, framing: Framing::Whole, document, base64: false }
    }

    /// What a content type promises.
    pub fn of_content_type(sender: Sender, content_type: Option<&[u8]>) -> Self {
        let essence = essence(content_type).to_ascii_lowercase();
        let text = Self::text(sender, Document::of_content_type(content_type));
        if let Some(kind) = essence.strip_prefix(b"application/grpc") {
            return text.of_grpc(kind);
        }
        let framing = match essence.as_slice() {
            b"text/event-stream" => Framing::Events,
            b"application/x-ndjson"
            | b"application/ndjson"
            | b"application/jsonl"
            | b"application/jsonlines"
            | b"application/x-jsonlines"
            | b"application/json-lines" => Framing::Lines,
            b"application/x-protobuf" | b"application/protobuf" | b"application/vnd.google.protobuf" => {
                return Self { framing: Framing::Protobuf, document: Document::Unknown, ..text };
            }
            _ => return text,
        };
        Self { framing, ..text }
    }

    /// The same for what stands behind `application/grpc`.
    fn of_grpc(self, kind: &[u8]) -> Self {
        let (base64, format) = match (kind.strip_prefix(b"-web-text"), kind.strip_prefix(b"-web")) {
            (Some(format), _) => (true, format),
            (None, Some(format)) => (false, format),
            (None, None) => (false, kind),
        };
        let web = kind.starts_with(b"-web");
        let framing = |protobuf| Framing::Grpc(Prefixed { protobuf, web, compressed: false });
        match format {
            b"" | b"+proto" => Self { framing: framing(true), document: Document::Unknown, base64, ..self },
            [b'+', ..] => Self { framing: framing(false), base64, ..self },
            _ => self,
        }
    }

    /// The same, for a body whose headers name a coding of its messages.
    pub fn with_compressed_messages(self) -> Self {
        match self.framing {
            Framing::Grpc(kind) => Self { framing: Framing::Grpc(Prefixed { compressed: true, ..kind }), ..self },
            Framing::Whole | Framing::Lines | Framing::Events | Framing::Protobuf => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_tell_the_shape() {
        let proto = Framing::Grpc(Prefixed::PROTOBUF);
        let web = Framing::Grpc(Prefixed { web: true, ..Prefixed::PROTOBUF });
        for (content_type, framing, base64) in [
            ("application/json", Framing::Whole, false),
            ("text/event-stream; charset=utf-8", Framing::Events, false),
            ("application/x-ndjson", Framing::Lines, false),
            ("application/x-protobuf", Framing::Protobuf, false),
            ("application/grpc", proto, false),
            ("Application/gRPC+proto; x=y", proto, false),
            ("application/grpc+json", Framing::Grpc(Prefixed::TEXT), false),
            ("application/grpc-web+proto", web, false),
            ("application/grpc-web-text", web, true),
            ("application/grpc-web-text+proto", web, true),
            ("application/grpcish", Framing::Whole, false),
        ] {
            let shape = BodyFormat::of_content_type(Sender::EndUnknown, Some(content_type.as_bytes()));
            assert_eq!((shape.framing, shape.base64), (framing, base64), "{content_type}");
        }
    }
}
