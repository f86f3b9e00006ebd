//! Values of YAML scalars without quotes.

use super::node::YamlValue;

/// Words that are booleans in YAML 1.1, and text in 1.2.
const SWITCHES: [&str; 6] = ["y", "yes", "n", "no", "on", "off"];

/// Value of a plain scalar, by the core schema of YAML 1.2.
///
/// A policy may reach the filter through programs that read YAML 1.1, where `no` is a boolean and `017` is fifteen. A scalar that
/// the versions interpret differently is [`YamlValue::Ambiguous`], because the checked policy must be the active policy.
pub fn plain(text: &str) -> YamlValue {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return YamlValue::Null,
        "true" | "True" | "TRUE" => return YamlValue::Boolean(true),
        "false" | "False" | "FALSE" => return YamlValue::Boolean(false),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_decimal = !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit());
    if is_ambiguous(text, unsigned, is_decimal) {
        return YamlValue::Ambiguous;
    }
    if let Some(digits) = unsigned.strip_prefix("0x") {
        let number = u64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+') && unsigned == text);
        return number.map_or_else(|| YamlValue::Text(text.to_owned()), YamlValue::Whole);
    }
    if is_decimal {
        return match unsigned.parse() {
            Ok(number) if number == 0 || !text.starts_with('-') => YamlValue::Whole(number),
            Ok(number) => YamlValue::Negative(0_i64.saturating_sub_unsigned(number)),
            // As in JSON: a number that is too large becomes a fraction.
            Err(_) => YamlValue::Fraction,
        };
    }
    if is_float(unsigned) { YamlValue::Fraction } else { YamlValue::Text(text.to_owned()) }
}

fn is_ambiguous(text: &str, unsigned: &str, is_decimal: bool) -> bool {
    let is_switch = SWITCHES.iter().any(|word| text.eq_ignore_ascii_case(word));
    let is_octal = is_decimal && unsigned.len() > 1 && unsigned.starts_with('0');
    let starts_with_digit = unsigned.starts_with(|first: char| first.is_ascii_digit());
    let is_number = |other: char| unsigned.chars().all(|character| character.is_ascii_digit() || character == other);
    // Octal in 1.2; binary, with underscores or sexagesimal in 1.1.
    let is_number_in_one_version = ["0o", "0b"].iter().any(|prefix| unsigned.starts_with(prefix))
        || is_number('_')
        || (is_number(':') && unsigned.contains(':'));
    is_switch || is_octal || (starts_with_digit && !is_decimal && is_number_in_one_version)
}

/// True for a number with a fraction or an exponent in the core schema, infinities and NaN included.
fn is_float(unsigned: &str) -> bool {
    let is_finite = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.chars().all(|character| character.is_ascii_digit() || ".eE+-".contains(character))
        && unsigned.parse::<f64>().is_ok();
    is_finite || matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> String {
        match plain(text) {
            YamlValue::Null => "null".to_owned(),
            YamlValue::Boolean(value) => value.to_string(),
            YamlValue::Whole(number) => number.to_string(),
            YamlValue::Negative(_) => "negative".to_owned(),
            YamlValue::Fraction => "fraction".to_owned(),
            YamlValue::Ambiguous => "ambiguous".to_owned(),
            YamlValue::Text(text) => format!("text {text}"),
            YamlValue::List(_) | YamlValue::Object(_) => "no scalar".to_owned(),
        }
    }

    #[test]
    fn a_scalar_has_the_value_that_both_versions_give_it() {
        for (text, expected) in [
            ("", "null"),
            ("~", "null"),
            ("Null", "null"),
            ("true", "true"),
            ("FALSE", "false"),
            ("0", "0"),
            ("-0", "0"),
            ("+7", "7"),
            ("4096", "4096"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "fraction"),
            ("-5", "negative"),
            ("0xff", "255"),
            ("0x+1", "text 0x+1"),
            ("0xg", "text 0xg"),
            ("1.5", "fraction"),
            ("1e3", "fraction"),
            ("-.inf", "fraction"),
            (".nan", "fraction"),
            ("1.2.3", "text 1.2.3"),
            ("e1", "text e1"),
            ("2026-01-31", "text 2026-01-31"),
            ("mask", "text mask"),
            ("-", "text -"),
            ("none", "text none"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
        for text in ["no", "No", "ON", "y", "off", "yes", "017", "-017", "0o17", "0b11", "1_000", "1:30", "190:20:30"] {
            assert_eq!(kind(text), "ambiguous", "{text}");
        }
    }
}
