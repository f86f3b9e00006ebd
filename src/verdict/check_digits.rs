//! Check digits of numbers, for the policy's patterns.
//!
//! A pattern may match several lengths at one position. One pass over the bytes decides at which of them the number is valid.

named! {
    /// A method of check digits.
    pub enum Check {
        /// Luhn (ISO/IEC 7812-1, annex B): card numbers, IMEIs, national numbers.
        Luhn = "luhn",
        /// IBAN (ISO 13616-1): the length of its country, and MOD 97-10 of ISO/IEC 7064.
        Iban = "iban",
        /// Routing number of banks in the USA (American Bankers Association): nine digits with the weights 3, 7 and 1.
        Aba = "aba",
        /// Verhoeff ("Error Detecting Decimal Codes", 1969): Aadhaar numbers.
        Verhoeff = "verhoeff",
    }
}

impl Check {
    /// The last of the ascending `ends` at which the number in `text` is valid. The number consists of the digits before the end,
    /// and in an IBAN of the letters too. Other characters do not count.
    pub fn longest(self, text: &[u8], ends: impl Iterator<Item = usize>) -> Option<usize> {
        match self {
            Self::Luhn => longest(Luhn::default(), text, ends),
            Self::Iban => longest(Iban::default(), text, ends),
            Self::Aba => longest(Aba::default(), text, ends),
            Self::Verhoeff => longest(Verhoeff::default(), text, ends),
        }
    }
}

/// The state of a check after some characters of a number.
trait State {
    /// Adds a letter or digit, with its value from 0 to 35.
    fn push(&mut self, value: u8);

    /// True if the characters up to now are a valid number.
    fn is_valid(&self) -> bool;
}

fn longest(mut state: impl State, text: &[u8], ends: impl Iterator<Item = usize>) -> Option<usize> {
    let (mut read, mut longest) = (0, None);
    for end in ends {
        for byte in text.get(read..end).unwrap_or_default() {
            if let Some(value) = char::from(*byte).to_digit(36).and_then(|value| u8::try_from(value).ok()) {
                state.push(value);
            }
        }
        read = end;
        if state.is_valid() {
            longest = Some(end);
        }
    }
    longest
}

/// True for the value of a digit.
fn is_digit(value: u8) -> bool {
    value < 10
}

/// The Luhn sums, modulo 10, if the last digit counts once, and if it counts twice.
#[derive(Default)]
struct Luhn {
    once: u8,
    twice: u8,
    len: usize,
}

impl State for Luhn {
    fn push(&mut self, value: u8) {
        if is_digit(value) {
            let doubled = value.wrapping_mul(2);
            let doubled = if doubled > 9 { doubled.wrapping_sub(9) } else { doubled };
            let once = self.twice.wrapping_add(value) % 10;
            self.twice = self.once.wrapping_add(doubled) % 10;
            self.once = once;
            self.len = self.len.saturating_add(1);
        }
    }

    fn is_valid(&self) -> bool {
        self.len > 1 && self.once == 0
    }
}

/// The country and the check digits of an IBAN, and the remainder of the characters after them.
#[derive(Default)]
struct Iban {
    head: [u8; 4],
    rest: u32,
    len: usize,
}

impl Iban {
    /// The remainder of a number with the remainder `rest`, followed by `value`.
    fn followed_by(rest: u32, value: u8) -> u32 {
        let shift = if is_digit(value) { 10 } else { 100 };
        rest.wrapping_mul(shift).wrapping_add(u32::from(value)) % 97
    }
}

impl State for Iban {
    fn push(&mut self, value: u8) {
        match self.head.get_mut(self.len) {
            Some(slot) => *slot = value,
            None => self.rest = Self::followed_by(self.rest, value),
        }
        self.len = self.len.saturating_add(1);
    }

