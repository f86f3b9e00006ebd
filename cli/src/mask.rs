//! `panveil mask`: the filter applied to one body.

use super::failure::Failure;
use super::{clock, input, output, policy};
use clap::{Args, ValueEnum};
use panveil::policy::{Decision, Direction, FindingAttributes, Location, Mode, Outcome, Policy, RequestContext};
use panveil::stream::{Abort, Body, BodyConfig, BodyFlow, BodyFormat, Detection, HoldBack, Sender};
use std::path::{Path, PathBuf};

/// Masks card numbers in standard input and writes the result to standard output.
///
/// The output is the body that the filter would forward. It has the same length as the input and is streamed, so endless
/// input works too. Card numbers that a policy allows pass, and a note on standard error reports them. If a policy blocks
/// the body, the output ends and the exit status is 2.
#[derive(Args)]
#[command(after_help = "Examples:
  echo 'card 4111 1111 1111 1111' | panveil mask
  panveil mask --policy policy.yaml --content-type application/json < order.json")]
pub struct Mask {
    /// Policy, in YAML or JSON. Without it all card numbers are masked except for the first six and last four digits.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Content type of the body. Without it, a body that begins like JSON is read as JSON, where a masked number stays a number.
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

    // Accepted for a helpful error only: users may expect that a file is masked in place.
    #[arg(hide = true)]
    file: Option<PathBuf>,
}

/// [`Direction`] as an argument.
#[derive(Clone, Copy, ValueEnum)]
enum DirectionArg {
    Request,
    Response,
}

impl From<DirectionArg> for Direction {
    fn from(word: DirectionArg) -> Self {
        match word {
            DirectionArg::Request => Self::Request,
            DirectionArg::Response => Self::Response,
        }
    }
}

impl Mask {
    /// Masks standard input.
    pub fn run(self) -> Result<(), Failure> {
        if let Some(path) = self.file.as_deref().filter(|path| *path != Path::new("-")) {
            let path = path.display();
            return Err(Failure::Error(format!("mask reads standard input only; use panveil mask < {path}")));
        }
        let policy = self.read_policy()?;
        let direction = self.direction.into();
        let decisions = policy.judge(direction, &self.request_context(direction));
        let decision = policy.decide(&decisions, Location::Body);
        let Some(config) = BodyConfig::of(&policy, &decisions) else {
            output::note(&format!("not inspected: {} is skip", decision.rule));
            return copy();
        };
        let format = BodyFormat::of_content_type(Sender::EndSignalled, self.content_type.as_deref().map(str::as_bytes));
        let body = Body::new(format, config);
        let decide = |finding: &FindingAttributes<'_>| policy.decide_finding(&decisions, Location::Body, finding);
        for (reason, found) in mask(body, &decide)? {
            match found {
                1 => output::note(&format!("1 card number passed: {reason}")),
                _ => output::note(&format!("{found} card numbers passed: {reason}")),
            }
        }
        Ok(())
    }

    fn request_context(&self, direction: Direction) -> RequestContext {
        let [method, host, path] =
            [&self.method, &self.host, &self.path].map(|given| given.as_deref().map(str::as_bytes));
        let mut request_context = RequestContext::default();
        request_context.note_time(clock::now());
        request_context.note_request_line(method, host, path);
        if let Some(content_type) = &self.content_type {
            request_context.note_content_type(direction, Some(content_type.as_bytes()));
        }
        request_context
    }

    fn read_policy(&self) -> Result<Policy, Failure> {
        match &self.policy {
            None => Ok(Policy::parse(b"{}")?),
            Some(path) if path == Path::new("-") => {
                Err(Failure::Error("--policy: standard input is the text to mask; give a file".to_owned()))
            }
            Some(path) => policy::read(path),
        }
    }
}

/// Masks standard input, and counts the findings that passed by the reason. Users of a command called `mask` do not expect any.
fn mask<'p>(
    mut body: Body,
    decide: &dyn Fn(&FindingAttributes<'_>) -> Decision<'p>,
) -> Result<Vec<(String, usize)>, Failure> {
    let mut passed: Vec<(String, usize)> = Vec::new();
    loop {
        let chunk = input::chunk()?;
        let end = chunk.is_empty();
        let mut blocked_by = "";
        let mut report = |detection: Detection| {
            let decision = decide(&detection.kind.attributes());
            match decision.outcome() {
                Outcome::Blocked if blocked_by.is_empty() => blocked_by = decision.rule,
                Outcome::Reported | Outcome::Allowed => note_passed(&mut passed, decision),
                _ => {}
            }
        };
        let pushed = body.push(chunk.clone(), end, &mut report, &mut |_| HoldBack::InFilter);
        if let BodyFlow::Abort(abort) | BodyFlow::Close(abort) = pushed.flow {
            return Err(Failure::Error(match abort {
                Abort::Card => format!("blocked: card number found, and {blocked_by} is block"),
                Abort::Uninspectable => "blocked: a part cannot be inspected, and uninspectable is block".to_owned(),
                Abort::HeldBackAtTrailers => "blocked: the body ended while bytes were held back".to_owned(),
            }));
        }
        output::write(&pushed.replacement.unwrap_or(chunk))?;
        if end {
            if body.passed_uninspected() {
                output::note("a part cannot be inspected and passed");
            }
            return Ok(passed);
        }
    }
}

fn copy() -> Result<(), Failure> {
    loop {
        let chunk = input::chunk()?;
        if chunk.is_empty() {
            return Ok(());
        }
        output::write(&chunk)?;
    }
}

/// Counts a finding that passed, by the reason.
fn note_passed(passed: &mut Vec<(String, usize)>, decision: Decision<'_>) {
    let reason = match decision.mode {
        Mode::Monitor => "mode is monitor".to_owned(),
        Mode::Enforce => format!("{} is {}", decision.rule, decision.intent.as_str()),
    };
    match passed.iter_mut().find(|(other, _)| *other == reason) {
        Some((_, count)) => *count = count.saturating_add(1),
        None => passed.push((reason, 1)),
    }
}
