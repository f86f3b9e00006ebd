//! What is answered in place of a message that is refused?

use crate::audit::Redacted;
use crate::host::LocalReply;
use crate::policy::{Direction, Limit, Policy};
use serde::Serialize;

/// Why a message is refused.
pub enum Refusal {
    /// It holds a card, and `rule` blocks those.
    Card {
        /// The rule's name.
        rule: String,
    },
    /// It cannot be read, and the policy blocks that.
    Uninspectable,
    /// It reached a limit, and the policy blocks that.
    Limit(Limit),
    /// Its trailers came while bytes were held back that could not follow any more.
    TrailersOverTail,
}

/// Problem details for HTTP APIs (RFC 9457).
#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl Refusal {
    /// The response code details of the access log.
    fn details(&self) -> &'static str {
        match self {
            Self::Card { .. } => "panveil_blocked",
            Self::Uninspectable => "panveil_uninspectable",
            Self::Limit(Limit::PausedBytes) => "panveil_limit_paused_bytes",
            Self::Limit(Limit::InflateRatio) => "panveil_limit_inflate_ratio",
            Self::Limit(Limit::MemoryBytes) => "panveil_limit_memory",
            Self::Limit(Limit::FindingsPerMessage) => "panveil_limit_findings_per_message",
            Self::Limit(Limit::HeaderCount) => "panveil_limit_header_count",
            Self::Limit(Limit::HeaderBytes) => "panveil_limit_header_bytes",
            Self::TrailersOverTail => "panveil_trailers_over_tail",
        }
    }

    /// The answer to the client. It names the rule and the request's id, and nothing of what was found.
    pub fn reply(&self, direction: Direction, policy: &Policy, request_id: Option<&Redacted>) -> LocalReply {
        let status = policy.block().status(direction);
        let details = self.details();
        if let (Self::Card { .. }, Some(body)) = (self, &policy.block().body) {
            return LocalReply { status, details, content_type: "text/plain", body: body.clone() };
        }
        let (title, what, rule) = match self {
            Self::Card { rule } => ("Payment card number refused", "holds a payment card number", Some(rule.as_str())),
            Self::Uninspectable => ("Message could not be inspected", "could not be inspected", None),
            Self::Limit(_) => ("Message beyond a limit", "is beyond a limit of what can be inspected", None),
            Self::TrailersOverTail => ("Message could not be inspected", "could not be inspected to its end", None),
        };
        let problem = Problem {
            r#type: "about:blank",
            title,
            status,
            detail: format!("The {} {what}.", direction.as_str()),
            rule,
            request_id: request_id.map(Redacted::as_str),
        };
        let body = serde_json::to_string(&problem).unwrap_or_default();
        LocalReply { status, details, content_type: "application/problem+json", body }
    }
}
