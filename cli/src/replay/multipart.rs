//! Forms with files (`multipart/form-data`) whose parts a capture contains instead of their text.

use super::captured::{list, text};
use crate::playback::{HeaderPair, StoredBody, values};
use serde_json::Value;

/// Boundary, if the capture has none.
const BOUNDARY: &str = "panveil-replay-boundary";

/// Body with the parts of a form. `sent` are the headers of the request, whose content type gets the boundary.
pub fn body(post_data: &Value, sent: &mut Vec<HeaderPair>) -> StoredBody {
    let sent_boundary = values(sent, "content-type").find_map(boundary).map(str::to_owned);
    let boundary = sent_boundary.unwrap_or_else(|| {
        let boundary = boundary(text(post_data, "/mimeType")).unwrap_or(BOUNDARY).to_owned();
        sent.retain(|(name, _)| name != "content-type");
        sent.push(("content-type".to_owned(), format!("multipart/form-data; boundary={boundary}")));
        boundary
    });
    let (mut body, mut is_whole) = (String::new(), true);
    for part in list(post_data, "/params") {
        let (file, kind) = (text(part, "/fileName"), text(part, "/contentType"));
        // Browsers do not save the content of files.
        is_whole &= part.get("value").is_some() || file.is_empty();
        body.push_str(&format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"",
            quoted(text(part, "/name"))
        ));
        if !file.is_empty() {
            body.push_str(&format!("; filename=\"{}\"", quoted(file)));
        }
        if !kind.is_empty() {
            body.push_str(&format!("\r\ncontent-type: {}", quoted(kind)));
        }
        body.push_str(&format!("\r\n\r\n{}\r\n", text(part, "/value")));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    if is_whole { StoredBody::Whole(body.into_bytes()) } else { StoredBody::Part(body.into_bytes()) }
}

/// Boundary in a content type.
fn boundary(content_type: &str) -> Option<&str> {
    let parameter = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then_some(value)
    });
    parameter.map(|value| value.trim().trim_matches('"')).filter(|value| !value.is_empty())
}

/// Text within quotes, as browsers write it (HTML, "multipart form data").
fn quoted(text: &str) -> String {
    text.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}
