//! Card brands and their IIN ranges.

use crate::scan::Digits;
use crate::scan::mutation::is_disabled;

named! {
    /// The brand that an IIN range belongs to.
    #[derive(PartialOrd, Ord)]
    pub enum Brand {
        /// Visa.
        Visa = "visa",
        /// Mastercard, 5- and 2-series.
        Mastercard = "mastercard",
        /// American Express.
        Amex = "amex",
        /// Discover.
        Discover = "discover",
        /// Diners Club.
        Diners = "diners",
        /// JCB.
        Jcb = "jcb",
        /// UnionPay. The prefixes 81 and 82 are shared with RuPay.
        UnionPay = "unionpay",
        /// Maestro and Dankort.
        Maestro = "maestro",
        /// Mir.
        Mir = "mir",
        /// Troy.
        Troy = "troy",
        /// Elo.
        Elo = "elo",
        /// Hipercard and Hiper.
        Hipercard = "hipercard",
        /// Verve.
        Verve = "verve",
        /// RuPay.
        RuPay = "rupay",
        /// UATP.
        Uatp = "uatp",
        /// Napas.
        Napas = "napas",
        /// Uzcard.
        Uzcard = "uzcard",
        /// Humo.
        Humo = "humo",
        /// Borica.
        Borica = "borica",
        /// A national scheme: mada, Belkart, ArCa, Elcart, Prostir, GPN and others.
        Other = "other",
    }
}

/// The evidence that the numbers of an IIN range need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// IIN range, length and Luhn are sufficient evidence at the default sensitivity.
    Default,
    /// Other evidence is required, because ordinary numbers share this range or length.
    Extended,
    /// The range is that of all issuers of a country. Only the name of a card is sufficient evidence.
    Named,
}

impl Brand {
    /// The brands with ranges of their own: all but [`Self::Other`].
    pub const WITH_RANGES: &'static [Self] = {
        const ALL: &[Brand] = &Brand::ALL;
        match ALL.split_last() {
            Some((_, with_ranges)) => with_ranges,
            None => ALL,
        }
    };
}

/// The brand whose IIN ranges contain the first six digits for this length. The default tier takes precedence.
pub fn identify(digits: &Digits) -> Option<(Brand, Tier)> {
    if !may_issue(digits) {
        return None;
    }
    let (leading, length) = (digits.leading_six(), digits.len());
    let after = ISSUERS.partition_point(|issuer| issuer.first <= leading);
    let issuer = after.checked_sub(1).and_then(|index| ISSUERS.get(index));
    if let Some(issuer) =
        issuer.filter(|issuer| issuer.issues(leading, length) && !is_disabled("brand", issuer.brand.as_str()))
    {
        return Some((issuer.brand, Tier::Default));
    }
    let first = digits.leading_two();
    if has_length(EXTENDED_BY_PREFIX.lengths(first), length)
        && let Some(issuer) = EXTENDED
            .iter()
            .find(|issuer| issuer.issues(leading, length) && !is_disabled("brand", issuer.brand.as_str()))
    {
        return Some((issuer.brand, Tier::Extended));
    }
    let national = NATIONAL.iter().find(|issuer| issuer.issues(leading, length) && !is_disabled("form", "national"));
    national.map(|issuer| (issuer.brand, Tier::Named))
}

/// Quick check for [`identify`]: false if no IIN range has this length and these first two digits.
#[inline]
pub fn may_issue(digits: &Digits) -> bool {
    let first = digits.leading_two();
    let lengths =
        ISSUERS_BY_PREFIX.lengths(first) | EXTENDED_BY_PREFIX.lengths(first) | NATIONAL_BY_PREFIX.lengths(first);
    has_length(lengths, digits.len())
}

fn has_length(lengths: u32, length: usize) -> bool {
    u32::try_from(length).is_ok_and(|length| lengths.checked_shr(length).is_some_and(|bits| bits & 1 == 1))
}

