//! Is it a card? (stage 2 of the flow)
//!
//! A [`Candidate`] in, a [`Verdict`] out, with the reason when it is "no". Nothing here knows what is done about a card.
//!
//! The order of the questions is the order of their cost: issuer and length ([`brand`]), check digit ([`luhn`]), surroundings
//! ([`boundary`], [`track`]), and the words around it ([`context`], [`field`], [`name`]). What is left open counts for or
//! against it, and the sum decides. What an operator may say to that is in [`criteria`].

pub mod adjacent;
pub mod authentication;
pub mod boundary;
pub mod brand;
pub mod context;
pub mod criteria;
pub mod field;
pub mod fingerprint;
pub mod luhn;
pub mod name;
pub mod test_cards;
pub mod track;
pub mod words;

pub use authentication::Code;
pub use brand::{Brand, Tier};
pub use context::EnclosingNames;
pub use criteria::{Criteria, Traces};
pub use fingerprint::{Fingerprint, FingerprintKey};

use crate::scan::{Candidate, Digits, Shape};
use boundary::Surroundings;
use name::NameEvidence;

/// What a candidate turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A payment card number.
    Pan(Pan),
    /// A payment card number with which the data of a track begins; so many bytes behind it belong to that.
    Track(Pan, usize),
    /// Something else.
    NotPan(Why),
    /// That depends on bytes behind those that are there.
    Open,
}

/// How strong the evidence must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitivity {
    /// Everything that could be a card, also under the name of an identifier.
    Strict,
    /// What is more likely a card than not.
    #[default]
    Balanced,
    /// Only what its name or layout says is a card.
    Precise,
}

/// What may be known of a card number without its digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pan {
    /// The issuer range that the number lies in.
    pub brand: Brand,
    /// How many digits it has.
    pub length: u8,
    /// How strong the evidence is.
    pub score: i8,
}

/// What speaks for a candidate (positive) and against it (negative).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The issuer.
    pub brand: Brand,
    /// How many digits it has.
    pub length: usize,
    /// Its issuer range and length.
    pub range: i8,
    /// Its layout.
    pub layout: i8,
    /// What touches it.
    pub beside: i8,
    /// The words before it.
    pub context: i8,
    /// That it is a public test number, or an advertiser's.
    pub known: i8,
    /// Other fields of a card in the same record.
    pub record: i8,
    /// Whether it stands in the data of a magnetic stripe.
    pub in_track: bool,
}

/// Why a candidate is not a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// All its digits are the same.
    Repeated,
    /// No issuer has numbers that begin like this, or none of this length.
    Issuer,
    /// A letter touches it.
    GluedToLetter,
    /// It is one side of a decimal number.
    Fraction,
    /// It goes on in the same layout: a serial number, a UUID, an IBAN.
    LongerNumber,
    /// Its check digit is wrong.
    CheckDigit,
    /// It is a published number for tests, and the operator does not want those.
    TestCard,
    /// It stands under a name under which the operator says that there are no cards.
    IgnoredName,
    /// Its name, its layout and its range together do not speak for a card.
    WeakEvidence,
}

/// What the evidence is worth.
const DEFAULT_TIER: i8 = 2;
const EXTENDED_TIER: i8 = 0;
const CANONICAL: i8 = 1;
const LOOSE: i8 = -2;
const TEST_CARD: i8 = 2;
const RECORD: i8 = 1;
const TRACK: i8 = 4;
const SCIENTIFIC: i8 = 3;
const LISTED: i8 = -2;

/// From this context on a UnionPay number may have a wrong check digit: some were issued so.
const NAMED_UNIONPAY: i8 = 4;

/// An identifier of an advertising network, `pub-` and 16 digits, is no card unless something says so.
const PUBLISHER: &[u8] = b"pub-";
const PUBLISHER_SCORE: i8 = -4;
const PUBLISHER_CONTEXT: i8 = 3;

/// True when these could be the digits of a card, whatever stands around them.
#[inline(always)]
pub fn is_possible(digits: &Digits) -> bool {
    brand::may_issue(digits) && may_be_issued(digits)
}

fn may_be_issued(digits: &Digits) -> bool {
    let checks = luhn::is_valid(digits);
    (checks || brand::may_be_unionpay(digits))
        && brand::identify(digits).is_some_and(|(brand, _)| checks || brand == Brand::UnionPay)
}

