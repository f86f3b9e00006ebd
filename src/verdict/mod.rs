//! Classification of a candidate: card number or not (stage 2 of the flow).
//!
//! [`judge`] takes a [`Candidate`] and returns a [`Verdict`], with a reason if the candidate is not a PAN. This stage does not
//! know the policy's actions.
//!
//! The checks run in the order of their cost: IIN range and length ([`brand`]), Luhn ([`luhn`]), adjacent bytes ([`boundary`],
//! [`track`]), then field names and nearby words ([`context`], [`field`], [`name`]). Some of them reject the candidate. The
//! others add to or subtract from a score, which is compared with the threshold of the [`Criteria`].

pub mod adjacent;
pub mod attached;
pub mod authentication;
pub mod boundary;
pub mod brand;
pub mod builtin_patterns;
pub mod check_digits;
pub mod context;
pub mod criteria;
pub mod field;
pub mod fingerprint;
pub mod luhn;
pub mod name;
pub mod nearby;
pub mod pattern_set;
pub mod row;
pub mod test_cards;
pub mod time;
pub mod track;
pub mod vocabulary;
pub mod words;

pub use authentication::Code;
pub use brand::{Brand, Tier};
pub use context::EnclosingNames;
pub use criteria::{Criteria, Traces};
pub use fingerprint::{Fingerprint, FingerprintKey};

use crate::scan::lanes::{self, Simd16};
use crate::scan::mutation::{self, is_disabled};
use crate::scan::{Candidate, Digits, Edge, Shape};
use boundary::Surroundings;
use name::NameEvidence;

/// The result of [`judge`] for one candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The candidate is a card number.
    Pan(Pan),
    /// The candidate is a card number at the start of track data. The second field is the length in bytes of the track data
    /// after it.
    Track(Pan, usize),
    /// The candidate is not a card number.
    NotPan(NotPanReason),
    /// The verdict depends on bytes that have not arrived yet.
    Undecided,
}

named! {
    /// The amount of evidence that a card number needs.
    #[derive(Default)]
    pub enum Sensitivity {
        /// Little evidence: also finds card numbers under the name of an identifier.
        Strict = "strict",
        /// More evidence for than against a card number.
        #[default]
        Balanced = "balanced",
        /// Strong evidence: a field name or a grouping that indicates a card number.
        Precise = "precise",
    }
}

/// The properties of a card number that contain none of its digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pan {
    /// The brand of its IIN range.
    pub brand: Brand,
    /// The number of digits.
    pub length: u8,
    /// The sum of the evidence.
    pub score: i8,
}

/// The evidence for (positive) and against (negative) a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The brand of the IIN range.
    pub brand: Brand,
    /// The number of digits.
    pub length: usize,
    /// The score of the IIN range and length.
    pub range: i8,
    /// The score of the grouping.
    pub layout: i8,
    /// The score of the adjacent bytes.
    pub adjacent: i8,
    /// The score of the field name or of the words before the candidate.
    pub context: i8,
    /// The score of an advertiser's identifier, or of a time.
    pub known_number: i8,
    /// The score of other card fields in the same record, such as an expiry date.
    pub record: i8,
    /// True if the candidate is part of magnetic stripe data.
    pub in_track: bool,
}

/// The reason why a candidate is not a card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPanReason {
    /// All digits are the same.
    RepeatedDigit,
    /// No IIN range contains this prefix with this length.
    UnknownIssuer,
    /// A letter is directly before or after the digits.
    AdjacentLetter,
    /// The digits are the integer or the fraction of a decimal number.
    DecimalNumber,
    /// The candidate is part of a longer number with the same separators: a serial number, a UUID, an IBAN.
    LongerNumber,
    /// The digits fail the Luhn check.
    FailsLuhn,
    /// The digits are a published test number, and the policy ignores those.
    TestNumber,
    /// The field name is in the policy's list of fields without card numbers.
    IgnoredName,
    /// The score is below the threshold.
    WeakEvidence,
}