/// False if no UnionPay number begins with these two digits.
pub fn may_be_unionpay(digits: &Digits) -> bool {
    UNIONPAY.contains(&digits.leading_two())
}

/// The first two digits of UnionPay numbers.
const UNIONPAY: [usize; 3] = [62, 81, 82];

/// The lengths of card numbers by their first two digits, one bit per length. This quick check rejects most numbers.
struct LengthsByPrefix([u32; 100]);

static ISSUERS_BY_PREFIX: LengthsByPrefix = LengthsByPrefix::of(&ISSUERS);
static EXTENDED_BY_PREFIX: LengthsByPrefix = LengthsByPrefix::of(&EXTENDED);
static NATIONAL_BY_PREFIX: LengthsByPrefix = LengthsByPrefix::of(&NATIONAL);

/// The divisor that leaves the first two of six digits.
const AFTER_TWO: u32 = 10_000;

impl LengthsByPrefix {
    #[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "evaluated by the compiler")]
    const fn of(issuers: &[Issuer]) -> Self {
        let mut lengths = [0; 100];
        let mut index = 0;
        while index < issuers.len() {
            let issuer = &issuers[index];
            let mut first = issuer.first / AFTER_TWO;
            while first <= issuer.last / AFTER_TWO {
                lengths[first as usize] |= issuer.lengths;
                first += 1;
            }
            index += 1;
        }
        Self(lengths)
    }

    /// The lengths of numbers with these first two digits, one bit per length.
    fn lengths(&self, first: usize) -> u32 {
        self.0.get(first).copied().unwrap_or(0)
    }
}

/// A range of IINs, cut or padded to six digits, both ends included.
struct Issuer {
    first: u32,
    last: u32,
    brand: Brand,
    /// One bit per length.
    lengths: u32,
}

impl Issuer {
    fn issues(&self, leading: u32, length: usize) -> bool {
        self.first <= leading && leading <= self.last && has_length(self.lengths, length)
    }
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "evaluated by the compiler")]
const fn issuer(first: u32, last: u32, brand: Brand, all: &[usize]) -> Issuer {
    let (mut lengths, mut index) = (0, 0);
    while index < all.len() {
        lengths |= 1 << all[index];
        index += 1;
    }
    Issuer { first, last, brand, lengths }
}

