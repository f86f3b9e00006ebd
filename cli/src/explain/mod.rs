//! `panveil explain`: the reasons for which a number is a card number or not.

mod candidate;
mod digit_groups;
mod explanation;
mod issuer;

use super::failure::Failure;
use super::message_args::MessageArgs;
use super::output;
use super::visible_digits::VisibleDigits;
use crate::terminal;
use candidate::CandidateReport;
use clap::{Args, ValueEnum};
use explanation::{Explanation, FindingDecision};
use panveil::mask::Style;
use panveil::policy::Location;
use panveil::scan::{CandidateStarts, Decoded, Escapes, NextStart, View};
use panveil::stream::{Finding, Inspector, TextFormat};
use panveil::verdict::{Brand, Criteria};
use serde_json::json;
use std::io::{self, IsTerminal, Read};
use std::ops::Range;
use std::sync::Arc;

/// Longest text in bytes. `panveil scan` reads longer ones.
const MAX_BYTES: u64 = 64 << 10;

/// Explains step by step why a number is a card number or not.
///
/// Each candidate in the text is judged as the filter judges it: by digits, issuer, context, field name and Luhn check. A
/// number that is no candidate is listed with the reason. With a policy, its settings of the detection apply, and the action and the
/// rule that decides are printed for each card number.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil explain 4111 1111 1111 1112
  panveil explain 'ts=1748503543012 ref=4111-1111-1111-1111-1'
  panveil explain --policy policy.yaml --direction request --path /v1/charges < message.txt

A shell keeps a history of arguments. Pass real numbers on standard input.")]
pub struct Explain {
    /// Number, or text with numbers. Without it, or with -, standard input is read.
    #[arg(value_name = "TEXT", allow_negative_numbers = true)]
    text: Vec<String>,

    #[command(flatten)]
    message: MessageArgs,

    /// Output format.
    #[arg(long, value_enum, default_value = "text")]
    format: ExplainFormat,

    /// Print all digits, not only those that PCI DSS permits to display.
    #[arg(long)]
    show: bool,
}

/// Character of masked digits.
const MASK: u8 = Style::HIDE.character.as_byte();

/// Output format of an explanation.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExplainFormat {
    /// A paragraph for each number.
    Text,
    /// One JSON object per line, for each number.
    Json,
}

impl Explain {
    /// Prints the explanation.
    pub fn run(self) -> Result<(), Failure> {
        let policy = self.message.read_policy()?;
        let text = self.read()?;
        // Verification codes and patterns are no card numbers.
        let criteria = Criteria { authentication_data: None, patterns: Vec::new(), ..(*policy.criteria()).clone() };
        let criteria = Arc::new(criteria);
        let decisions = policy.judge(self.message.direction(), &self.message.request_context());
        let decide = |finding: &Finding| {
            let attributes = finding.detection.attributes();
            FindingDecision::of(policy.decide_finding(&decisions, Location::Body, &attributes))
        };
        let decide = self.message.has_policy().then_some(&decide as &dyn Fn(&Finding) -> FindingDecision);
        let explained = explain(&text, VisibleDigits::by_flag(self.show), &criteria, decide);
        let printed = match (explained, self.format) {
            (Ok(numbers), ExplainFormat::Text) => {
                numbers.iter().map(Explanation::text).collect::<Vec<String>>().join("\n")
            }
            (Ok(numbers), ExplainFormat::Json) => numbers.iter().map(Explanation::json).collect(),
            (Err(verdict), ExplainFormat::Text) => verdict + "\n",
            (Err(verdict), ExplainFormat::Json) => terminal::json(json!({ "verdict": verdict })) + "\n",
        };
        output::write(printed.as_bytes())
    }

    fn read(&self) -> Result<Vec<u8>, Failure> {
        let mut stdin = io::stdin().lock();
        match self.text.as_slice() {
            [] if stdin.is_terminal() => {
                let line = "no text to explain; give a number or a text, see panveil explain --help";
                return Err(Failure::Error(line.to_owned()));
            }
            [] => {}
            [dash] if dash == "-" => {}
            words => return Ok(words.join(" ").into_bytes()),
        }
        let mut text = Vec::new();
        let limit = MAX_BYTES.saturating_add(1);
        stdin.by_ref().take(limit).read_to_end(&mut text).map_err(Failure::of("read", "standard input"))?;
        if u64::try_from(text.len()).is_ok_and(|length| length > MAX_BYTES) {
            return Err(Failure::Error(format!(
                "standard input: larger than {MAX_BYTES} bytes; use panveil scan for long texts"
            )));
        }
        text.truncate(text.trim_ascii_end().len());
        Ok(text)
    }
}

