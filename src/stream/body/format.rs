//! Structure of a body, derived from its content type.

use crate::stream::text_format::essence;
use crate::stream::{Boundary, Framing, LengthPrefixed, Sender, TextFormat, charset, media};

/// Structure of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyFormat {
    /// How the sender marks the end of the body.
    pub sender: Sender,
    /// How the body is divided into texts.
    pub framing: Framing,
    /// Format of each text.
    pub text_format: TextFormat,
    /// Whether the whole body is base64, as in gRPC-Web text mode.
    pub base64: bool,
    /// Boundary between the parts of `multipart/form-data`.
    pub boundary: Option<Boundary>,
}

/// Properties of a body by the content type of its message.
#[derive(Clone, Copy)]
pub struct ContentType {
    /// Structure of the body, by the first value of the header.
    pub format: BodyFormat,
    /// True if every value is a binary media type.
    pub is_binary: bool,
    /// True if a value names a character set that panveil cannot inspect.
    pub is_unreadable: bool,
}

impl ContentType {
    /// Parses the values of the header.
    pub fn of<'v>(sender: Sender, mut values: impl Iterator<Item = &'v [u8]>) -> Self {
        let first = values.next();
        let content_type = Self {
            format: BodyFormat::of_content_type(sender, first),
            is_binary: first.is_some_and(media::is_binary),
            is_unreadable: first.is_some_and(charset::is_unreadable),
        };
        values.fold(content_type, |so_far, value| Self {
            is_binary: so_far.is_binary && media::is_binary(value),
            is_unreadable: so_far.is_unreadable || charset::is_unreadable(value),
            ..so_far
        })
    }
}

impl BodyFormat {
    /// A body that is one text.
    pub fn text(sender: Sender, text_format: TextFormat) -> Self {
        Self { sender, framing: Framing::Whole, text_format, base64: false, boundary: None }
    }

    /// Derives the format from a content type.
    pub fn of_content_type(sender: Sender, content_type: Option<&[u8]>) -> Self {
        let essence = essence(content_type).to_ascii_lowercase();
        let text = Self::text(sender, TextFormat::of_content_type(content_type));
        if let Some(subtype) = essence.strip_prefix(b"application/grpc") {
            return text.of_grpc(subtype);
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
                return Self { framing: Framing::Protobuf, text_format: TextFormat::Unknown, ..text };
            }
            _ => return Self { boundary: content_type.and_then(Boundary::of_content_type), ..text },
        };
        Self { framing, ..text }
    }

    /// Adds the framing of gRPC. `subtype` follows `application/grpc` in the content type.
    fn of_grpc(self, subtype: &[u8]) -> Self {
        let (base64, codec) = match (subtype.strip_prefix(b"-web-text"), subtype.strip_prefix(b"-web")) {
            (Some(codec), _) => (true, codec),
            (None, Some(codec)) => (false, codec),
            (None, None) => (false, subtype),
        };
        let web = subtype.starts_with(b"-web");
        let framing = |protobuf| Framing::Grpc(LengthPrefixed { protobuf, web, compressed: false });
        match codec {
            b"" | b"+proto" => Self { framing: framing(true), text_format: TextFormat::Unknown, base64, ..self },
            [b'+', ..] => Self { framing: framing(false), base64, ..self },
            _ => self,
        }
    }

    /// Allows compressed messages, because `grpc-encoding` names a message compression.
    pub fn with_compressed_messages(self) -> Self {
        match self.framing {
            Framing::Grpc(kind) => Self { framing: Framing::Grpc(LengthPrefixed { compressed: true, ..kind }), ..self },
            Framing::Whole | Framing::Lines | Framing::Events | Framing::Protobuf => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_type_determines_framing_and_base64() {
        let proto = Framing::Grpc(LengthPrefixed::PROTOBUF);
        let web = Framing::Grpc(LengthPrefixed { web: true, ..LengthPrefixed::PROTOBUF });
        for (content_type, framing, base64) in [
            ("application/json", Framing::Whole, false),
            ("text/event-stream; charset=utf-8", Framing::Events, false),
            ("application/x-ndjson", Framing::Lines, false),
            ("application/x-protobuf", Framing::Protobuf, false),
            ("application/grpc", proto, false),
            ("Application/gRPC+proto; x=y", proto, false),
            ("application/grpc+json", Framing::Grpc(LengthPrefixed::TEXT), false),
            ("application/grpc-web+proto", web, false),
            ("application/grpc-web-text", web, true),
            ("application/grpc-web-text+proto", web, true),
            ("application/grpcish", Framing::Whole, false),
        ] {
            let format = BodyFormat::of_content_type(Sender::EndUnknown, Some(content_type.as_bytes()));
            assert_eq!((format.framing, format.base64), (framing, base64), "{content_type}");
        }
    }
}