/// The issuer ranges that need no other evidence than length and check digit, sorted and without overlap.
///
/// Sources, compared in 2026: *cct* = the npm package `credit-card-type` 10.3.0 (Braintree); *bin-cc* =
/// `cards-detailed.json` of bin-cc; *wiki* = Wikipedia, "Payment card number", table of November 2024.
#[rustfmt::skip]
const ISSUERS: [Issuer; 44] = [
    issuer(220_000, 220_499, Brand::Mir, &[16]),          // cct, bin-cc
    issuer(222_100, 272_099, Brand::Mastercard, &[16]),   // cct, bin-cc, wiki
    issuer(300_000, 305_999, Brand::Diners, &[14, 16]),   // cct
    issuer(308_800, 309_499, Brand::Jcb, &[16]),          // wiki; Authorize.Net's test number
    issuer(309_500, 309_599, Brand::Diners, &[14, 16]),   // cct, wiki
    issuer(309_600, 310_299, Brand::Jcb, &[16]),          // wiki
    issuer(311_200, 312_099, Brand::Jcb, &[16]),          // wiki
    issuer(315_800, 315_999, Brand::Jcb, &[16]),          // wiki
    issuer(333_700, 334_999, Brand::Jcb, &[16]),          // wiki
    issuer(340_000, 349_999, Brand::Amex, &[15]),         // cct, bin-cc, wiki
    issuer(352_800, 358_999, Brand::Jcb, &[16]),          // cct, bin-cc; 353 and 356 are shared with RuPay
    issuer(360_000, 369_999, Brand::Diners, &[14, 16]),   // cct
    issuer(370_000, 379_999, Brand::Amex, &[15]),         // cct, bin-cc, wiki
    issuer(380_000, 399_999, Brand::Diners, &[14, 16]),   // cct
    issuer(400_000, 499_999, Brand::Visa, &[16]),         // cct, bin-cc, wiki
    issuer(501_800, 502_099, Brand::Maestro, &[16]),      // cct; 5019 is Dankort
    issuer(503_800, 503_899, Brand::Maestro, &[16]),      // cct
    issuer(506_099, 506_198, Brand::Verve, &[16, 19]),    // cct
    issuer(506_699, 506_778, Brand::Elo, &[16]),          // cct, bin-cc
    issuer(507_865, 507_964, Brand::Verve, &[16, 19]),    // cct
    issuer(508_500, 508_999, Brand::RuPay, &[16]),        // bin-cc
    issuer(509_000, 509_999, Brand::Elo, &[16]),          // cct, bin-cc
    issuer(510_000, 559_999, Brand::Mastercard, &[16]),   // cct, bin-cc, wiki
    issuer(560_000, 589_999, Brand::Maestro, &[16]),      // cct
    issuer(601_100, 601_199, Brand::Discover, &[16]),     // cct, bin-cc
    issuer(606_282, 606_282, Brand::Hipercard, &[16]),    // cct
    issuer(606_900, 608_999, Brand::RuPay, &[16]),        // bin-cc
    issuer(620_000, 629_999, Brand::UnionPay, &[16, 19]), // cct, bin-cc
    issuer(630_400, 630_499, Brand::Maestro, &[16]),      // cct
    issuer(636_297, 636_297, Brand::Elo, &[16]),          // cct, bin-cc
    issuer(636_368, 636_368, Brand::Elo, &[16]),          // cct, bin-cc
    issuer(637_095, 637_095, Brand::Hipercard, &[16]),    // cct
    issuer(637_568, 637_568, Brand::Hipercard, &[16]),    // cct
    issuer(637_599, 637_599, Brand::Hipercard, &[16]),    // cct
    issuer(637_609, 637_609, Brand::Hipercard, &[16]),    // cct
    issuer(637_612, 637_612, Brand::Hipercard, &[16]),    // cct
    issuer(644_000, 649_999, Brand::Discover, &[16]),     // cct, bin-cc
    issuer(650_000, 659_999, Brand::Discover, &[16]),     // cct, bin-cc
    issuer(675_900, 675_999, Brand::Maestro, &[16]),      // cct
    issuer(676_100, 676_399, Brand::Maestro, &[16]),      // cct
    issuer(676_800, 676_899, Brand::Maestro, &[16]),      // cct
    issuer(677_100, 677_199, Brand::Maestro, &[16]),      // cct
    issuer(810_000, 829_999, Brand::UnionPay, &[16]),     // bin-cc (RuPay 81, 82), cct (UnionPay 81)
    issuer(979_200, 979_299, Brand::Troy, &[16]),         // cct, bin-cc
];