/// Scores of single pieces of evidence.
const DEFAULT_TIER: i8 = 2;
const EXTENDED_TIER: i8 = 0;
const CANONICAL: i8 = 1;
const FREE_GROUPS: i8 = -2;
const MIXED_SEPARATORS: i8 = -1;
const RATINGS: i8 = -2;
const TIME: i8 = -2;
const RECORD: i8 = 1;
const TRACK: i8 = 4;
const SCIENTIFIC: i8 = 3;
const LISTED: i8 = -2;

/// The highest digit of a row of ratings.
const HIGHEST_RATING: u8 = b'5';

/// The context score from which a UnionPay number may fail Luhn: some were issued without a valid check digit.
const NAMED_UNIONPAY: i8 = 4;

/// The prefix of an advertiser's identifier, `pub-` and 16 digits, which is a card number only in a context that says so.
const PUBLISHER: &[u8] = b"pub-";
const PUBLISHER_SCORE: i8 = -4;
const PUBLISHER_CONTEXT: i8 = 3;

/// True if these digits can be a card number in some context: the IIN range and the length match, and they pass Luhn.
#[inline(always)]
pub fn is_possible(digits: &Digits) -> bool {
    brand::may_issue(digits) && may_be_issued(digits)
}

fn may_be_issued(digits: &Digits) -> bool {
    let checks = luhn::is_valid(digits);
    (checks || brand::may_be_unionpay(digits))
        && brand::identify(digits).is_some_and(|(brand, _)| checks || brand == Brand::UnionPay)
}

/// Decides by `criteria` whether `candidate` is a card number. `enclosing` are the names outside the text before it.
pub fn judge(candidate: &Candidate<'_>, criteria: &Criteria, enclosing: &EnclosingNames) -> Verdict {
    let evidence = match weigh(candidate, criteria, enclosing) {
        Ok(evidence) => evidence,
        Err(verdict) => return verdict,
    };
    let threshold = criteria.threshold();
    let score = evidence.score();
    if score >= threshold {
        return verdict(candidate, criteria, &evidence, score);
    }
    if !is_disabled("form", "record_behind")
        && evidence.context >= name::IDENTIFIER
        && evidence.record == 0
        && score.saturating_add(RECORD) >= threshold
    {
        let (after, complete) = candidate.after();
        if !complete {
            return Verdict::Undecided;
        }
        // The word `exp` is also next to identifiers, in tokens; a date that a card has is not.
        let follows =
            if evidence.context < 0 { context::expiry_follows(after) } else { context::evidence_follows(after) };
        if follows {
            return verdict(candidate, criteria, &evidence, score.saturating_add(RECORD));
        }
    }
    Verdict::NotPan(NotPanReason::WeakEvidence)
}

/// The verdict on a `candidate` whose `score` reaches the threshold: a card number, or one at the start of track data.
fn verdict(candidate: &Candidate<'_>, criteria: &Criteria, evidence: &Evidence, score: i8) -> Verdict {
    let pan = evidence.pan(score);
    if criteria.authentication_data.is_none() {
        return Verdict::Pan(pan);
    }
    let (after, complete) = candidate.after();
    match candidate.shape() {
        Shape::Track2Equivalent(rest) if after.len() < rest && !complete => Verdict::Undecided,
        Shape::Track2Equivalent(rest) => Verdict::Track(pan, rest.min(after.len())),
        _ if evidence.in_track => match track::rest(after, complete) {
            None => Verdict::Undecided,
            Some(0) => Verdict::Pan(pan),
            Some(rest) => Verdict::Track(pan, rest),
        },
        _ => Verdict::Pan(pan),
    }
}

