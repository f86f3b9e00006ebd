//! Request of an entry.

use super::captured::{headers, list, number, text};
use super::multipart;
use crate::playback::{HeaderPair, StoredBody, StoredMessage, values};
use form_urlencoded::byte_serialize;
use serde_json::Value;

/// Target of a request, from its request line and `host` or from its pseudo-headers.
struct Target {
    scheme: String,
    authority: String,
    path: String,
}

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";

/// Request of an entry. The error is the path of a missing field.
pub fn read(entry: &Value) -> Result<StoredMessage, &'static str> {
    let mut sent = headers(entry, "/request/headers");
    let body = body(entry, &mut sent);
    let method = match text(entry, "/request/method") {
        "" => values(&sent, ":method").next().ok_or("request.method")?,
        method => method,
    };
    let given = |name| values(&sent, name).find(|value| !value.is_empty()).map(str::to_owned);
    let url = Target::of(text(entry, "/request/url"));
    let mut target = Target {
        scheme: given(":scheme").unwrap_or(url.scheme),
        authority: given(":authority").or_else(|| given("host")).unwrap_or(url.authority),
        path: given(":path").unwrap_or(url.path),
    };
    if target.path.is_empty() {
        return Err("request.url");
    }
    if !target.path.contains('?') {
        target.path.push_str(&pairs("?", list(entry, "/request/queryString")));
    }
    let line =
        [(":method", method), (":scheme", &target.scheme), (":authority", &target.authority), (":path", &target.path)];
    let mut fields: Vec<HeaderPair> = line
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    fields.extend(sent.iter().filter(|(name, _)| !name.starts_with(':') && name != "host").cloned());
    Ok(StoredMessage::new(fields, body))
}

/// Protocol of the client, as a proxy names it.
pub fn protocol(entry: &Value) -> Option<&'static str> {
    let version = text(entry, "/request/httpVersion").to_ascii_lowercase();
    let number = version.trim_start_matches("http").trim_start_matches('/');
    match number {
        "1.0" => Some("HTTP/1.0"),
        "1.1" => Some("HTTP/1.1"),
        _ if number.starts_with("2") || number.starts_with("h2") => Some("HTTP/2"),
        _ if number.starts_with("3") || number.starts_with("h3") => Some("HTTP/3"),
        _ => None,
    }
}

impl Target {
    /// Parts of a URL, without normalization: rules match the path that was sent.
    fn of(url: &str) -> Self {
        let absolute = url.split_once("://").filter(|(scheme, _)| !scheme.contains(['/', '?']));
        let (scheme, rest) = absolute.unwrap_or(("", url));
        let rest = rest.split('#').next().unwrap_or_default();
        if scheme.is_empty() {
            return Self { scheme: String::new(), authority: String::new(), path: rest.to_owned() };
        }
        let begin = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(begin).unwrap_or((rest, ""));
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let slash = if path.starts_with('/') { "" } else { "/" };
        Self { scheme: scheme.to_ascii_lowercase(), authority: authority.to_owned(), path: [slash, path].concat() }
    }
}

/// Body of a request. `sent` are its headers.
fn body(entry: &Value, sent: &mut Vec<HeaderPair>) -> StoredBody {
    let post_data = entry.pointer("/request/postData");
    let length = values(sent, "content-length").next();
    let body = StoredBody::of_content(post_data, number(entry, "/request/bodySize"), length);
    let Some(post_data) = post_data.filter(|post_data| !list(post_data, "/params").is_empty()) else { return body };
    let kind = text(post_data, "/mimeType").to_ascii_lowercase();
    match body {
        // Some captures contain the fields of a form instead of its text.
        StoredBody::None | StoredBody::Missing if kind.starts_with(FORM) => {
            StoredBody::Whole(pairs("", list(post_data, "/params")).into_bytes())
        }
        StoredBody::None | StoredBody::Missing if kind.starts_with(MULTIPART) => multipart::body(post_data, sent),
        StoredBody::None => StoredBody::Missing,
        body => body,
    }
}

/// Names and values as a query after `first`; empty if there are none.
fn pairs(first: &str, pairs: &[Value]) -> String {
    let mut query = String::new();
    for pair in pairs {
        query.push_str(if query.is_empty() { first } else { "&" });
        query.extend(byte_serialize(text(pair, "/name").as_bytes()));
        query.push('=');
        query.extend(byte_serialize(text(pair, "/value").as_bytes()));
    }
    query
}