    fn is_valid(&self) -> bool {
        let [first, second, ..] = self.head.map(|value| value.wrapping_sub(10).wrapping_add(b'A'));
        let country = IBAN_LENGTHS.iter().find(|(country, _)| country[..] == [first, second]);
        let is_number = self.head.iter().skip(2).all(|value| is_digit(*value));
        country.is_some_and(|(_, len)| usize::from(*len) == self.len)
            && is_number
            && self.head.iter().fold(self.rest, |rest, value| Self::followed_by(rest, *value)) == 1
    }
}

/// The length of an IBAN by country: SWIFT's IBAN registry, release 101.
#[rustfmt::skip]
const IBAN_LENGTHS: [(&[u8; 2], u8); 89] = [
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16), (b"BG", 22), (b"BH", 22),
    (b"BI", 27), (b"BR", 29), (b"BY", 28), (b"CH", 21), (b"CR", 22), (b"CY", 28), (b"CZ", 24), (b"DE", 22), (b"DJ", 27),
    (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18), (b"FK", 18), (b"FO", 18), (b"FR", 27),
    (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18), (b"GR", 27), (b"GT", 28), (b"HN", 28), (b"HR", 21), (b"HU", 28),
    (b"IE", 22), (b"IL", 23), (b"IQ", 23), (b"IS", 26), (b"IT", 27), (b"JO", 30), (b"KW", 30), (b"KZ", 20), (b"LB", 28),
    (b"LC", 32), (b"LI", 21), (b"LT", 20), (b"LU", 20), (b"LV", 21), (b"LY", 25), (b"MC", 27), (b"MD", 24), (b"ME", 22),
    (b"MK", 19), (b"MN", 20), (b"MR", 27), (b"MT", 31), (b"MU", 30), (b"NI", 28), (b"NL", 18), (b"NO", 15), (b"OM", 23),
    (b"PK", 24), (b"PL", 28), (b"PS", 29), (b"PT", 25), (b"QA", 29), (b"RO", 24), (b"RS", 22), (b"RU", 33), (b"SA", 24),
    (b"SC", 31), (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24), (b"SM", 27), (b"SO", 23), (b"ST", 25), (b"SV", 28),
    (b"TL", 23), (b"TN", 24), (b"TR", 26), (b"UA", 29), (b"VA", 22), (b"VG", 24), (b"XK", 20), (b"YE", 30),
];

/// The weighted sum of a routing number.
#[derive(Default)]
struct Aba {
    sum: u32,
    len: usize,
}

impl State for Aba {
    fn push(&mut self, value: u8) {
        if is_digit(value) {
            let weight = [3, 7, 1].get(self.len % 3).copied().unwrap_or_default();
            self.sum = self.sum.wrapping_add(u32::from(value).wrapping_mul(weight));
            self.len = self.len.saturating_add(1);
        }
    }

    fn is_valid(&self) -> bool {
        self.len == 9 && self.sum > 0 && self.sum.is_multiple_of(10)
    }
}

/// The Verhoeff product of the digits for each position of the last one, counted from the end of the number.
#[derive(Default)]
struct Verhoeff {
    products: [u8; 8],
    len: usize,
}

impl State for Verhoeff {
    fn push(&mut self, value: u8) {
        if is_digit(value) {
            // With a further digit, all others are one position further from the end.
            self.products.rotate_left(1);
            for (product, permutation) in self.products.iter_mut().zip(&PERMUTATIONS) {
                let permuted = permutation.get(usize::from(value)).copied().unwrap_or_default();
                *product = times(permuted, *product);
            }
            self.len = self.len.saturating_add(1);
        }
    }

    fn is_valid(&self) -> bool {
        self.len > 1 && self.products.first() == Some(&0)
    }
}

/// The product of two elements of the dihedral group D5.
fn times(a: u8, b: u8) -> u8 {
    let (a_turn, b_turn) = (a % 5, b % 5);
    let turn = if a < 5 { a_turn.wrapping_add(b_turn) } else { a_turn.wrapping_add(5).wrapping_sub(b_turn) } % 5;
    if (a < 5) == (b < 5) { turn } else { turn.wrapping_add(5) }
}

