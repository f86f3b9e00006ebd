//! Rules that match the method, the host and the path, including alternative notations of each.

use serde_json::{Value, json};

use super::exchange::Sent;
use super::trying::{Condition, Expected, Holds};
use super::workloads::FROM_WEB;

use Holds::{No, Open, Yes};

pub fn conditions() -> Vec<Condition> {
    vec![
        // Envoy rejects such a method over HTTP/1.1, and accepts it over HTTP/2.
        about(
            json!({"method": ["POST"]}),
            |sent, method| sent.method(method).http2(),
            &[("POST", Yes), ("PUT", No), ("post", Open)],
        ),
        // Absolute URL as the path: Envoy uses it, not the host header.
        about(
            json!({"host": ["api.example.com"], "path": {"prefix": "/v1/charges"}}),
            |sent, path| sent.host("other.example.com").path(path),
            &[
                ("http://api.example.com/v1/charges/7", Yes),
                ("http://pay.example.com/v1/charges", No),
                ("/v1/charges", No),
                ("http://api.example.com//v1/charges", Open),
            ],
        ),
        about(
            json!({"method": ["POST", "PATCH"]}),
            Sent::method,
            &[("POST", Yes), ("PATCH", Yes), ("PUT", No), ("GET", No)],
        ),
        about(
            json!({"host": ["api.example.com"]}),
            Sent::host,
            &[
                ("api.example.com", Yes),
                ("API.Example.COM", Yes),
                ("api.example.com:8443", Yes),
                ("api.example.com.", Yes),
                ("example.com", No),
                ("not-api.example.com", No),
                ("api.example.com.evil.org", No),
                ("api..example.com", Open),
            ],
        ),
        about(
            json!({"host": ["*.example.com"]}),
            Sent::host,
            &[
                ("api.example.com", Yes),
                ("a.b.Example.com:80", Yes),
                ("example.com", No),
                ("notexample.com", No),
                ("api.example.com.evil.org", No),
            ],
        ),
        about(
            json!({"path": {"exact": "/v1/charges"}}),
            Sent::path,
            &[
                ("/v1/charges", Yes),
                ("/v1/charges?to=/v1/exports", Yes),
                ("/v1/%63harges", Yes),
                ("/v1/charges/7", No),
                ("/v1/Charges", No),
                ("/v1/exports?from=/v1/charges", No),
                ("/v1/charges/", Open),
                ("/v1%2Fcharges", Open),
                ("/v1%252fcharges", Open),
                ("//v1/charges", Open),
                ("/v1/./charges", Open),
                ("/v1/exports/../charges", Open),
                ("/v1/charges;version=2", Open),
                ("/v1/charges%3Fexport", Open),
                ("/v1\\charges", Open),
            ],
        ),
        about(
            json!({"path": {"prefix": "/v1/charges"}}),
            Sent::path,
            &[
                ("/v1/charges", Yes),
                ("/v1/charges/7/refund", Yes),
                ("/v1/charges-old", No),
                ("/v1", No),
                ("/v2/v1/charges", No),
                ("/v1/charges/../exports", Open),
                ("/v1/charges/..%2Fexports", Open),
                ("/v1/charges/%2e%2e/exports", Open),
                ("/v1/exports/..;/charges", Open),
                ("/v1//charges/7", Open),
                ("/v1/charges/%zz", Open),
                ("/v1/charges/%25252F", Open),
            ],
        ),
        about(
            json!({"path": {"regex": "/v[0-9]/(charges|refunds)/[0-9]{1,9}"}}),
            Sent::path,
            &[
                ("/v1/charges/7", Yes),
                ("/v9/refunds/123", Yes),
                ("/v1/charges/7/refund", No),
                ("/proxy/v1/charges/7", No),
                ("/v1/charges//7", Open),
                ("/v1/charges%2f7", Open),
            ],
        ),
    ]
}

/// Condition about one property of a request.
fn about(condition: Value, say: fn(Sent, &'static str) -> Sent, expected: &[(&'static str, Holds)]) -> Condition {
    let of = |card: fn() -> Sent| move |(what, holds): &(&'static str, Holds)| (&FROM_WEB, say(card(), what), *holds);
    let mut all: Vec<Expected> = expected.iter().map(of(Sent::body)).collect();
    // A rule about a response uses the properties of its request: one that matches, and one that does not.
    for wanted in [Yes, No] {
        all.extend(expected.iter().filter(|(_, holds)| *holds == wanted).take(1).map(of(Sent::answer)));
    }
    Condition::new(condition, all)
}