/// Ranges and lengths that ordinary numbers share: without other evidence, EAN codes, device numbers and timestamps would be false
/// positives. Narrower ranges come first. The sources are those of [`ISSUERS`].
#[rustfmt::skip]
const EXTENDED: [Issuer; 22] = [
    issuer(180_000, 180_099, Brand::Jcb, &[15]),                                 // cct
    issuer(100_000, 199_999, Brand::Uatp, &[15]),                                // wiki
    issuer(213_100, 213_199, Brand::Jcb, &[15]),                                 // cct
    issuer(220_000, 220_499, Brand::Mir, &[17, 18, 19]),                         // cct, bin-cc
    issuer(220_500, 220_599, Brand::Borica, &[16]),                              // wiki
    issuer(300_000, 305_999, Brand::Diners, &[15, 17, 18, 19]),                  // cct
    issuer(309_500, 309_599, Brand::Diners, &[15, 17, 18, 19]),                  // cct
    issuer(352_800, 358_999, Brand::Jcb, &[17, 18, 19]),                         // cct
    issuer(360_000, 369_999, Brand::Diners, &[15, 17, 18, 19]),                  // cct
    issuer(380_000, 399_999, Brand::Diners, &[15, 17, 18, 19]),                  // cct
    issuer(400_000, 499_999, Brand::Visa, &[13, 19]),                            // bin-cc, wiki
    issuer(561_400, 561_499, Brand::Uzcard, &[16]),                              // wiki
    issuer(601_100, 601_199, Brand::Discover, &[17, 18, 19]),                    // cct, bin-cc
    issuer(620_000, 629_999, Brand::UnionPay, &[17, 18]),                        // cct, bin-cc
    issuer(644_000, 659_999, Brand::Discover, &[17, 18, 19]),                    // cct, bin-cc
    issuer(810_000, 819_999, Brand::UnionPay, &[17, 18, 19]),                    // cct
    issuer(860_000, 860_099, Brand::Uzcard, &[16]),                              // wiki
    issuer(970_400, 970_499, Brand::Napas, &[16, 19]),                           // wiki
    issuer(986_000, 986_099, Brand::Humo, &[16]),                                // wiki
    issuer(500_000, 509_999, Brand::Maestro, &[12, 13, 14, 15, 16, 17, 18, 19]), // cct, bin-cc
    issuer(560_000, 589_999, Brand::Maestro, &[12, 13, 14, 15, 16, 17, 18, 19]), // cct, bin-cc
    issuer(600_000, 699_999, Brand::Maestro, &[12, 13, 14, 15, 16, 17, 18, 19]), // cct, bin-cc
];

/// Ranges of national schemes. In ISO/IEC 7812-1 a 9 and the numeric country code of ISO 3166-1, 004 to 894, precede the number
/// of an issuer: 9682 is Saudi Arabia (mada), 9112 Belarus (Belkart), 9051 Armenia (ArCa), 9417 Kyrgyzstan (Elcart), 9804 Ukraine
/// (Prostir). Indonesia's GPN has a range of its own.
#[rustfmt::skip]
const NATIONAL: [Issuer; 2] = [
    issuer(194_600, 194_699, Brand::Other, &[16]),
    issuer(900_400, 989_499, Brand::Other, &[13, 14, 15, 16, 17, 18, 19]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_free_of_overlap() {
        assert!(ISSUERS.iter().all(|issuer| issuer.first <= issuer.last && issuer.last <= 999_999));
        assert!(ISSUERS.windows(2).all(|pair| pair[0].last < pair[1].first));
    }

    #[test]
    fn the_prefix_tables_cover_every_range() {
        for (table, by_prefix) in [
            (&ISSUERS[..], &ISSUERS_BY_PREFIX),
            (&EXTENDED[..], &EXTENDED_BY_PREFIX),
            (&NATIONAL[..], &NATIONAL_BY_PREFIX),
        ] {
            for leading in (0..1_000_000).step_by(97) {
                for length in 0..32 {
                    let issues = table.iter().find(|issuer| issuer.issues(leading, length));
                    let first = leading as usize / 10_000;
                    assert!(issues.is_none() || by_prefix.lengths(first) >> length & 1 == 1, "{leading} {length}");
                    let unionpay = issues.is_some_and(|issuer| issuer.brand == Brand::UnionPay);
                    assert!(!unionpay || UNIONPAY.contains(&first), "{leading}");
                }
            }
            assert!(by_prefix.lengths(0) == 0 && by_prefix.lengths(99) == 0 && by_prefix.lengths(40) >> 12 & 1 == 0);
        }
    }

    #[test]
    fn every_brand_has_a_range_and_a_name_of_its_own() {
        for brand in Brand::ALL {
            assert!(ISSUERS.iter().chain(&EXTENDED).chain(&NATIONAL).any(|issuer| issuer.brand == brand), "{brand:?}");
            assert_eq!(Brand::ALL.iter().filter(|other| other.as_str() == brand.as_str()).count(), 1);
        }
    }
}