/// Decides whether `candidate` is a card number by `criteria`. `far` is what it is called from afar.
pub fn judge(candidate: &Candidate<'_>, criteria: &Criteria, far: &EnclosingNames) -> Verdict {
    let evidence = match weigh(candidate, criteria, far) {
        Ok(evidence) => evidence,
        Err(verdict) => return verdict,
    };
    let threshold = criteria.threshold();
    let score = evidence.score();
    if score >= threshold {
        return verdict(candidate, criteria, &evidence, score);
    }
    if evidence.context >= 0 && evidence.record == 0 && score.saturating_add(RECORD) >= threshold {
        let (after, complete) = candidate.after();
        if !complete {
            return Verdict::Open;
        }
        if context::evidence_follows(after) {
            return verdict(candidate, criteria, &evidence, score.saturating_add(RECORD));
        }
    }
    Verdict::NotPan(Why::WeakEvidence)
}

/// The verdict on `candidate`, now that it is a card by `score`.
fn verdict(candidate: &Candidate<'_>, criteria: &Criteria, evidence: &Evidence, score: i8) -> Verdict {
    let pan = evidence.pan(score);
    if criteria.authentication_data.is_none() {
        return Verdict::Pan(pan);
    }
    let (after, complete) = candidate.after();
    match candidate.shape() {
        Shape::Track2Equivalent(rest) if after.len() < rest && !complete => Verdict::Open,
        Shape::Track2Equivalent(rest) => Verdict::Track(pan, rest.min(after.len())),
        _ if evidence.in_track => match track::rest(after, complete) {
            None => Verdict::Open,
            Some(0) => Verdict::Pan(pan),
            Some(rest) => Verdict::Track(pan, rest),
        },
        _ => Verdict::Pan(pan),
    }
}

/// What speaks for and against `candidate`, when nothing about it decides by itself.
pub fn weigh(candidate: &Candidate<'_>, criteria: &Criteria, far: &EnclosingNames) -> Result<Evidence, Verdict> {
    let digits = candidate.digits();
    let Some((brand, tier)) = brand::identify(digits) else { return Err(Verdict::NotPan(Why::Issuer)) };
    if digits.ascii().windows(2).all(|pair| pair.first() == pair.last()) {
        return Err(Verdict::NotPan(Why::Repeated));
    }
    let checks = luhn::is_valid(digits);
    let may_lack = brand == Brand::UnionPay && candidate.shape().may_lack_check_digit();
    if !checks && !may_lack {
        return Err(Verdict::NotPan(Why::CheckDigit));
    }
    let known = test_cards::is_test_card(digits);
    if known && !criteria.test_cards {
        return Err(Verdict::NotPan(Why::TestCard));
    }
    let tier = criteria.tier(brand, tier);
    let mut evidence = Evidence::of(brand, digits.len());
    if matches!(candidate.shape(), Shape::ApplicationPan | Shape::Track2Equivalent(_)) {
        return Ok(Evidence { beside: TRACK, ..evidence });
    }
    let before = candidate.before();
    match boundary::surroundings(candidate, &before) {
        Surroundings::Object(Why::GluedToLetter | Why::Fraction) if criteria.luhn_only => {}
        Surroundings::Object(why) => return Err(Verdict::NotPan(why)),
        Surroundings::Open => return Err(Verdict::Open),
        Surroundings::Track => evidence.in_track = true,
        Surroundings::Weigh(weight) => evidence.beside = weight,
    }
    match context::called(&before, far, &criteria.names) {
        NameEvidence::Ignored => return Err(Verdict::NotPan(Why::IgnoredName)),
        NameEvidence::Weighs(_) if evidence.in_track && checks => return Ok(Evidence { beside: TRACK, ..evidence }),
        NameEvidence::Weighs(score) => evidence.context = score,
    }
    if candidate.shape() == Shape::Scientific {
        let is_card = evidence.context >= name::CARD || (tier == Tier::Default && evidence.context > 0);
        let evidence = Evidence { layout: SCIENTIFIC, context: 0, ..evidence };
        return if is_card { Ok(evidence) } else { Err(Verdict::NotPan(Why::WeakEvidence)) };
    }
    if !checks && (evidence.context < NAMED_UNIONPAY || !may_lack_check_digit(digits.ascii())) {
        return Err(Verdict::NotPan(Why::CheckDigit));
    }
    if candidate.shape() == Shape::Bare {
        let (after, complete) = candidate.after();
        match context::is_listed(&before, after) {
            Some(true) => evidence.beside = evidence.beside.saturating_add(LISTED),
            None if !complete => return Err(Verdict::Open),
            Some(false) | None => {}
        }
    }
    evidence.range = if checks && tier == Tier::Default { DEFAULT_TIER } else { EXTENDED_TIER };
    evidence.layout = match candidate.shape() {
        Shape::Canonical => CANONICAL,
        Shape::Loose => LOOSE,
        // That the groups are right is all that speaks for it.
        Shape::Spread => DEFAULT_TIER.saturating_sub(evidence.range),
        _ => 0,
    };
    evidence.known = if known && candidate.shape() != Shape::Spread {
        TEST_CARD
    } else if before.ends_with(PUBLISHER) && evidence.context < PUBLISHER_CONTEXT {
        PUBLISHER_SCORE
    } else {
        0
    };
    if evidence.context >= 0 && context::evidence_precedes(&before) {
        evidence.record = RECORD;
    }
    Ok(evidence)
}

