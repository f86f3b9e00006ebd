//! What speaks for and against a candidate?

use super::issuer;
use crate::visible_digits::VisibleDigits;
use panveil::scan::{Candidate, SeparatorKind, Shape};
use panveil::verdict::boundary::{self, Surroundings};
use panveil::verdict::name::{NameEvidence, Names};
use panveil::verdict::{self, Criteria, EnclosingNames, Evidence, NotPanReason, Sensitivity, Verdict, context, luhn};
use std::fmt::Write;
use std::ops::Range;

/// A candidate, step by step. Has no `Debug`: it may hold digits.
pub struct CandidateReport {
    /// Where it stands.
    pub span: Range<usize>,
    title: String,
    steps: Vec<(&'static str, String)>,
    verdict: Verdict,
}

impl CandidateReport {
    /// Considers `candidate`, which stands in `text`.
    pub fn new(candidate: &Candidate<'_>, text: &[u8], shown: VisibleDigits) -> Self {
        let span = candidate.span();
        let spelling = text.get(span.clone()).unwrap_or_default();
        let (criteria, far) =
            (Criteria { authentication_data: None, ..Criteria::default() }, EnclosingNames::default());
        let verdict = verdict::judge(candidate, &criteria, &far);
        let mut steps = vec![
            ("digits", layout(candidate, spelling)),
            ("issuer", issuer::explain(candidate.digits())),
            ("beside it", beside(candidate).to_owned()),
            ("named", named(candidate).to_owned()),
            ("check digit", check_digit(candidate.digits().ascii())),
        ];
        if let Ok(evidence) = verdict::weigh(candidate, &criteria, &far) {
            steps.push(("score", score(&evidence, verdict)));
        }
        Self { title: shown.spelling(spelling), span, steps, verdict }
    }

    /// A title and the steps. `found` says that the filter takes this for a card, `escaped` that it is not written so.
    pub fn explain(&self, found: bool, escaped: bool) -> String {
        let mut text = format!("{}\n", self.title);
        for (index, (name, value)) in self.steps.iter().enumerate() {
            let remark = if index == 0 && escaped { "; written with escapes" } else { "" };
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {name:<12} {value}{remark}");
        }
        let _ = writeln!(text, "  {:<12} {}", "verdict", self.conclusion(found));
        text
    }

    fn conclusion(&self, found: bool) -> String {
        match self.verdict {
            Verdict::Pan(pan) | Verdict::Track(pan, _) if found => {
                format!("a card: {}, {} digits", pan.brand.as_str(), pan.length)
            }
            Verdict::Pan(_) | Verdict::Track(..) => {
                "no card: another reading of these digits is a better one".to_owned()
            }
            Verdict::NotPan(why) => format!("no card: {}", say(why)),
            Verdict::Undecided => "no card: it ends too early to tell".to_owned(),
        }
    }
}

/// The level that policies have unless they say otherwise.
const LEVEL: Sensitivity = Sensitivity::Balanced;

fn beside(candidate: &Candidate<'_>) -> &'static str {
    match boundary::surroundings(candidate, &candidate.before()) {
        Surroundings::NotPan(why) => say(why),
        Surroundings::Track => "the rest of a magnetic stripe's track",
        Surroundings::Score(weight) if weight < 0 => "something that is rarely beside a card",
        Surroundings::Score(_) | Surroundings::Undecided => "nothing that speaks against a card",
    }
}

fn named(candidate: &Candidate<'_>) -> &'static str {
    let NameEvidence::Score(score) =
        context::name_evidence(&candidate.before(), &EnclosingNames::default(), &Names::default())
    else {
        return "as something without cards";
    };
    match score {
        3.. => "as a card",
        1..3 => "as card numbers are, among other things",
        0 => "by nothing that tells",
        -3..0 => "as an identifier",
        _ => "as something else",
    }
}

/// The sum of the evidence, and what it consists of.
fn score(evidence: &Evidence, verdict: Verdict) -> String {
    let followed = match verdict {
        Verdict::Pan(pan) | Verdict::Track(pan, _) => pan.score.saturating_sub(evidence.score()),
        Verdict::NotPan(_) | Verdict::Undecided => 0,
    };
    let parts = [
        ("range", evidence.range),
        ("layout", evidence.layout),
        ("beside it", evidence.adjacent),
        ("name", evidence.context),
        ("known number", evidence.known_number),
        ("rest of the record", evidence.record.saturating_add(followed)),
    ];
    let said = parts.iter().filter(|(_, weight)| *weight != 0).map(|(part, weight)| format!("{part} {weight:+}"));
    let sum = evidence.score().saturating_add(followed);
    let said: Vec<String> = said.collect();
    format!("{sum} ({}); from {} on it is a card (balanced)", said.join(", "), LEVEL.threshold())
}

fn layout(candidate: &Candidate<'_>, spelling: &[u8]) -> String {
    let count = candidate.digits().len();
    let separator = match candidate.separator() {
        Some(SeparatorKind::Space) => "spaces",
        Some(SeparatorKind::Dash) => "dashes",
        Some(SeparatorKind::Dot) => "dots",
        Some(SeparatorKind::Uncommon) => "other signs",
        None => "nothing",
    };
    match candidate.shape() {
        Shape::Bare => format!("{count} in a row"),
        Shape::FreeGroups => format!("{count} in groups with {separator}"),
        Shape::DigitByDigit => format!("{count}, each on its own between {separator}"),
        Shape::Scientific => format!("{count} of a float with an exponent"),
        Shape::ApplicationPan => format!("{count} in a chip card's data object of tag 5A"),
        Shape::Track2Equivalent(_) => format!("{count} in a chip card's data object of tag 57"),
        Shape::Canonical | Shape::UncommonSeparator => {
            let groups = spelling.split(|byte| !byte.is_ascii_digit()).map(|group| group.len().to_string());
            let groups = groups.filter(|length| length != "0");
            let groups: Vec<String> = groups.collect();
            format!("{count} as {} with {separator}, as printed on cards", groups.join("-"))
        }
    }
}

fn check_digit(digits: &[u8]) -> String {
    if luhn::is_valid_ascii(digits) {
        return "right".to_owned();
    }
    let Some((is, payload)) = digits.split_last() else { return "none".to_owned() };
    let right = (b'0'..=b'9').find(|digit| luhn::is_valid_ascii(&[payload, &[*digit]].concat()));
    format!("wrong: it is {}, and should be {}", char::from(*is), right.map_or('?', char::from))
}

fn say(why: NotPanReason) -> &'static str {
    match why {
        NotPanReason::RepeatedDigit => "all its digits are the same",
        NotPanReason::UnknownIssuer => "no issuer has such numbers",
        NotPanReason::AdjacentLetter => "a letter touches it",
        NotPanReason::DecimalNumber => "it is one side of a decimal number",
        NotPanReason::LongerNumber => "it goes on in the same layout, as part of something longer",
        NotPanReason::FailsLuhn => "its check digit is wrong",
        NotPanReason::TestNumber => "it is a published number for tests",
        NotPanReason::IgnoredName => "it stands under a name without cards",
        NotPanReason::WeakEvidence => "too little speaks for one",
    }
}