/// The evidence for and against `candidate`, or the verdict if one check alone decides it.
pub fn weigh(candidate: &Candidate<'_>, criteria: &Criteria, enclosing: &EnclosingNames) -> Result<Evidence, Verdict> {
    let digits = candidate.digits();
    let Some((brand, tier)) = brand::identify(digits) else { return Err(Verdict::NotPan(NotPanReason::UnknownIssuer)) };
    if tier == Tier::Named && !is_named(candidate, criteria, enclosing) {
        return Err(Verdict::NotPan(NotPanReason::UnknownIssuer));
    }
    let is_repeated = digits.ascii().windows(2).all(|pair| pair.first() == pair.last());
    if is_repeated && !is_disabled("reject", "repeated_digit") {
        return Err(Verdict::NotPan(NotPanReason::RepeatedDigit));
    }
    let checks = luhn::is_confirmed(digits);
    let may_lack = !is_disabled("form", "unionpay_without_luhn")
        && brand == Brand::UnionPay
        && candidate.shape().may_lack_check_digit();
    if !checks && !may_lack {
        return Err(Verdict::NotPan(NotPanReason::FailsLuhn));
    }
    if !criteria.test_cards && test_cards::is_test_card(digits) {
        return Err(Verdict::NotPan(NotPanReason::TestNumber));
    }
    let tier = criteria.tier(brand, tier);
    let mut evidence = Evidence::of(brand, digits.len());
    if matches!(candidate.shape(), Shape::ApplicationPan | Shape::Track2Equivalent(_)) {
        return Ok(Evidence { adjacent: TRACK, ..evidence });
    }
    let before = candidate.before();
    match boundary::surroundings(candidate, &before) {
        Surroundings::NotPan(NotPanReason::AdjacentLetter | NotPanReason::DecimalNumber) if criteria.luhn_only => {}
        Surroundings::NotPan(reason) => return Err(Verdict::NotPan(reason)),
        Surroundings::Undecided => return Err(Verdict::Undecided),
        Surroundings::Track => evidence.in_track = !is_disabled("form", "track"),
        Surroundings::Score(weight) => evidence.adjacent = weight,
    }
    match context::name_evidence(&before, enclosing, &criteria.names) {
        NameEvidence::Ignored => return Err(Verdict::NotPan(NotPanReason::IgnoredName)),
        NameEvidence::Score(_) if evidence.in_track && checks => return Ok(Evidence { adjacent: TRACK, ..evidence }),
        NameEvidence::Score(score) => evidence.context = mutation::score("context", score),
    }
    if candidate.shape() == Shape::Scientific {
        let is_named = evidence.context >= name::CARD || (tier == Tier::Default && evidence.context > 0);
        let is_card = is_named && !is_disabled("form", "scientific");
        let evidence = Evidence { layout: SCIENTIFIC, context: 0, ..evidence };
        return if is_card { Ok(evidence) } else { Err(Verdict::NotPan(NotPanReason::WeakEvidence)) };
    }
    if !checks && (evidence.context < NAMED_UNIONPAY || !may_lack_check_digit(digits.ascii())) {
        return Err(Verdict::NotPan(NotPanReason::FailsLuhn));
    }
    if candidate.shape() == Shape::Bare {
        let (after, complete) = candidate.after();
        match context::is_listed(&before, after) {
            Some(true) => evidence.adjacent = evidence.adjacent.saturating_add(mutation::score("listed", LISTED)),
            None if !complete => return Err(Verdict::Undecided),
            Some(false) | None => {}
        }
    }
    evidence.range =
        if checks && tier == Tier::Default { mutation::score("range", DEFAULT_TIER) } else { EXTENDED_TIER };
    evidence.layout = match candidate.shape() {
        Shape::Canonical => mutation::score("canonical", CANONICAL),
        Shape::FreeGroups => mutation::score("free_groups", FREE_GROUPS),
        // Ratings and other small numbers in a row.
        Shape::DigitByDigit if digits.ascii().iter().all(|digit| *digit <= HIGHEST_RATING) => {
            mutation::score("ratings", RATINGS)
        }
        // Two telephone numbers look the same.
        Shape::MixedSeparators => mutation::score("mixed_separators", MIXED_SEPARATORS),
        // Separators such as slashes are rare in card numbers, so this grouping counts no more than a default IIN range.
        Shape::UncommonSeparator => mutation::score("uncommon_separator", DEFAULT_TIER.saturating_sub(evidence.range)),
        _ => 0,
    };
    evidence.known_number = if before.ends_with(PUBLISHER) && evidence.context < PUBLISHER_CONTEXT {
        mutation::score("publisher", PUBLISHER_SCORE)
    } else if candidate.shape() == Shape::Bare
        && evidence.context < name::CARD
        && time::begins_with_time(digits.ascii())
    {
        mutation::score("time", TIME)
    } else {
        0
    };
    if evidence.context >= 0 && context::evidence_precedes(&before) {
        evidence.record = mutation::score("record", RECORD);
    }
    Ok(evidence)
}