/// Explains the numbers of `text`, in order, with the decisions of a policy if there is one. The error is the verdict on a text
/// without any number of enough digits.
fn explain(
    text: &[u8],
    shown: VisibleDigits,
    criteria: &Arc<Criteria>,
    decide: Option<&dyn Fn(&Finding) -> FindingDecision>,
) -> Result<Vec<Explanation>, String> {
    let markup = TextFormat::Unknown.resolve(text).escapes().markup;
    let decoded = Decoded::new(text, true, Escapes { markup, ..Escapes::FORM }, MASK);
    let findings = findings(text, criteria);
    let mut numbers = candidates(&decoded, &findings, shown, criteria);
    for finding in &findings {
        let decision = decide.map(|decide| decide(finding));
        match numbers.iter_mut().find(|number| number.source == finding.span) {
            Some(number) => number.decision = decision,
            None => numbers.push(of_finding(finding, shown, decision)),
        }
    }
    let spans: Vec<Range<usize>> = numbers.iter().map(|number| number.span.clone()).collect();
    for groups in digit_groups::of(decoded.text()).flat_map(|groups| groups.without(&spans)) {
        numbers.extend(groups.explain(decoded.text(), shown, source(&decoded, &groups.span())));
    }
    numbers.sort_by_key(|number| (number.source.start, number.source.end));
    if numbers.is_empty() { Err(digit_groups::too_short(decoded.text())) } else { Ok(numbers) }
}

/// Card numbers that the filter finds in `text`.
fn findings(text: &[u8], criteria: &Arc<Criteria>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let inspector = Inspector::new(TextFormat::Unknown, Style::HIDE).with_criteria(Arc::clone(criteria));
    inspector.with_all_escapes().with_field_paths(None, None).inspect(text, true, &mut findings);
    findings
}

/// Candidates that the filter judges. If one of several candidates with the same first digit is found, the others are omitted.
fn candidates(
    decoded: &Decoded<'_>,
    findings: &[Finding],
    shown: VisibleDigits,
    criteria: &Criteria,
) -> Vec<Explanation> {
    let mut starts = CandidateStarts::new(View::new(b"", decoded.text(), true, MASK));
    let mut numbers = Vec::new();
    while let NextStart::Start(candidates) = starts.advance() {
        let mut reports: Vec<CandidateReport> =
            candidates.map(|candidate| CandidateReport::new(&candidate, decoded.text(), shown, criteria)).collect();
        let is_found = |report: &CandidateReport| {
            let source = source(decoded, &report.span);
            findings.iter().any(|finding| finding.span == source)
        };
        let found = reports.iter().position(is_found);
        if let Some(found) = found {
            reports = reports.into_iter().skip(found).take(1).collect();
            starts.skip_to(reports.first().map_or(decoded.text().len(), |report| report.span.end));
        }
        numbers.extend(reports.into_iter().map(|report| {
            let source = source(decoded, &report.span);
            report.explain(found.is_some(), source)
        }));
    }
    numbers
}

/// Position in the text of `span` in the decoded text.
fn source(decoded: &Decoded<'_>, span: &Range<usize>) -> Range<usize> {
    decoded.start(span.start)..decoded.end(span.end.saturating_sub(1))
}

/// Explanation of a card number that the filter finds without a candidate.
fn of_finding(finding: &Finding, shown: VisibleDigits, decision: Option<FindingDecision>) -> Explanation {
    let (brand, length) = (finding.detection.kind.brand().map_or("", Brand::as_str), finding.detection.kind.length());
    Explanation {
        source: finding.span.clone(),
        span: 0..0,
        title: shown.number(b"", usize::from(length)),
        steps: Vec::new(),
        verdict: format!("card number: {brand}, {length} digits"),
        decision,
    }
}
