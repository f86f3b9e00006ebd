//! Values for placeholders of identifiers, which resemble card numbers.

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;

use super::value::{count, digits, from};

/// Value for `{name:arguments}`. `None` when this module has no such placeholder.
pub(super) fn draw(name: &str, arguments: &str, rng: &mut ChaCha8Rng) -> Result<Option<String>> {
    Ok(Some(match name {
        "luhn" => checked(arguments, rng)?,
        "imei" => imei(rng),
        "imsi" => pad(one_of(&["26201", "310260", "46000", "23415", "40410"], rng), 15, rng),
        "iccid" => with_luhn(&pad(one_of(&["8949", "8901", "8944", "8986", "8991"], rng), 18, rng)),
        "ean13" => with_gs1(&pad(one_of(&["400", "501", "871", "978", "690", "301"], rng), 12, rng)),
        "gtin14" => with_gs1(&digits(13, rng)),
        "isbn13" => with_gs1(&pad("978", 12, rng)),
        "sscc" => with_gs1(&pad("3", 17, rng)),
        "iban" => iban(rng),
        "uuid" => uuid(4, rng),
        "uuid7" => uuid(7, rng),
        "digit_uuid" => group(&digits(32, rng), &[8, 4, 4, 4, 12], '-'),
        "ulid" => format!("01{}", from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24, rng)),
        "snowflake" => snowflake(rng),
        "ssn" => group(&digits(9, rng), &[3, 2, 4], '-'),
        "aadhaar" => group(&digits(12, rng), &[4, 4, 4], ' '),
        "cpf" => {
            let number = digits(11, rng);
            format!("{}.{}.{}-{}", &number[..3], &number[3..6], &number[6..9], &number[9..])
        }
        "phone" => phone(rng),
        "mobile" => pad(one_of(&["4917", "1202", "4479", "8613", "3361", "9198", "5511"], rng), 13, rng),
        "ip" => {
            let part = |rng: &mut ChaCha8Rng| rng.random_range(1..=254_u32);
            format!("{}.{}.{}.{}", part(rng), part(rng), part(rng), part(rng))
        }
        "mac" => group(&from(b"0123456789abcdef", 12, rng), &[2; 6], ':'),
        "float" => format!("{}.{}", rng.random_range(0..3_u32), digits(rng.random_range(14..=17_u32) as usize, rng)),
        "coordinate" => {
            let decimals = rng.random_range(5..=15_u32) as usize;
            format!("{}{}.{}", one_of(&["", "-"], rng), rng.random_range(0..180_u32), digits(decimals, rng))
        }
        "amount" => format!("{}.{:02}", rng.random_range(1..10_000_u32), rng.random_range(0..100_u32)),
        "version" => {
            format!("{}.{}.{}", rng.random_range(0..30_u32), rng.random_range(0..99_u32), rng.random_range(0..400_u32))
        }
        "bin" => one_of(&["411111", "555555", "378282", "601111", "222300", "353011", "620000"], rng).to_owned(),
        "masked" => masked(rng),
        _ => return Ok(None),
    }))
}

/// `{blob:300}`: random bytes in base64.
pub(super) fn blob(count: usize, rng: &mut ChaCha8Rng) -> String {
    let bytes: Vec<u8> = (0..count).map(|_| rng.random_range(0..=255_u8)).collect();
    BASE64_STANDARD.encode(bytes)
}

/// `{luhn:16}` and `{luhn:16 6006}`: digits that pass Luhn, with this prefix.
fn checked(arguments: &str, rng: &mut ChaCha8Rng) -> Result<String> {
    let (length, start) = arguments.split_once(' ').unwrap_or((arguments, ""));
    let length = count(length)?.checked_sub(1).context("no room for a check digit")?;
    let payload = if start.is_empty() { digits(length, rng) } else { pad(start, length, rng) };
    Ok(with_luhn(&payload))
}

fn one_of<'a>(choices: &[&'a str], rng: &mut ChaCha8Rng) -> &'a str {
    choices.choose(rng).copied().unwrap_or_default()
}

/// `start`, extended with random digits to `length`.
fn pad(start: &str, length: usize, rng: &mut ChaCha8Rng) -> String {
    format!("{start}{}", from(b"0123456789", length.saturating_sub(start.len()), rng))
}

fn with_luhn(payload: &str) -> String {
    format!("{payload}{}", char::from(luhn::checksum(payload.as_bytes())))
}