/// True if the name of a card precedes the number and no more digits touch its groups. A range of an issuer is stronger evidence
/// for where a number begins and ends.
fn is_named(candidate: &Candidate<'_>, criteria: &Criteria, enclosing: &EnclosingNames) -> bool {
    let is_alone = match candidate.shape() {
        Shape::Bare => true,
        Shape::Canonical => !matches!(candidate.left(), Edge::Group(_)) && candidate.fours_beside() == 0,
        _ => false,
    };
    if !is_alone {
        return false;
    }
    let before = candidate.before();
    // In tables of numbers no letter is near, and the search for a name takes longer than all else.
    let is_letter = |bytes: Simd16| bytes.lower().is_within(b'a', b'z') | bytes;
    let may_have_name = enclosing.heading.is_some() || enclosing.array.is_some() || lanes::has(&before, is_letter);
    may_have_name
        && matches!(context::name_evidence(&before, enclosing, &criteria.names), NameEvidence::Score(name::CARD..))
}

impl Shape {
    /// True if grouping and name can identify the number without a valid check digit.
    fn may_lack_check_digit(self) -> bool {
        matches!(self, Self::Bare | Self::Canonical | Self::FreeGroups | Self::DigitByDigit)
    }
}

impl Evidence {
    fn of(brand: Brand, length: usize) -> Self {
        Self {
            brand,
            length,
            range: 0,
            layout: 0,
            adjacent: 0,
            context: 0,
            known_number: 0,
            record: 0,
            in_track: false,
        }
    }

    /// The sum of all scores.
    pub fn score(&self) -> i8 {
        let parts = [self.range, self.layout, self.adjacent, self.context, self.known_number, self.record];
        parts.into_iter().fold(0, i8::saturating_add)
    }

    fn pan(&self, score: i8) -> Pan {
        Pan { brand: self.brand, length: u8::try_from(self.length).unwrap_or(u8::MAX), score }
    }
}

/// True if a UnionPay number may have been issued with this invalid check digit. A number with zeros in the masked positions of a
/// bare JSON number is taken for a masked one.
fn may_lack_check_digit(digits: &[u8]) -> bool {
    digits.len() >= UNIONPAY_SHORTEST && digits.get(8..11) != Some(b"000")
}

/// The shortest UnionPay number, in digits.
const UNIONPAY_SHORTEST: usize = 16;

