//! Patterns that a policy switches on by name.

use super::check_digits::Check;
use super::pattern_set::{Pattern, Rest};

named! {
    /// A pattern of panveil.
    pub enum BuiltInPattern {
        /// International bank account number (ISO 13616-1), in upper or lower case, whole or in groups.
        Iban = "iban",
        /// Routing number of a bank in the USA, near words that name it.
        UsAba = "us_aba",
        /// Social security number of the USA. Without dashes only near words that name it.
        UsSsn = "us_ssn",
        /// JSON Web Token (RFC 7519) in compact form (RFC 7515, RFC 7516).
        Jwt = "jwt",
        /// Access key of AWS: its id, and near words that name it the secret.
        AwsAccessKey = "aws_access_key",
        /// Private key in PEM (RFC 7468), as OpenSSH writes it, or in OpenPGP armor (RFC 9580).
        PrivateKey = "private_key",
    }
}

/// SWIFT's IBAN registry: two letters, two digits, 11 to 30 letters and digits; printed in groups of four with spaces. Not
/// with dashes, because some UUIDs match by chance then.
const IBAN: &str = r"(?i)\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}\b";

/// Social Security Administration: no area 000, 666 or 900 to 999, no group 00, no serial number 0000 (20 CFR 422.103, RM 10201.035).
const SSN: &str = r"\b(?:00[1-9]|0[1-9][0-9]|[1-578][0-9]{2}|6[0-57-9][0-9]|66[0-57-9])-(?:0[1-9]|[1-9][0-9])-(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})\b";
const SSN_WITHOUT_DASHES: &str = r"\b(?:00[1-9]|0[1-9][0-9]|[1-578][0-9]{2}|6[0-57-9][0-9]|66[0-57-9]) ?(?:0[1-9]|[1-9][0-9]) ?(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})\b";

/// American Bankers Association: the first two digits are 00 to 12, 21 to 32, 61 to 72, or 80.
const ABA: &str = r"\b(?:0[0-9]|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)[0-9]{7}\b";

/// The header is a JSON object, whose first bytes `{"` are `eyJ` in base64.
const JWT: &str = r"\beyJ[A-Za-z0-9_-]{8,200}\.[A-Za-z0-9_-]{8}";

/// IAM user guide, "Unique identifiers": access keys, temporary access keys, bearer tokens, context-specific credentials.
const AWS_KEY_ID: &str = r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b";
const AWS_SECRET: &str = r#"(?:\b[A-Za-z0-9]|["'=: ][/+])[A-Za-z0-9/+]{39}"#;

/// The first line, up to two lines of headers (RFC 1421, RFC 9580), and the start of the base64.
const PRIVATE_KEY: &str = r"-----BEGIN (?:[A-Z0-9]{2,9} ){0,2}PRIVATE KEY(?: BLOCK)?-----[\r\n ]{1,3}(?:[A-Z][A-Za-z-]{2,12}: [!-~ ]{1,64}[\r\n]{1,2}){0,2}[\r\n ]{0,2}[A-Za-z0-9+/]{32}";

const SSN_WORDS: &[&str] = &["ssn", "social security", "ss number"];
const ABA_WORDS: &[&str] = &["aba", "routing", "rtn", "transit number"];
const AWS_SECRET_WORDS: &[&str] = &["secret access key", "aws secret key", "aws secret"];

impl BuiltInPattern {
    /// The patterns with this name.
    pub fn patterns(self) -> Vec<Pattern> {
        let pattern = |regex: &str, near: &[&str]| Pattern {
            name: self.as_str().to_owned(),
            regex: regex.to_owned(),
            near: near.iter().map(|word| (*word).to_owned()).collect(),
            ..Pattern::default()
        };
        match self {
            Self::Iban => vec![Pattern { check: Some(Check::Iban), ..pattern(IBAN, &[]) }],
            Self::UsSsn => vec![pattern(SSN, &[]), pattern(SSN_WITHOUT_DASHES, SSN_WORDS)],
            Self::UsAba => vec![Pattern { check: Some(Check::Aba), ..pattern(ABA, ABA_WORDS) }],
            Self::Jwt => vec![Pattern { rest: Some(Rest::Token), ..pattern(JWT, &[]) }],
            Self::AwsAccessKey => vec![pattern(AWS_KEY_ID, &[]), pattern(AWS_SECRET, AWS_SECRET_WORDS)],
            Self::PrivateKey => vec![Pattern { rest: Some(Rest::Pem), ..pattern(PRIVATE_KEY, &[]) }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::pattern_set::PatternSet;

    /// As a policy's own patterns, each name has an automaton of limited size.
    #[test]
    fn every_pattern_compiles() {
        for pattern in BuiltInPattern::ALL {
            assert!(PatternSet::compile(&pattern.patterns()).is_ok(), "{pattern:?}");
        }
    }
}
