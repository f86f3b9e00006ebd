//! Arguments about the policy and the message to which it applies.

use super::failure::Failure;
use super::{clock, policy};
use clap::{Args, ValueEnum};
use panveil::policy::{Decision, Direction, Policy, RequestContext};
use std::path::{Path, PathBuf};

/// Policy, and the attributes of a message that its rules test.
#[derive(Args)]
pub struct MessageArgs {
    /// Policy, or file with one. Without it the defaults apply: all card numbers are masked except for the first six and last four
    /// digits.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Content type of the body.
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,

    /// Direction of the message, for a policy that distinguishes requests and responses.
    #[arg(long, value_enum, default_value = "response")]
    direction: DirectionArg,

    /// Method of the request, for a policy with rules. If a rule needs an attribute that no option gives, the strictest possible
    /// action applies.
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,

    /// Host of the request, for a policy with rules.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,

    /// Path of the request, for a policy with rules.
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
}

/// [`Direction`] as an argument.
#[derive(Clone, Copy, ValueEnum)]
enum DirectionArg {
    Request,
    Response,
}

impl MessageArgs {
    /// Policy that is given, or the default one.
    pub fn read_policy(&self) -> Result<Policy, Failure> {
        match &self.policy {
            None => Ok(Policy::parse(b"{}")?),
            Some(path) if path == Path::new("-") => {
                Err(Failure::Error("--policy: standard input is the text; give a file".to_owned()))
            }
            Some(path) => policy::read(path),
        }
    }

    /// True if a policy is given.
    pub fn has_policy(&self) -> bool {
        self.policy.is_some()
    }

    pub fn direction(&self) -> Direction {
        match self.direction {
            DirectionArg::Request => Direction::Request,
            DirectionArg::Response => Direction::Response,
        }
    }

    pub fn content_type(&self) -> Option<&[u8]> {
        self.content_type.as_deref().map(str::as_bytes)
    }

    /// Attributes that are given.
    pub fn request_context(&self) -> RequestContext {
        let [method, host, path] =
            [&self.method, &self.host, &self.path].map(|given| given.as_deref().map(str::as_bytes));
        let mut request_context = RequestContext::default();
        request_context.note_time(clock::now());
        request_context.note_request_line(method, host, path);
        if let Some(content_type) = self.content_type() {
            request_context.note_content_type(self.direction(), Some(content_type));
        }
        request_context
    }
}

/// Reason for a decision: its rule with the action, or the mode of the policy.
pub fn reason(decision: Decision<'_>) -> String {
    format!("{} is {}", decision.rule, decision.intent.as_str())
}
