//! `panveil mask`: what does the filter make of this body?

use super::failure::Failure;
use super::{input, output, policy};
use clap::{Args, ValueEnum};
use panveil::policy::{Decision, Decisions, Direction, Intent, Location, Mode, Policy, RequestContext, Uninspectable};
use panveil::stream::{Abort, Body, BodyAction, BodyConfig, BodyFlow, BodyFormat, HoldBack, Sender};
use std::path::{Path, PathBuf};

/// Masks card numbers between standard input and standard output.
///
/// What comes out is what the filter makes of a body: of the same length, and forwarded as it comes in, so that it
/// works on endless streams too. What a policy lets pass passes, and a note on standard error says so. What a policy
/// blocks is cut, with exit status 2.
#[derive(Args)]
#[command(after_help = "Examples:
  echo 'card 4111 1111 1111 1111' | panveil mask
  panveil mask --policy policy.yaml --content-type application/json < order.json")]
pub struct Mask {
    /// The policy, YAML or JSON. Without it everything is masked down to the first six and last four digits.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// The body's content type. Without it, what begins like JSON is JSON, in which a bare number stays a number.
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,

    /// Whether the body is a request's or a response's, where the policy makes a difference.
    #[arg(long, value_enum, default_value = "response")]
    direction: DirectionArg,

    /// The request's method, for a policy with rules. What rules ask for and is not given cannot be told, and the
    /// strictest of what could be is done.
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,

    /// The host that the request is for, for a policy with rules.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,

    /// The request's path, for a policy with rules.
    #[arg(long, value_name = "PATH")]
    path: Option<String>,

    /// What people type who expect a file to be masked in place.
    #[arg(hide = true)]
    file: Option<PathBuf>,
}

/// A [`Direction`], which knows nothing of clap.
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
    /// Carries standard input over to standard output.
    pub fn run(self) -> Result<(), Failure> {
        if let Some(path) = self.file.as_deref().filter(|path| *path != Path::new("-")) {
            let path = path.display();
            return Err(Failure::Error(format!("mask reads standard input only: panveil mask < {path}")));
        }
        let policy = self.read_policy()?;
        let direction = self.direction.into();
        let decisions = policy.judge(direction, &self.request_context(direction));
        let decision = policy.decide(&decisions, Location::Body);
        if !decisions.inspects_at(Location::Body) {
            output::note(&format!("nothing was looked at, since {} is skip", decision.rule));
            return copy();
        }
        let shape = BodyFormat::of_content_type(Sender::EndSignalled, self.content_type.as_deref().map(str::as_bytes));
        let body = Body::new(shape, plan(&policy, &decisions));
        let found = carry(body, decision)?;
        note_what_passed(decision, found);
        Ok(())
    }

    fn request_context(&self, direction: Direction) -> RequestContext {
        let [method, host, path] =
            [&self.method, &self.host, &self.path].map(|given| given.as_deref().map(str::as_bytes));
        let mut request_context = RequestContext::default();
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
                Err(Failure::Error("the policy must be a file: standard input is what gets masked".to_owned()))
            }
            Some(path) => policy::read(path),
        }
    }
}

fn plan(policy: &Policy, decisions: &Decisions) -> BodyConfig {
    let decision = policy.decide(decisions, Location::Body);
    let treatment = match (decision.mode, decision.intent) {
        (Mode::Enforce, Intent::Mask) => BodyAction::Mask,
        (Mode::Enforce, Intent::Block) => BodyAction::Block,
        (Mode::Monitor, _) | (Mode::Enforce, Intent::Allow | Intent::Skip) => BodyAction::Observe,
    };
    BodyConfig {
        action: treatment,
        criteria: policy.criteria(),
        style: policy.mask_style(),
        pause_limit: 0,
        // As in the filter, which changes and refuses nothing in monitor mode.
        block_uninspectable: policy.uninspectable() == Uninspectable::Block && decisions.enforces_at(Location::Body),
    }
}

/// Takes standard input through `body` to standard output, and says how many cards were in it.
fn carry(mut body: Body, decision: Decision<'_>) -> Result<usize, Failure> {
    let mut found: usize = 0;
    loop {
        let piece = input::piece()?;
        let end = piece.is_empty();
        let turn = body.push(piece.clone(), end, &mut |_| found = found.saturating_add(1), &mut |_| HoldBack::InFilter);
        if let BodyFlow::Abort(cut) | BodyFlow::Close(cut) = turn.flow {
            return Err(Failure::Error(match cut {
                Abort::Card => format!("a card number was found, and {} is block", decision.rule),
                Abort::Uninspectable => "a part of it cannot be read, and uninspectable is block".to_owned(),
                Abort::HeldBackAtTrailers => "its end came while some of it was held back".to_owned(),
            }));
        }
        output::write(&turn.replacement.unwrap_or(piece))?;
        if end {
            if body.passed_uninspected() {
                output::note("a part of it cannot be read and passed");
            }
            return Ok(found);
        }
    }
}

fn copy() -> Result<(), Failure> {
    loop {
        let piece = input::piece()?;
        if piece.is_empty() {
            return Ok(());
        }
        output::write(&piece)?;
    }
}

/// Who runs a command called `mask` should know when cards went through it.
fn note_what_passed(decision: Decision<'_>, found: usize) {
    let reason = match (decision.mode, decision.intent) {
        (Mode::Enforce, Intent::Mask | Intent::Block) => return,
        (Mode::Monitor, _) => "mode is monitor".to_owned(),
        (Mode::Enforce, intent) => format!("{} is {}", decision.rule, intent.as_str()),
    };
    match found {
        0 => {}
        1 => output::note(&format!("1 card number passed, since {reason}")),
        _ => output::note(&format!("{found} card numbers passed, since {reason}")),
    }
}