/// Appends the check digit of GS1: EAN, GTIN, ISBN-13, SSCC.
fn with_gs1(payload: &str) -> String {
    let weighted = payload.bytes().rev().zip([3, 1].into_iter().cycle());
    let sum: u32 = weighted.map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{payload}{}", (10 - sum % 10) % 10)
}

/// IMEI: 15 digits that pass Luhn, mostly without separators.
fn imei(rng: &mut ChaCha8Rng) -> String {
    with_luhn(&pad(one_of(&["35", "86", "01", "99"], rng), 14, rng))
}

/// IBAN with valid check digits (ISO 13616), without separators or in groups of four.
fn iban(rng: &mut ChaCha8Rng) -> String {
    let (country, length) =
        [("DE", 18), ("AT", 16), ("FR", 23), ("ES", 20), ("PL", 24)][rng.random_range(0..5_u32) as usize];
    let account = from(b"0123456789", length, rng);
    let values = country.bytes().map(|letter| u32::from(letter - b'A' + 10).to_string());
    let number = account.clone() + &values.collect::<String>() + "00";
    let rest = number.bytes().fold(0, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
    let iban = format!("{country}{:02}{account}", 98 - rest);
    if rng.random_bool(0.5) { iban } else { group(&iban, &[4; 8], ' ') }
}

fn uuid(version: u8, rng: &mut ChaCha8Rng) -> String {
    let mut hex = from(b"0123456789abcdef", 32, rng);
    hex.replace_range(12..13, &version.to_string());
    hex.replace_range(16..17, &from(b"89ab", 1, rng));
    if version == 7 {
        hex.replace_range(0..4, "0198");
    }
    group(&hex, &[8, 4, 4, 4, 12], '-')
}

/// Snowflake id of a message or a post: milliseconds since an epoch, and 22 more bits.
fn snowflake(rng: &mut ChaCha8Rng) -> String {
    let age: u64 = rng.random_range(100_000_000_000..360_000_000_000);
    (age << 22 | rng.random_range(0..1 << 22)).to_string()
}

fn phone(rng: &mut ChaCha8Rng) -> String {
    let number = digits(12, rng);
    match rng.random_range(0..6_u32) {
        0 => format!("+49 {} {}", &number[..2], &number[2..10]),
        1 => format!("({}) {}-{}", &number[..3], &number[3..6], &number[6..10]),
        2 => format!("+1-{}-{}-{}", &number[..3], &number[3..6], &number[6..10]),
        3 => format!("+44 7{} {}", &number[..3], &number[3..9]),
        4 => format!("0086 1{} {} {}", &number[..2], &number[2..6], &number[6..10]),
        _ => format!("+55 {} 9{}-{}", &number[..2], &number[2..6], &number[6..10]),
    }
}

/// Card number that is already masked in part.
fn masked(rng: &mut ChaCha8Rng) -> String {
    let (bin, last) = (digits(6, rng), digits(4, rng));
    let sign = one_of(&["*", "x", "X", "#", "\u{2022}"], rng);
    match rng.random_range(0..5_u32) {
        0 => format!("{bin}{}{last}", sign.repeat(6)),
        1 => format!("{0} {0} {0} {last}", sign.repeat(4)),
        2 => format!("{}{last}", sign.repeat(12)),
        3 => format!("{} {}{2} {3} {last}", &bin[..4], &bin[4..], sign.repeat(2), sign.repeat(4)),
        _ => format!("{bin}...{last}"),
    }
}

/// Splits `text` into groups of these sizes. The rest is the last group.
fn group(text: &str, sizes: &[usize], joint: char) -> String {
    let mut grouped = String::new();
    let mut rest = text;
    for size in sizes {
        let (group, behind) = rest.split_at((*size).min(rest.len()));
        if !grouped.is_empty() && !group.is_empty() {
            grouped.push(joint);
        }
        grouped.push_str(group);
        rest = behind;
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn check_digits_are_right() {
        assert_eq!(with_luhn("49015420323751"), "490154203237518");
        assert_eq!(with_gs1("400638133393"), "4006381333931");
        assert_eq!(with_gs1("978316148410"), "9783161484100");
        assert_eq!(group("DE89370400440532013000", &[4; 8], ' '), "DE89 3704 0044 0532 0130 00");
    }

    #[test]
    fn an_iban_leaves_one_over() {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        for _ in 0..20 {
            let iban = iban(rng).replace(' ', "");
            let moved = format!("{}{}", &iban[4..], &iban[..4]);
            let number = moved.chars().map(|character| character.to_digit(36).unwrap().to_string()).collect::<String>();
            assert_eq!(number.bytes().fold(0, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97), 1);
        }
    }
}
