//! Evidence for and against a candidate, step by step.

use super::explanation::Explanation;
use super::issuer;
use crate::visible_digits::VisibleDigits;
use panveil::scan::{Candidate, SeparatorKind, Shape};
use panveil::verdict::boundary::{self, Surroundings};
use panveil::verdict::name::NameEvidence;
use panveil::verdict::{self, Criteria, EnclosingNames, Evidence, NotPanReason, Sensitivity, Verdict, context, luhn};
use std::ops::Range;

/// Steps of the decision on a candidate. Has no `Debug`: it may contain digits.
pub struct CandidateReport {
    /// Position in the decoded text.
    pub span: Range<usize>,
    title: String,
    steps: Vec<(&'static str, String)>,
    verdict: Verdict,
}

impl CandidateReport {
    /// Steps for `candidate` in the decoded `text`, by these `criteria`.
    pub fn new(candidate: &Candidate<'_>, text: &[u8], shown: VisibleDigits, criteria: &Criteria) -> Self {
        let span = candidate.span();
        let spelling = text.get(span.clone()).unwrap_or_default();
        let enclosing = EnclosingNames::default();
        let verdict = verdict::judge(candidate, criteria, &enclosing);
        let mut steps = vec![
            ("digits", grouping(candidate, spelling)),
            ("issuer", issuer::explain(candidate.digits())),
            ("context", adjacent(candidate).to_owned()),
            ("field name", field_name(candidate, criteria).to_owned()),
            ("Luhn", luhn_check(candidate.digits().ascii())),
        ];
        if let Ok(evidence) = verdict::weigh(candidate, criteria, &enclosing) {
            steps.push(("score", score(&evidence, verdict, criteria.sensitivity)));
        }
        Self { title: shown.spelling(spelling), span, steps, verdict }
    }

    /// Explanation. `found`: the filter finds this candidate. `source` is its position in the text, which may spell it with escapes.
    pub fn explain(self, found: bool, source: Range<usize>) -> Explanation {
        let verdict = self.conclusion(found);
        let mut steps = self.steps;
        if let Some((_, digits)) = steps.first_mut().filter(|_| source.len() != self.span.len()) {
            digits.push_str("; escaped");
        }
        Explanation { source, span: self.span, title: self.title, steps, verdict, decision: None }
    }

    fn conclusion(&self, found: bool) -> String {
        match self.verdict {
            Verdict::Pan(pan) | Verdict::Track(pan, _) if found => {
                format!("card number: {}, {} digits", pan.brand.as_str(), pan.length)
            }
            Verdict::Pan(_) | Verdict::Track(..) => {
                "not a card number: another candidate has stronger evidence".to_owned()
            }
            Verdict::NotPan(reason) => format!("not a card number: {}", describe(reason)),
            Verdict::Undecided => "undecided: the text ends too early".to_owned(),
        }
    }
}

fn adjacent(candidate: &Candidate<'_>) -> &'static str {
    match boundary::surroundings(candidate, &candidate.before()) {
        Surroundings::NotPan(reason) => describe(reason),
        Surroundings::Track => "magnetic stripe track",
        Surroundings::Score(weight) if weight < 0 => "untypical of a card number",
        Surroundings::Score(_) | Surroundings::Undecided => "neutral",
    }
}

fn field_name(candidate: &Candidate<'_>, criteria: &Criteria) -> &'static str {
    let NameEvidence::Score(score) =
        context::name_evidence(&candidate.before(), &EnclosingNames::default(), &criteria.names)
    else {
        return "that of an ignored field";
    };
    match score {
        3.. => "one that indicates a card",
        1..3 => "one that may indicate a card",
        0 => "none that indicates a card",
        -3..0 => "one that indicates an identifier",
        _ => "one that indicates another number",
    }
}

/// Sum of the evidence, its parts and the threshold.
fn score(evidence: &Evidence, verdict: Verdict, sensitivity: Sensitivity) -> String {
    let followed = match verdict {
        Verdict::Pan(pan) | Verdict::Track(pan, _) => pan.score.saturating_sub(evidence.score()),
        Verdict::NotPan(_) | Verdict::Undecided => 0,
    };
    let parts = [
        ("range", evidence.range),
        ("layout", evidence.layout),
        ("context", evidence.adjacent),
        ("field name", evidence.context),
        ("known number", evidence.known_number),
        ("record", evidence.record.saturating_add(followed)),
    ];
    let parts = parts.iter().filter(|(_, weight)| *weight != 0).map(|(part, weight)| format!("{part} {weight:+}"));
    let sum = evidence.score().saturating_add(followed);
    let parts = parts.collect::<Vec<String>>().join(", ");
    format!("{sum} ({parts}); threshold {} ({})", sensitivity.threshold(), sensitivity.as_str())
}

fn grouping(candidate: &Candidate<'_>, spelling: &[u8]) -> String {
    let count = candidate.digits().len();
    let separator = match candidate.separator() {
        Some(SeparatorKind::Space) => "spaces",
        Some(SeparatorKind::Dash) => "dashes",
        Some(SeparatorKind::Dot) => "dots",
        Some(SeparatorKind::Uncommon) => "other separators",
        None => "no separators",
    };
    match candidate.shape() {
        Shape::Bare => format!("{count} in a row"),
        Shape::FreeGroups => format!("{count} in groups with {separator}"),
        Shape::MixedSeparators => format!("{count} in groups with spaces and dashes"),
        Shape::DigitByDigit => format!("{count}, one by one with {separator}"),
        Shape::Scientific => format!("{count} in a float with an exponent"),
        Shape::ApplicationPan => format!("{count} in EMV tag 5A"),
        Shape::Track2Equivalent(_) => format!("{count} in EMV tag 57 or 9F6B"),
        Shape::Canonical | Shape::UncommonSeparator => {
            let groups = spelling.split(|byte| !byte.is_ascii_digit()).map(|group| group.len().to_string());
            let groups = groups.filter(|length| length != "0");
            let groups: Vec<String> = groups.collect();
            format!("{count} as {} with {separator}, as printed on cards", groups.join("-"))
        }
    }
}

fn luhn_check(digits: &[u8]) -> String {
    if luhn::is_valid_ascii(digits) {
        return "passes".to_owned();
    }
    let Some((actual, payload)) = digits.split_last() else { return "none".to_owned() };
    let expected = (b'0'..=b'9').find(|digit| luhn::is_valid_ascii(&[payload, &[*digit]].concat()));
    format!("fails: check digit {}, expected {}", char::from(*actual), expected.map_or('?', char::from))
}

fn describe(reason: NotPanReason) -> &'static str {
    match reason {
        NotPanReason::RepeatedDigit => "all digits are equal",
        NotPanReason::UnknownIssuer => "no issuer has this range and length",
        NotPanReason::AdjacentLetter => "adjacent to a letter",
        NotPanReason::DecimalNumber => "part of a decimal number",
        NotPanReason::LongerNumber => "part of a longer number with the same layout",
        NotPanReason::FailsLuhn => "fails Luhn",
        NotPanReason::TestNumber => "published test number",
        NotPanReason::IgnoredName => "the field is ignored",
        NotPanReason::WeakEvidence => "score below the threshold",
    }
}