impl Shape {
    /// True when groups and names tell what it is, and a check digit need not.
    fn may_lack_check_digit(self) -> bool {
        matches!(self, Self::Bare | Self::Canonical | Self::Loose | Self::DigitByDigit)
    }
}

impl Evidence {
    fn of(brand: Brand, length: usize) -> Self {
        Self { brand, length, range: 0, layout: 0, beside: 0, context: 0, known: 0, record: 0, in_track: false }
    }

    /// The sum.
    pub fn score(&self) -> i8 {
        let parts = [self.range, self.layout, self.beside, self.context, self.known, self.record];
        parts.into_iter().fold(0, i8::saturating_add)
    }

    fn pan(&self, score: i8) -> Pan {
        Pan { brand: self.brand, length: u8::try_from(self.length).unwrap_or(u8::MAX), score }
    }
}

/// True when a UnionPay number may have been issued with this wrong check digit. One with zeros where a mask leaves them in a
/// bare JSON number is taken for such a mask.
fn may_lack_check_digit(digits: &[u8]) -> bool {
    digits.len() >= UNIONPAY_SHORTEST && digits.get(8..11) != Some(b"000")
}

/// The fewest digits of a UnionPay number.
const UNIONPAY_SHORTEST: usize = 16;

impl Sensitivity {
    /// The score from which on a candidate is a card.
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
    use crate::scan::{Starts, Step, View};

    /// The verdict on the longest candidate that begins at the first group start of `text`.
    fn verdict(text: &str) -> Verdict {
        let mut starts = Starts::new(View::new(b"", text.as_bytes(), true, b'*'));
        while let Step::Start(windows) = starts.advance() {
            if let Some(candidate) = windows.last() {
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
    fn each_objection_has_its_reason() {
        for (text, why) in [
            ("4111111111111112", Why::CheckDigit),
            ("1748503543012", Why::Issuer),
            ("9999999999999999", Why::Issuer),
            ("4444444444444444", Why::Repeated),
            ("4111111111111111e", Why::GluedToLetter),
            ("x4111111111111111", Why::GluedToLetter),
            ("0.4111111111111111", Why::Fraction),
            ("4111111111111111.25", Why::Fraction),
            ("4111-1111-1111-1111-1", Why::LongerNumber),
            ("4242-4242-4242-4242-1", Why::LongerNumber),
            ("DE89 4111 1111 1111 1111", Why::LongerNumber),
        ] {
            assert_eq!(verdict_on_card(text), Verdict::NotPan(why), "{text}");
        }
    }

    /// The verdict on the 13- to 16-digit candidate of `text` that the case is about: the first of an issuer, or else
    /// the first.
    fn verdict_on_card(text: &str) -> Verdict {
        let mut starts = Starts::new(View::new(b"", text.as_bytes(), true, b'*'));
        let mut first = None;
        while let Step::Start(windows) = starts.advance() {
            for verdict in windows.map(|candidate| judge(&candidate, &Criteria::default(), &EnclosingNames::default()))
            {
                if verdict != Verdict::NotPan(Why::Issuer) {
                    return verdict;
                }
                first = first.or(Some(verdict));
            }
        }
        first.expect("a candidate")
    }

    #[test]
    fn neighbours_that_say_nothing_do_not_object() {
        for text in
            ["2026 4111 1111 1111 1111", "4111 1111 1111 1111 12/26", "4111111111111111.00", "卡4111111111111111号"]
        {
            assert!(matches!(verdict_on_card(text), Verdict::Pan(_)), "{text}");
        }
    }
}
