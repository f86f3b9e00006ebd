//! Local replies for blocked messages.

use crate::audit::Redacted;
use crate::host::LocalReply;
use crate::policy::{Direction, Limit, Policy};
use serde::Serialize;

/// The reason why a message is blocked.
pub enum Refusal {
    /// The message contains a finding, and `rule` blocks it.
    Card {
        /// The name of the rule.
        rule: String,
    },
    /// The message cannot be inspected, and the policy blocks those.
    Uninspectable,
    /// The message reached a limit, and the policy blocks those.
    Limit(Limit),
    /// Trailers arrived while panveil held back bytes that it could no longer forward.
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
    /// The response code details for the access log.
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

    /// The local reply. It names the rule and the request id, and contains nothing of the finding.
    pub fn reply(&self, direction: Direction, policy: &Policy, request_id: Option<&Redacted>) -> LocalReply {
        let status = policy.block().status(direction);
        let details = self.details();
        if let (Self::Card { .. }, Some(body)) = (self, &policy.block().body) {
            return LocalReply { status, details, content_type: "text/plain", body: body.clone() };
        }
        let (title, predicate, rule) = match self {
            Self::Card { rule } => ("Payment card number refused", "holds a payment card number", Some(rule.as_str())),
            Self::Uninspectable => ("Message could not be inspected", "could not be inspected", None),
            Self::Limit(_) => ("Message beyond a limit", "is beyond a limit of what can be inspected", None),
            Self::TrailersOverTail => ("Message could not be inspected", "could not be inspected to its end", None),
        };
        let problem = Problem {
            r#type: "about:blank",
            title,
            status,
            detail: format!("The {} {predicate}.", direction.as_str()),
            rule,
            request_id: request_id.map(Redacted::as_str),
        };
        let body = serde_json::to_string(&problem).unwrap_or_default();
        LocalReply { status, details, content_type: "application/problem+json", body }
    }
}