impl Sensitivity {
    /// The lowest score of a card number.
    pub const fn threshold(self) -> i8 {
        match self {
            Self::Strict => 1,
            Self::Balanced => 2,
            Self::Precise => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{CandidateStarts, NextStart, View};

    /// The verdict on the longest candidate that begins at the first group start of `text`.
    pub(super) fn verdict(text: &str) -> Verdict {
        let mut starts = CandidateStarts::new(View::new(b"", text.as_bytes(), true, b'*'));
        while let NextStart::Start(candidates) = starts.advance() {
            if let Some(candidate) = candidates.last() {
                return judge(&candidate, &Criteria::default(), &EnclosingNames::default());
            }
        }
        panic!("no candidate in {text}");
    }

    fn brand_of(text: &str) -> Brand {
        match verdict(text) {
            Verdict::Pan(pan) => pan.brand,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn public_test_numbers_are_cards() {
        for (text, brand) in [
            ("4111111111111111", Brand::Visa),
            ("4242-4242-4242-4242", Brand::Visa),
            ("5555555555554444", Brand::Mastercard),
            ("2223003122003222", Brand::Mastercard),
            ("3782 822463 10005", Brand::Amex),
            ("6011111111111117", Brand::Discover),
            ("30569309025904", Brand::Diners),
            ("3056930009020004", Brand::Diners),
            ("3530111333300000", Brand::Jcb),
            ("6200000000000005", Brand::UnionPay),
            ("6205500000000000004", Brand::UnionPay),
            ("6759649826438453", Brand::Maestro),
            ("5019717010103742", Brand::Maestro),
            ("5066991111111118", Brand::Elo),
        ] {
            assert_eq!(brand_of(text), brand, "{text}");
        }
    }

    #[test]
    fn under_the_name_of_a_card_national_schemes_count() {
        for (text, brand) in [
            ("card_number=9682000000000006", Brand::Other),
            ("\"pan\":\"9112 0000 0000 0006\"", Brand::Other),
            ("card: 1946000000000005 ", Brand::Other),
            // A known range says where the number ends.
            ("card 4111 1111 1111 1111 05", Brand::Visa),
            ("card 2026 4111 1111 1111 1111", Brand::Visa),
        ] {
            assert!(matches!(verdict_on_card(text), Verdict::Pan(pan) if pan.brand == brand), "{text}");
        }
        for text in [
            "9682000000000006",
            "order_id=9682000000000006",
            "card 9682 0000 0000 0006 0000",
            "card 968200 000000 0006",
            "card=9682000000000005",
        ] {
            assert!(!matches!(verdict_on_card(text), Verdict::Pan(_)), "{text}");
        }
    }

    #[test]
    fn each_rejected_candidate_has_its_reason() {
        for (text, reason) in [
            ("4111111111111112", NotPanReason::FailsLuhn),
            ("1748503543012", NotPanReason::UnknownIssuer),
            ("9999999999999999", NotPanReason::UnknownIssuer),
            ("4444444444444444", NotPanReason::RepeatedDigit),
            ("4111111111111111k", NotPanReason::AdjacentLetter),
            ("x4111111111111111", NotPanReason::AdjacentLetter),
            ("CA4111111111111111", NotPanReason::AdjacentLetter),
            ("giftcard4111111111111111", NotPanReason::AdjacentLetter),
            ("4111111111111111usd", NotPanReason::AdjacentLetter),
            ("4111111111111111L2", NotPanReason::AdjacentLetter),
            // Only a range that indicates a card may have such letters.
            ("4222222222222L", NotPanReason::AdjacentLetter),
            ("0.4111111111111111 ", NotPanReason::DecimalNumber),
            ("4111111111111111.25", NotPanReason::DecimalNumber),
            ("4111-1111-1111-1111-1", NotPanReason::LongerNumber),
            ("4242-4242-4242-4242-1", NotPanReason::LongerNumber),
            ("DE89 4111 1111 1111 1111", NotPanReason::LongerNumber),
        ] {
            assert_eq!(verdict_on_card(text), Verdict::NotPan(reason), "{text}");
        }
    }

    /// The verdict on the first candidate of `text` in an IIN range, or else on the first candidate.
    fn verdict_on_card(text: &str) -> Verdict {
        let mut starts = CandidateStarts::new(View::new(b"", text.as_bytes(), true, b'*'));
        let mut first = None;
        while let NextStart::Start(candidates) = starts.advance() {
            for verdict in
                candidates.map(|candidate| judge(&candidate, &Criteria::default(), &EnclosingNames::default()))
            {
                if verdict != Verdict::NotPan(NotPanReason::UnknownIssuer) {
                    return verdict;
                }
                first = first.or(Some(verdict));
            }
        }
        first.expect("a candidate")
    }

    #[test]
    fn neutral_neighbours_do_not_reject_a_card() {
        for text in [
            "2026 4111 1111 1111 1111",
            "4111 1111 1111 1111 12/26",
            "4111111111111111.00",
            "卡4111111111111111号",
            "VI4111111111111111",
            "FPCCAX378282246310005/1226",
            "creditcard4111111111111111",
            "4111111111111111L;",
            "4111111111111111USD0100",
        ] {
            assert!(matches!(verdict_on_card(text), Verdict::Pan(_)), "{text}");
        }
    }
}
