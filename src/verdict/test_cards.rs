//! Card numbers that payment providers publish for testing.

use crate::scan::Digits;

/// True if the number is a published test number.
pub fn is_test_card(digits: &Digits) -> bool {
    is_test_number(digits.ascii())
}

/// True if the ASCII digits are a published test number.
pub fn is_test_number(digits: &[u8]) -> bool {
    let add = |value: u64, digit: &u8| value.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')));
    TEST_CARDS.binary_search(&digits.iter().fold(0, add)).is_ok()
}

/// Published test numbers, each with the provider whose documentation or test suite contains it.
#[rustfmt::skip]
const TEST_CARDS: [u64; 84] = [
    4_007_000_000_027,             // visa: Authorize.Net
    4_012_888_818_888,             // visa: Authorize.Net
    4_222_222_222_222,             // visa (13 digits): PayPal
    30_205_252_489_926,            // diners: NMI
    30_569_309_025_904,            // diners: PayPal, npm card packages
    36_227_206_271_667,            // diners: Stripe
    36_259_600_000_004,            // diners: Braintree
    38_000_000_000_006,            // diners: Authorize.Net
    38_520_000_023_237,            // diners: PayPal, npm card packages
    50_339_619_890_917,            // maestro: CyberSource
    135_412_345_678_911,           // uatp: CyberSource
    341_111_111_111_111,           // amex: NMI
    370_000_000_000_002,           // amex: Authorize.Net
    371_449_635_398_431,           // amex: PayPal
    378_282_246_310_005,           // amex: PayPal, npm card packages
    378_734_493_671_000,           // amex: PayPal, Braintree
    2_221_000_000_000_009,         // mastercard (2-series): Presidio
    2_222_420_000_001_113,         // mastercard: CyberSource
    2_222_630_000_001_125,         // mastercard: CyberSource
    2_223_000_048_400_011,         // mastercard: Braintree
    2_223_003_122_003_222,         // mastercard (2-series): Stripe
    3_056_930_009_020_004,         // diners (16 digits): Stripe
    3_088_000_000_000_017,         // jcb: Authorize.Net
    3_530_111_333_300_000,         // jcb: PayPal, npm card packages
    3_541_963_594_572_595,         // jcb: NMI
    3_566_002_020_360_505,         // jcb: PayPal
    3_566_111_111_111_113,         // jcb: CyberSource
    4_000_000_000_000_002,         // visa: Stripe
    4_000_000_000_000_010,         // visa: Stripe
    4_000_000_000_000_077,         // visa: Stripe
    4_000_000_000_000_093,         // visa: Stripe
    4_000_000_000_000_101,         // visa: Stripe
    4_000_000_000_003_220,         // visa: Stripe
    4_000_000_000_009_995,         // visa: Stripe
    4_000_056_655_665_556,         // visa: npm card packages
    4_005_519_200_000_004,         // visa: Braintree
    4_009_348_888_881_881,         // visa: Braintree
    4_012_000_033_330_026,         // visa: Braintree
    4_012_000_077_777_777,         // visa: Braintree
    4_012_888_888_881_881,         // visa: PayPal, Braintree
    4_111_111_111_111_111,         // visa: PayPal, npm card packages
    4_166_676_667_666_746,         // visa: Adyen
    4_217_651_111_111_119,         // visa: Braintree
    4_242_424_242_424_242,         // visa: npm card packages
    4_400_000_000_000_008,         // visa: Adyen
    4_444_333_322_221_111,         // visa: Adyen
    4_500_600_000_000_061,         // visa: Braintree
    4_622_943_127_013_705,         // visa: CyberSource
    4_646_464_646_464_644,         // visa: Adyen
    4_977_949_494_949_497,         // visa: Adyen
    4_988_438_843_884_305,         // visa: Adyen
    5_019_717_010_103_742,         // dankort: PayPal, npm card packages
    5_066_991_111_111_118,         // elo: Braintree
    5_100_081_112_223_332,         // mastercard: Adyen
    5_100_290_029_002_909,         // mastercard: Adyen
    5_105_105_105_105_100,         // mastercard: PayPal, Braintree, npm card packages
    5_136_333_333_333_335,         // mastercard: Adyen
    5_200_828_282_828_210,         // mastercard: npm card packages
    5_424_000_000_000_015,         // mastercard: Adyen
    5_431_111_111_111_111,         // mastercard: NMI
    5_500_000_000_000_004,         // mastercard: Adyen
    5_555_444_433_331_111,         // mastercard: Adyen
    5_555_555_555_554_444,         // mastercard: PayPal, Braintree, npm card packages
    5_577_000_055_770_004,         // mastercard: Adyen
    5_585_558_555_855_583,         // mastercard: Adyen
    5_610_591_081_018_250,         // maestro: PayPal
    5_641_821_111_166_669,         // maestro: CyberSource
    6_011_000_000_000_012,         // discover: Authorize.Net
    6_011_000_990_139_424,         // discover: PayPal, Braintree
    6_011_000_991_300_009,         // discover: NMI
    6_011_111_111_111_117,         // discover: PayPal, Braintree
    6_011_981_111_111_113,         // discover: Stripe
    6_200_000_000_000_005,         // unionpay: Stripe
    6_200_000_000_000_047,         // unionpay: Stripe
    6_304_000_000_000_000,         // maestro: Braintree
    6_331_101_999_990_016,         // maestro: PayPal
    6_555_900_000_604_105,         // discover: Stripe
    6_759_411_100_000_008,         // maestro: CyberSource
    6_759_649_826_438_453,         // maestro: npm card packages
    586_824_160_825_533_338,       // maestro: CyberSource
    4_917_610_000_000_000_003,     // visa (19 digits): npm card packages
    6_205_500_000_000_000_004,     // unionpay (19 digits): Stripe
    6_759_560_045_005_727_054,     // maestro: CyberSource
    6_799_990_100_000_000_019,     // maestro: NMI
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::luhn;

    #[test]
    fn the_list_is_sorted_and_every_check_digit_right() {
        assert!(TEST_CARDS.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(TEST_CARDS.iter().all(|number| luhn::is_valid_ascii(number.to_string().as_bytes())));
    }
}
