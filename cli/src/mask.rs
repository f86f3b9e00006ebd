//! `panveil mask`: the filter applied to one body.

use super::failure::Failure;
use super::message_args::{MessageArgs, reason};
use super::{input, output, terminal};
use clap::Args;
use panveil::policy::{Decision, FindingAttributes, Location, Mode, Outcome};
use panveil::stream::{Abort, Body, BodyConfig, BodyFlow, BodyFormat, Detection, HoldBack, Sender};
use std::path::{Path, PathBuf};

/// Masks card numbers in standard input and writes the result to standard output.
///
/// The output is the body that the filter would forward. It has the same length as the input and is streamed, so endless
/// input works too. Card numbers that a policy allows pass, and a note on standard error reports them. With a policy, a note also names
/// the rules by which card numbers are masked. If a policy blocks the body, the output ends and the exit status is 2.
///
/// Without a content type, a body that begins like JSON is read as JSON, where a masked number stays a number.
#[derive(Args)]
#[command(after_help = "Examples:
  echo 'card 4111 1111 1111 1111' | panveil mask
  panveil mask --policy policy.yaml --content-type application/json < order.json")]
pub struct Mask {
    #[command(flatten)]
    message: MessageArgs,

    // Accepted for a helpful error only: users may expect that a file is masked in place.
    #[arg(hide = true)]
    file: Option<PathBuf>,
}

impl Mask {
    /// Masks standard input.
    pub fn run(self) -> Result<(), Failure> {
        if let Some(path) = self.file.as_deref().filter(|path| *path != Path::new("-")) {
            let path = path.display();
            return Err(Failure::Error(format!("mask reads standard input only; use panveil mask < {path}")));
        }
        let policy = self.message.read_policy()?;
        let decisions = policy.judge(self.message.direction(), &self.message.request_context());
        let decision = policy.decide(&decisions, Location::Body);
        let Some(config) = BodyConfig::of(&policy, &decisions) else {
            output::note(&format!("not inspected: {} is skip", decision.rule));
            return copy();
        };
        let format = BodyFormat::of_content_type(Sender::EndSignalled, self.message.content_type());
        let body = Body::new(format, config);
        let decide = |finding: &FindingAttributes<'_>| policy.decide_finding(&decisions, Location::Body, finding);
        for (outcome, found) in mask(body, &decide)? {
            // Without a policy the output is as expected.
            if outcome.has_passed || self.message.has_policy() {
                let numbers = terminal::counted(found, "card number", "card numbers");
                let done = if outcome.has_passed { "passed" } else { "masked" };
                output::note(&format!("{numbers} {done}: {}", outcome.reason));
            }
        }
        Ok(())
    }
}

/// Outcome for findings, with the reason.
#[derive(PartialEq, Eq)]
struct FindingOutcome {
    /// True if the numbers are in the output. Users of a command called `mask` do not expect that.
    has_passed: bool,
    reason: String,
}

/// Masks standard input, and counts the findings by their outcome.
fn mask<'p>(
    mut body: Body,
    decide: &dyn Fn(&FindingAttributes<'_>) -> Decision<'p>,
) -> Result<Vec<(FindingOutcome, usize)>, Failure> {
    let mut outcomes: Vec<(FindingOutcome, usize)> = Vec::new();
    loop {
        let chunk = input::chunk()?;
        let end = chunk.is_empty();
        let mut blocked_by = "";
        let mut report = |detection: Detection| {
            let decision = decide(&detection.attributes());
            match decision.outcome() {
                Outcome::Blocked if blocked_by.is_empty() => blocked_by = decision.rule,
                Outcome::Reported | Outcome::Allowed | Outcome::Masked => note_outcome(&mut outcomes, decision),
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
            return Ok(outcomes);
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

/// Counts a finding by its outcome.
fn note_outcome(outcomes: &mut Vec<(FindingOutcome, usize)>, decision: Decision<'_>) {
    let reason = match decision.mode {
        Mode::Monitor => "mode is monitor".to_owned(),
        Mode::Enforce => reason(decision),
    };
    let outcome = FindingOutcome { has_passed: !decision.outcome().protects(), reason };
    match outcomes.iter_mut().find(|(other, _)| *other == outcome) {
        Some((_, count)) => *count = count.saturating_add(1),
        None => outcomes.push((outcome, 1)),
    }
}
