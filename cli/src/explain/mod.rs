//! `panveil explain`: the reasons for which a number is a card number or not.

mod candidate;
mod digit_groups;
mod issuer;

use super::failure::Failure;
use super::output;
use super::visible_digits::VisibleDigits;
use candidate::CandidateReport;
use clap::Args;
use panveil::mask::Style;
use panveil::scan::{CandidateStarts, Decoded, Escapes, NextStart, View};
use panveil::stream::{Finding, Inspector, TextFormat};
use panveil::verdict::{Brand, Criteria};
use std::io::{self, IsTerminal, Read};
use std::ops::Range;
use std::sync::Arc;

/// Longest text in bytes. `panveil scan` reads longer ones.
const MAX_BYTES: u64 = 64 << 10;

/// Explains step by step why a number is a card number or not.
///
/// Each candidate in the text is judged as the filter judges it: by digits, issuer, context, field name and Luhn check. A
/// number that is no candidate is listed with the reason.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil explain 4111 1111 1111 1112
  panveil explain 'ts=1748503543012 ref=4111-1111-1111-1111-1'
  panveil explain < message.txt

A shell keeps a history of arguments. Pass real numbers on standard input.")]
pub struct Explain {
    /// Number, or text with numbers. Without it, or with -, standard input is read.
    #[arg(value_name = "TEXT", allow_negative_numbers = true)]
    text: Vec<String>,

    /// Print all digits, not only those that PCI DSS permits to display.
    #[arg(long)]
    show: bool,
}

/// Character of masked digits.
const MASK: u8 = Style::HIDE.character.as_byte();

/// Explanation of one number of the text. Has no `Debug`: it may contain digits.
struct Paragraph {
    /// Position in the text.
    source: Range<usize>,
    /// Position in the decoded text.
    span: Range<usize>,
    /// Title, and a line for each step.
    text: String,
}

impl Explain {
    /// Prints the explanation.
    pub fn run(self) -> Result<(), Failure> {
        let digits = VisibleDigits::by_flag(self.show);
        let text = self.read()?;
        output::write(explain(&text, digits).as_bytes())
    }

    fn read(self) -> Result<Vec<u8>, Failure> {
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

/// Explains the numbers of `text`, one paragraph for each, in order.
fn explain(text: &[u8], shown: VisibleDigits) -> String {
    let markup = TextFormat::Unknown.resolve(text).escapes().markup;
    let decoded = Decoded::new(text, true, Escapes { markup, ..Escapes::FORM }, MASK);
    let findings = findings(text);
    let mut paragraphs = candidates(&decoded, &findings, shown);
    for finding in findings {
        if !paragraphs.iter().any(|paragraph| paragraph.source == finding.span) {
            paragraphs.push(Paragraph::of_finding(&finding, shown));
        }
    }
    let spans: Vec<Range<usize>> = paragraphs.iter().map(|paragraph| paragraph.span.clone()).collect();
    for groups in digit_groups::of(decoded.text()).flat_map(|groups| groups.without(&spans)) {
        if let Some(text) = groups.explain(decoded.text(), shown) {
            paragraphs.push(Paragraph { source: source(&decoded, &groups.span()), span: groups.span(), text });
        }
    }
    paragraphs.sort_by_key(|paragraph| (paragraph.source.start, paragraph.source.end));
    if paragraphs.is_empty() {
        return digit_groups::too_short(decoded.text());
    }
    paragraphs.iter().map(Paragraph::print).collect::<Vec<String>>().join("\n")
}

/// Card numbers that the filter finds in `text`.
fn findings(text: &[u8]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let cards_only = Criteria { authentication_data: None, ..Criteria::default() };
    let inspector = Inspector::new(TextFormat::Unknown, Style::HIDE).with_criteria(Arc::new(cards_only));
    inspector.with_all_escapes().inspect(text, true, &mut findings);
    findings
}

/// Paragraphs of the candidates that the filter judges. If one of several candidates with the same first digit is found, the others
/// are omitted.
fn candidates(decoded: &Decoded<'_>, findings: &[Finding], shown: VisibleDigits) -> Vec<Paragraph> {
    let mut starts = CandidateStarts::new(View::new(b"", decoded.text(), true, MASK));
    let mut paragraphs = Vec::new();
    while let NextStart::Start(candidates) = starts.advance() {
        let mut reports: Vec<CandidateReport> =
            candidates.map(|candidate| CandidateReport::new(&candidate, decoded.text(), shown)).collect();
        let is_found = |report: &CandidateReport| {
            let source = source(decoded, &report.span);
            findings.iter().any(|finding| finding.span == source)
        };
        let found = reports.iter().position(is_found);
        if let Some(found) = found {
            reports = reports.into_iter().skip(found).take(1).collect();
            starts.skip_to(reports.first().map_or(decoded.text().len(), |report| report.span.end));
        }
        paragraphs.extend(reports.into_iter().map(|report| {
            let source = source(decoded, &report.span);
            let escaped = source.len() != report.span.len();
            Paragraph { source, text: report.explain(found.is_some(), escaped), span: report.span }
        }));
    }
    paragraphs
}

/// Position in the text of `span` in the decoded text.
fn source(decoded: &Decoded<'_>, span: &Range<usize>) -> Range<usize> {
    decoded.start(span.start)..decoded.end(span.end.saturating_sub(1))
}

impl Paragraph {
    /// Paragraph of a card number that the filter finds without a candidate.
    fn of_finding(finding: &Finding, shown: VisibleDigits) -> Self {
        let (brand, length) =
            (finding.detection.kind.brand().map_or("", Brand::as_str), finding.detection.kind.length());
        let number = shown.number(b"", usize::from(length));
        let text = format!("{number}\n  {:<12} card number: {brand}, {length} digits\n", "verdict");
        Self { source: finding.span.clone(), span: 0..0, text }
    }

    /// Text of the paragraph, with the position in its title.
    fn print(&self) -> String {
        match self.text.split_once('\n') {
            Some((title, steps)) if self.source.start > 0 => {
                format!("{title}   at byte {}\n{steps}", self.source.start)
            }
            _ => self.text.clone(),
        }
    }
}
