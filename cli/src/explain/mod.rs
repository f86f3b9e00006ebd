//! `panveil explain`: why is this a card number, or why not?

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

/// The longest text that is explained. Longer ones are for `panveil scan`.
const LONGEST: u64 = 64 << 10;

/// Says step by step why a number is a card number to panveil, or why not.
///
/// Every reading of the text that could be a card is judged as the filter judges it, by its digits, issuer, check digit
/// and what stands beside it. Numbers that have no such reading are named with what keeps them from it.
#[derive(Args)]
#[command(after_help = "Examples:
  panveil explain 4111 1111 1111 1112
  panveil explain 'ts=1748503543012 ref=4111-1111-1111-1111-1'
  panveil explain < message.txt

A shell remembers what is typed. Give real numbers on standard input.")]
pub struct Explain {
    /// The number, or text with numbers in it; standard input when there is none, or when it is -.
    #[arg(value_name = "TEXT", allow_negative_numbers = true)]
    text: Vec<String>,

    /// Print whole numbers, not only the digits that PCI DSS lets everybody see.
    #[arg(long)]
    show: bool,
}

/// The character that masks are known by.
const MASK: u8 = Style::HIDE.character.as_byte();

/// Something in the text that is explained. Has no `Debug`: it may hold digits.
struct Paragraph {
    /// Where it stands in the text.
    source: Range<usize>,
    /// Where it stands in what the text says once its escapes are read.
    span: Range<usize>,
    /// A title, and lines of steps.
    text: String,
}

impl Explain {
    /// Prints the explanation.
    pub fn run(self) -> Result<(), Failure> {
        let shown = VisibleDigits::by_flag(self.show);
        let text = self.read()?;
        output::write(explain(&text, shown).as_bytes())
    }

    fn read(self) -> Result<Vec<u8>, Failure> {
        let mut stdin = io::stdin().lock();
        match self.text.as_slice() {
            [] if stdin.is_terminal() => {
                let line = "nothing to explain: give a number or a text; see panveil explain --help";
                return Err(Failure::Error(line.to_owned()));
            }
            [] => {}
            [dash] if dash == "-" => {}
            words => return Ok(words.join(" ").into_bytes()),
        }
        let mut text = Vec::new();
        let most = LONGEST.saturating_add(1);
        stdin.by_ref().take(most).read_to_end(&mut text).map_err(Failure::of("read", "standard input"))?;
        if u64::try_from(text.len()).is_ok_and(|length| length > LONGEST) {
            return Err(Failure::Error(format!(
                "more than {LONGEST} bytes to explain; panveil scan is for long texts"
            )));
        }
        text.truncate(text.trim_ascii_end().len());
        Ok(text)
    }
}

/// Explains `text` in paragraphs, in the order of what they are about.
fn explain(text: &[u8], shown: VisibleDigits) -> String {
    let markup = TextFormat::Unknown.resolve(text).escapes().markup;
    let decoded = Decoded::new(text, 0, true, Escapes { markup, ..Escapes::FORM }, MASK);
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

/// What the filter finds in `text`.
fn findings(text: &[u8]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let cards_only = Criteria { authentication_data: None, ..Criteria::default() };
    let inspector = Inspector::new(TextFormat::Unknown, Style::HIDE).with_criteria(Arc::new(cards_only));
    inspector.with_all_escapes().inspect(text, true, &mut findings);
    findings
}

/// The candidates that the filter judges, each with its judgement. Where one of several that begin at the same digit is
/// taken, it stands for all.
fn candidates(decoded: &Decoded<'_>, findings: &[Finding], shown: VisibleDigits) -> Vec<Paragraph> {
    let mut starts = CandidateStarts::new(View::new(b"", decoded.text(), true, MASK));
    let mut paragraphs = Vec::new();
    while let NextStart::Start(candidates) = starts.advance() {
        let mut readings: Vec<CandidateReport> =
            candidates.map(|candidate| CandidateReport::new(&candidate, decoded.text(), shown)).collect();
        let is_found = |reading: &CandidateReport| {
            let source = source(decoded, &reading.span);
            findings.iter().any(|finding| finding.span == source)
        };
        let taken = readings.iter().position(is_found);
        if let Some(taken) = taken {
            readings = readings.into_iter().skip(taken).take(1).collect();
            starts.skip_to(readings.first().map_or(decoded.text().len(), |reading| reading.span.end));
        }
        paragraphs.extend(readings.into_iter().map(|reading| {
            let source = source(decoded, &reading.span);
            let escaped = source.len() != reading.span.len();
            Paragraph { source, text: reading.explain(taken.is_some(), escaped), span: reading.span }
        }));
    }
    paragraphs
}

/// Where in the text something stands that `span` is in what the text says.
fn source(decoded: &Decoded<'_>, span: &Range<usize>) -> Range<usize> {
    decoded.start(span.start)..decoded.end(span.end.saturating_sub(1))
}

impl Paragraph {
    /// For a card that the filter finds and no candidate explains.
    fn of_finding(finding: &Finding, shown: VisibleDigits) -> Self {
        let (brand, length) =
            (finding.detection.kind.brand().map_or("", Brand::as_str), finding.detection.kind.length());
        let number = shown.number(b"", usize::from(length));
        let text = format!("{number}\n  {:<12} a card: {brand}, {length} digits\n", "verdict");
        Self { source: finding.span.clone(), span: 0..0, text }
    }

    /// The text, with its place in the title.
    fn print(&self) -> String {
        match self.text.split_once('\n') {
            Some((title, steps)) if self.source.start > 0 => {
                format!("{title}   at byte {}\n{steps}", self.source.start)
            }
            _ => self.text.clone(),
        }
    }
}
