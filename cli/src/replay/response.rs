//! Response of an entry.

use super::captured::{headers, number};
use crate::playback::{HeaderPair, StoredBody, StoredMessage, values};
use serde_json::Value;

/// Response of an entry to a request with that method; `None` if there is none.
pub fn read(entry: &Value, method: &str) -> Option<StoredMessage> {
    let sent = headers(entry, "/response/headers");
    let stated = Some(number(entry, "/response/status")).filter(|status| *status > 0).map(|status| status.to_string());
    let status = stated.or_else(|| values(&sent, ":status").next().map(str::to_owned))?;
    let body = if status == "101" {
        // The bytes after an upgrade belong to another protocol, which a capture does not contain as a proxy would see it.
        StoredBody::Missing
    } else if method == "HEAD" || status.starts_with('1') || matches!(status.as_str(), "204" | "304") {
        StoredBody::None
    } else {
        let length = values(&sent, "content-length").next();
        StoredBody::of_content(entry.pointer("/response/content"), number(entry, "/response/bodySize"), length)
    };
    let mut fields: Vec<HeaderPair> = vec![(":status".to_owned(), status)];
    fields.extend(sent.into_iter().filter(|(name, _)| !name.starts_with(':')));
    Some(StoredMessage::new(fields, body))
}