/// Verhoeff's permutations of a digit, by its position from the end.
const PERMUTATIONS: [[u8; 10]; 8] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
    [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
    [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
    [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
    [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
    [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
    [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_valid(check: Check, number: &str) -> bool {
        check.longest(number.as_bytes(), std::iter::once(number.len())).is_some()
    }

    /// The numbers are from the Python package stdnum 2.2, which implements the same standards.
    #[test]
    fn numbers_of_another_implementation_are_valid() {
        let ibans = [
            "AD81526018153WD25RQ4F5ZR AE020913909960308246281 AL2994821993N6Z43DVYRKTTNJFB AT263194875749118625",
            "AZ92EPNB4ZKLMVT45HU43JSIOM1T BA715291703423667127 BE18684268465632 BG31CFEH307924I09QYNK8",
            "BH51WQTU3TZPPPP6UP3C4D BI2472159010928159013962459 BR1357117777412154728038528AX BY89J5GX5253YYWLECFPECXVM11H",
            "CH3874395SMN5E6EUCLDU CR92990751163726516761 CY2622202972UM9ZZ8106X8RCD1G CZ7534839548620579868282",
            "DE03880729022279180588 DJ9887180334018780175989834 DK3278878384837261 DO97PSK436134125242731672326",
            "EE878656355150587706 EG815894811311440242646288975 ES2714026140141931417058 FI9064920831240234",
            "FK89UJ834782450400 FO7108838737167868 FR20433532650204GRA35OWIF40 GB67OFFI70455853043520",
            "GE73KM1748338014126906 GI56AJJUE5X9OKV9I92WRW8 GL3888909310025167 GR8080083740T4WY5X4UG4GFDET",
            "GT79VO4UI2C49LGJ80U3VH6DVIXI HN07OOOY18341704718746331912 HR0984529841537760207 HU07764265651505561304451669",
            "IE40CLNY40410423468535 IL116068831067924708227 IQ23NKJJ446347861221387 IS958375762833125815354930",
            "IT93X6668364507HN8WXD5HFOPS JO25NJAE0679V04PXTSF6E99X6T5Z2 KW09AZEH2J8GXR764JXCOGE00YJTHK KZ81378FZF1QJ31CVQ5G",
            "LB963653V2LQNPC0IW4DVCJCETEG LC15YJDTVBEVQ39P3D19Q33BPSK75ALC LI1228704ONLSA605H5MQ LT061836546107358735",
            "LU02570QFP2O2T43GC4L LV15LIKT2GKHJ041E6UTO LY67467272042935575918362 MC72361078852664G5D6QVSBE26",
            "MD96TFY7IIHHNGGCSFBFF9IC ME15516438831701073750 MK814313CC4NWBSG019 MN439530552034093056",
            "MR8752941307871616828126464 MT95VJNB495661NCPPD0RAR75PNTA80 MU24BREU6199582254282116734EBP NI93KBTU61923969372930682651",
            "NL88EHXG0805169784 NO9364936657872 OM65009VTFSTBUP648MRN5S PK54QQVB285KW53WO8147C8V",
            "PL53423159425947248739498355 PS80BGFMAHKOAG7X3NSZX6GYPNGON PT72925517329048449500324 QA70TUNNWN38VE2130MJ6XMYEQJ8D",
            "RO92LTPF80F9S649HPG03ZMS RS89987320008062320109 RU8783263898692841J3UY0ORT5SBE6GE SA1401LG3HZRXGID5W0AGFCA",
            "SC28XKGM59368778006394369919FEB SD4801192520002010 SE4519538161333100147121 SI40345564054405598",
            "SK7174906068157089319426 SM22A8340057172VMWGAIDEVA75 SO377815516616053446882 ST72637289905958278527749",
            "SV30HEKO38344922359852353412 TL311362244643114367006 TN9863847024960369963932 TR22176541QFPAGRUT1QXBK0OV",
            "UA42104832CXM6TYDUW1NXLQTDBPW VA53195044660016659413 VG19JXMQ3673221378325674 XK728275346462704534",
            "YE32KPPN9152JO35K8XM00D4IG69EB",
        ];
        let ibans: Vec<&str> = ibans.iter().flat_map(|line| line.split(' ')).collect();
        let countries: Vec<&[u8]> = ibans.iter().map(|iban| &iban.as_bytes()[..2]).collect();
        assert_eq!(countries, IBAN_LENGTHS.map(|(country, _)| &country[..]));
        let verhoeff =
            ["27", "918", "417773", "631706690", "074391500083", "5337406812415863", "834497869073662585177"];
        let aba = ["028128650", "117070499", "329962285", "613038838", "806859578"];
        let luhn = ["490154203237518", "79927398713", "18"];
        for (check, numbers) in
            [(Check::Iban, &ibans[..]), (Check::Verhoeff, &verhoeff), (Check::Aba, &aba), (Check::Luhn, &luhn)]
        {
            for number in numbers {
                assert!(is_valid(check, number), "{check:?} {number}");
                for (position, byte) in number.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
                    let mut changed = number.as_bytes().to_vec();
                    changed[position] = if byte == b'9' { b'0' } else { byte + 1 };
                    let changed = String::from_utf8(changed).unwrap();
                    assert!(!is_valid(check, &changed), "{check:?} {changed}");
                }
            }
        }
    }

    #[test]
    fn numbers_of_other_lengths_and_forms_are_invalid() {
        for (check, number) in [
            (Check::Luhn, ""),
            (Check::Luhn, "0"),
            (Check::Verhoeff, "0"),
            (Check::Verhoeff, "ab"),
            (Check::Aba, "000000000"),
            (Check::Aba, "0281286500"),
            (Check::Aba, "28128650"),
            (Check::Iban, ""),
            (Check::Iban, "DE"),
            // Remainder 1 with a length or a country that the registry does not have.
            (Check::Iban, "DE2337040044053201300"),
            (Check::Iban, "AB12ORDERNUMBER77SHIPPED"),
            (Check::Iban, "ZZ9837040044053201300000"),
            (Check::Iban, "1189370400440532013000"),
        ] {
            assert!(!is_valid(check, number), "{check:?} {number}");
        }
    }

    #[test]
    fn separators_do_not_count() {
        assert!(is_valid(Check::Iban, "DE89 3704 0044 0532 0130 00"));
        assert!(is_valid(Check::Iban, "de89-3704-0044-0532-0130-00"));
        assert!(is_valid(Check::Luhn, "IMEI 49-015420-323751-8"));
        assert!(is_valid(Check::Aba, "0281-2865-0"));
    }

    #[test]
    fn the_longest_valid_end_counts() {
        let text = b"DE89 3704 0044 0532 0130 00 EUR 100";
        let longest = |ends: &[usize]| Check::Iban.longest(text, ends.iter().copied());
        assert_eq!(longest(&[22, 25, 27, 31, 35]), Some(27));
        assert_eq!(longest(&[22, 25]), None);
        assert_eq!(longest(&[]), None);
    }

    proptest! {
        #[test]
        fn luhn_agrees_with_the_luhn_crate(number in "[0-9]{2,40}") {
            prop_assert_eq!(is_valid(Check::Luhn, &number), luhn::valid(&number));
        }

        /// Verhoeff's scheme finds every single error and every transposition of neighbours.
        #[test]
        fn verhoeff_finds_transpositions(number in "[0-9]{1,30}", at in any::<prop::sample::Index>()) {
            let number = (0..10).map(|digit| format!("{number}{digit}")).find(|number| is_valid(Check::Verhoeff, number));
            let number = number.unwrap();
            let mut swapped = number.clone().into_bytes();
            let at = at.index(swapped.len() - 1);
            swapped.swap(at, at + 1);
            let swapped = String::from_utf8(swapped).unwrap();
            prop_assert!(swapped == number || !is_valid(Check::Verhoeff, &swapped));
        }
    }
}
