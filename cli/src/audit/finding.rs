//! Findings of the audit.

use super::rules::AuditRule;
use crate::manifest::Location;

/// Problem at one location.
pub struct Finding {
    pub rule: &'static AuditRule,
    pub location: Location,
    /// Resource that the problem concerns, such as `Deployment shop/web`. Suppressions name it.
    pub subject: String,
    pub port: Option<u16>,
    /// Problem in this case.
    pub detail: String,
}

impl Finding {
    pub fn new(rule: &'static AuditRule, location: Location, subject: String, detail: impl Into<String>) -> Self {
        Self { rule, location, subject, port: None, detail: detail.into() }
    }

    /// Finding about one port.
    pub fn at_port(mut self, port: Option<u16>) -> Self {
        self.port = port;
        self
    }

    /// Problem and remedy in one line.
    pub fn message(&self) -> String {
        let port = self.port.map(|port| format!(" port {port}")).unwrap_or_default();
        let Self { subject, detail, rule, .. } = self;
        format!("{subject}{port}: {detail}; {}", rule.fix)
    }
}
