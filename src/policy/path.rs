//! Normalizations of a path, and patterns that match it.
//!
//! Servers differ in the interpretation of a path: whether `%2F` is a separator, whether `//` is one slash, whether `;x=1` is part of
//! the path, how often they decode. A path therefore has up to four [`PathInterpretations`], from the literal one to the full one, which
//! applies all normalizations of the table. A pattern matches if it matches all of them, and does not match if it matches none. Otherwise
//! the result is [unknown](Tri::Unknown), and the strictest possible action applies.
//!
//! | | literal | decoded | by segments | full |
//! |---|---|---|---|---|
//! | query and fragment | dropped | dropped, `%3F` and `%23` begin them too | dropped | as decoded |
//! | `%41`, `%c3%A9` | decoded | decoded, twice | decoded | decoded, twice |
//! | `%2E` | kept | a dot | a dot | a dot |
//! | `%2F`, `%5C`, `%3B` | kept | a slash, a slash, a semicolon | kept | as decoded |
//! | `\` | kept | a slash | kept | a slash |
//! | `;params` of a segment | kept | kept | dropped | dropped |
//! | `//`, `/./`, `/../` | kept | kept | resolved | resolved |
//!
//! These paths have no interpretation, and the result for them is unknown:
//!
//! - invalid escapes, escapes that remain after two rounds of decoding, control characters, and bytes that are not UTF-8;
//! - a path that does not begin with a slash, or is longer than [`LONGEST`] bytes;
//! - a segment of dots and blanks other than `.` and `..`, which some file systems treat as one of those;
//! - a character that some servers convert to a delimiter of paths ([`CONFUSABLE`]).

use super::config_value::ConfigValue;
use super::error::PolicyError;
use super::field::{ObjectSpec, TextSpec, ValueSpec, fields};
use super::kind::{Fields, Kind, Maybe};
use super::request_context::Tri;
use super::value::Expression;
use crate::scan::pattern::{PatternError, WholeTextPattern};

/// Interpretations of a path, without adjacent duplicates.
///
/// Has no `Debug`: it contains a path.
pub(super) struct PathInterpretations(Vec<Vec<u8>>);

/// Pattern of paths in a rule.
pub(super) enum PathPattern {
    /// The whole path.
    Exact(Vec<u8>),
    /// The path and those below it. `above` has no slash at its end; `below` is true if the pattern ends with one.
    Prefix { above: Vec<u8>, below: bool },
    /// Regular expression that matches the whole path.
    Regex(Box<WholeTextPattern>),
}

/// Bytes whose escapes are kept in the literal interpretation, because only some servers treat them as delimiters.
const LITERAL: &[u8] = b"%/\\;?#.";

/// Bytes whose escapes are kept in the interpretation by segments.
const BY_SEGMENTS: &[u8] = b"%/\\;?#";

/// No bytes: all escapes are decoded.
const NONE_KEPT: &[u8] = b"";

/// Longest path in bytes, without its query.
const LONGEST: usize = 4096;

impl PathInterpretations {
    /// Interpretations of a request's path; `None` if it is ambiguous in every way.
    pub(super) fn of(path: &[u8]) -> Option<Self> {
        let path = until(path, b"?#");
        if path.len() > LONGEST || path.first() != Some(&b'/') {
            return None;
        }
        let literal = decode(path, LITERAL)?;
        let by_segments = resolve(&decode(path, BY_SEGMENTS)?);
        let decoded = decode_twice(path).filter(|decoded| !is_ambiguous(decoded))?;
        let full = resolve(&decoded);
        let mut interpretations = vec![literal, decoded, by_segments, full];
        interpretations.dedup();
        Some(Self(interpretations))
    }
}

fields! {
    /// The request's path, without its query. Exactly one of the fields is given.
    struct PathMatch {
        /// The whole path.
        exact: Option<Vec<u8>> as Maybe<PlainPath>, optional;
        /// The first segments of the path, or all of it.
        prefix: Option<Vec<u8>> as Maybe<PlainPath>, optional;
        /// A regular expression that matches the whole path.
        regex: Option<Box<WholeTextPattern>> as Maybe<PathExpression>, optional;
    }
}

/// Normalized path, with which the interpretations are compared.
struct PlainPath;

/// Regular expression over paths.
struct PathExpression;

impl Kind<Self> for PathPattern {
    const SPEC: ValueSpec = ValueSpec::Object(|| &ObjectSpec { is_choice: true, ..<PathMatch as Fields>::SPEC });
    const PLURAL: &'static str = "paths";

    fn read(value: &ConfigValue) -> Result<Self, PolicyError> {
        match <PathMatch as Fields>::read(value)? {
            PathMatch { exact: Some(path), prefix: None, regex: None } => Ok(Self::Exact(path)),
            PathMatch { exact: None, prefix: Some(path), regex: None } => {
                let above = trimmed(&path);
                Ok(Self::Prefix { above: above.to_vec(), below: above.len() < path.len() })
            }
            PathMatch { exact: None, prefix: None, regex: Some(regex) } => Ok(Self::Regex(regex)),
            _ => Err(PolicyError::wrong_value("exactly one of exact, prefix, regex")),
        }
    }
}

impl PathPattern {
    pub(super) fn matches(path: &PathInterpretations, pattern: &Self) -> Tri {
        let mut matches = path.0.iter().map(|path| pattern.matches_interpretation(path));
        let Some(first) = matches.next() else { return Tri::Unknown };
        matches.fold(first, |all, one| if one == all { all } else { Tri::Unknown })
    }

    fn matches_interpretation(&self, path: &[u8]) -> Tri {
        match self {
            Self::Exact(exact) if path == exact => Tri::Yes,
            // Some servers ignore a slash at the end.
            Self::Exact(exact) if trimmed(path) == trimmed(exact) => Tri::Unknown,
            Self::Exact(_) => Tri::No,
            Self::Prefix { above, below } => match path.strip_prefix(above.as_slice()) {
                Some([b'/', ..]) => Tri::Yes,
                Some([]) if *below => Tri::Unknown,
                Some([]) => Tri::Yes,
                _ => Tri::No,
            },
            Self::Regex(regex) => regex.matches(path).into(),
        }
    }
}

impl Kind<Vec<u8>> for PlainPath {
    const SPEC: ValueSpec = ValueSpec::Text(TextSpec {
        pattern: Some(r"^/([^/?#%;\\\x00-\x1f\x7f]+(/[^/?#%;\\\x00-\x1f\x7f]+)*/?)?$"),
        max: Some(1024),
        ..TextSpec::ANY
    });

    fn read(value: &ConfigValue) -> Result<Vec<u8>, PolicyError> {
        let text = Expression::read(value)?.into_bytes();
        match PathInterpretations::of(&text) {
            Some(PathInterpretations(interpretations)) if interpretations == [text.as_slice()] => Ok(text),
            _ => Err(PolicyError::wrong_value(
                "a normalized path: it begins with a slash and has no query, escapes, parameters, backslashes, empty or dot \
                 segments",
            )),
        }
    }
}

impl Kind<Box<WholeTextPattern>> for PathExpression {
    const SPEC: ValueSpec = Expression::SPEC;

    fn read(value: &ConfigValue) -> Result<Box<WholeTextPattern>, PolicyError> {
        WholeTextPattern::compile(&Expression::read(value)?).map(Box::new).map_err(|error| {
            PolicyError::wrong_value(match error {
                PatternError::TooLarge => "a simpler regular expression: its automaton is larger than 64 KiB",
                PatternError::Syntax | PatternError::Empty | PatternError::Unbounded => {
                    "a regular expression over ASCII, without look-around and back-references"
                }
            })
        })
    }
}

/// Decodes all escapes twice. `None` if an escape remains.
fn decode_twice(path: &[u8]) -> Option<Vec<u8>> {
    let decoded = decode(&decode(path, NONE_KEPT)?, NONE_KEPT)?;
    let is_plain = !decoded.iter().any(|byte| *byte == b'%' || byte.is_ascii_control());
    (is_plain && str::from_utf8(&decoded).is_ok()).then_some(())?;
    Some(until(&decoded, b"?#").iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect())
}

/// True if only some servers treat a segment of the decoded `path` as a dot segment or an empty one, or a character of it as a
/// delimiter.
fn is_ambiguous(path: &[u8]) -> bool {
    let Ok(path) = str::from_utf8(path) else { return true };
    let is_ambiguous = |segment: &str| {
        let segment = segment.split(';').next().unwrap_or_default();
        !matches!(segment, "" | "." | "..") && segment.chars().all(|character| character == '.' || is_blank(character))
    };
    path.split('/').any(is_ambiguous) || path.chars().any(|character| CONFUSABLE.contains(&character))
}

/// True for white space and zero-width characters.
fn is_blank(character: char) -> bool {
    let has_no_width = matches!(character, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    character.is_whitespace() || has_no_width
}

/// Characters that Unicode normalization (NFKC) or a conversion to another character set changes to one of `.`, `/`, `\`, `;`, `%`,
/// `?` and `#`, or to a text that contains one.
#[rustfmt::skip]
const CONFUSABLE: [char; 33] = [
    // Full stops.
    '\u{2024}', '\u{2025}', '\u{2026}', '\u{3002}', '\u{fe19}', '\u{fe30}', '\u{fe52}', '\u{ff0e}', '\u{ff61}',
    // Slashes.
    '\u{2044}', '\u{2100}', '\u{2101}', '\u{2105}', '\u{2106}', '\u{2215}', '\u{ff0f}',
    // Backslashes.
    '\u{a5}', '\u{20a9}', '\u{2216}', '\u{fe68}', '\u{ff3c}',
    // Semicolons.
    '\u{37e}', '\u{fe14}', '\u{fe54}', '\u{ff1b}',
    // Percent signs.
    '\u{66a}', '\u{fe6a}', '\u{ff05}',
    // Question marks and number signs.
    '\u{fe16}', '\u{fe56}', '\u{ff1f}', '\u{fe5f}', '\u{ff03}',
];

/// Decodes the escapes, except those of bytes in `kept`, which become uppercase. `None` if an escape is invalid.
fn decode(path: &[u8], kept: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let (escape, behind) = rest.split_at_checked(2)?;
        rest = behind;
        let byte = u8::from_str_radix(str::from_utf8(escape).ok().filter(|hex| !hex.starts_with('+'))?, 16).ok()?;
        if kept.contains(&byte) {
            decoded.push(b'%');
            decoded.extend(escape.to_ascii_uppercase());
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

/// Removes the parameters of segments, empty segments and dot segments. `..` at the root stays at the root. A slash at the end stays.
fn resolve(path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut is_folder = false;
    for segment in path.split(|byte| *byte == b'/') {
        let segment = until(segment, b";");
        is_folder = matches!(segment, b"" | b"." | b"..");
        if !is_folder {
            segments.push(segment);
        } else if segment == b".." {
            segments.pop();
        }
    }
    let mut resolved: Vec<u8> = segments.iter().flat_map(|segment| [b"/", *segment].concat()).collect();
    if is_folder || resolved.is_empty() {
        resolved.push(b'/');
    }
    resolved
}

fn until<'p>(path: &'p [u8], ends: &[u8]) -> &'p [u8] {
    path.split(|byte| ends.contains(byte)).next().unwrap_or(path)
}

fn trimmed(path: &[u8]) -> &[u8] {
    path.strip_suffix(b"/").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(json: &str) -> PathPattern {
        match PathPattern::read(&ConfigValue::parse(json.as_bytes()).unwrap()) {
            Ok(pattern) => pattern,
            Err(error) => panic!("{json}: {error}"),
        }
    }

    fn matches(json: &str, path: &str) -> Tri {
        let interpretations = PathInterpretations::of(path.as_bytes());
        interpretations.map_or(Tri::Unknown, |interpretations| PathPattern::matches(&interpretations, &pattern(json)))
    }

    fn full(path: &str) -> Option<String> {
        decode_twice(until(path.as_bytes(), b"?#")).map(|path| String::from_utf8(resolve(&path)).unwrap())
    }

    #[test]
    fn a_normalized_path_has_one_interpretation() {
        for path in
            ["/", "/v1/charges", "/v1/charges/", "/a.b/..c/d..", "/a b/. c", "/caf\u{e9}", "/a:b@c/~d!$&'()*+,="]
        {
            assert_eq!(PathInterpretations::of(path.as_bytes()).unwrap().0, [path.as_bytes()], "{path}");
        }
        for path in ["/v1/charges?a=//../%zz", "/v1/charges#x", "/v1/%63harges", "/%76%31/charges", "/v1/charge%73?x"] {
            assert_eq!(PathInterpretations::of(path.as_bytes()).unwrap().0, [b"/v1/charges"], "{path}");
        }
    }

    #[test]
    fn every_evasion_has_the_same_full_interpretation() {
        for path in [
            "//v1/charges",
            "/v1//charges",
            "/v1/./charges",
            "/x/../v1/charges",
            "/../../v1/charges",
            "/v1%2Fcharges",
            "/v1%2fcharges",
            "/v1%252fcharges",
            "/v1\\charges",
            "/v1%5ccharges",
            "/v1;a=1/charges;jsessionid=2",
            "/v1/charges%3Ba",
            "/v1/x/%2e%2E/charges",
            "/v1/x/%252e./charges",
            "/v1/x/..;a/charges",
            "/v1/charges%3Fx=1",
            "/v1/charges%23x",
            "/%256%331/../v1/charges",
        ] {
            assert_eq!(full(path).as_deref(), Some("/v1/charges"), "{path}");
            // It evades no rule.
            assert_ne!(matches(r#"{"exact":"/v1/charges"}"#, path), Tri::No, "{path}");
            assert_ne!(matches(r#"{"prefix":"/v1"}"#, path), Tri::No, "{path}");
            assert_ne!(matches(r#"{"regex":"/v1/charges"}"#, path), Tri::No, "{path}");
        }
        for path in
            ["/admin%2F..%2Fv1/charges", "/admin/..;/v1/charges", "/admin/%2e%2e/v1/charges", "/v1/charges%2F..%2Fx"]
        {
            assert_eq!(matches(r#"{"prefix":"/v1/charges"}"#, path), Tri::Unknown, "{path}");
        }
    }

    #[test]
    fn ambiguous_paths_have_no_interpretation() {
        let long = format!("/{}", "a".repeat(LONGEST));
        for path in [
            "",
            "*",
            "v1",
            "http://a/",
            "/%",
            "/%4",
            "/%zz",
            "/%+1",
            "/a%25",
            "/%25252e",
            "/%00",
            "/%0d%0a",
            "/a\u{1}",
            "/%c0%af",
            "/v1/charges/..%20/x",
            "/v1/charges/%20../x",
            "/v1/charges/..%2520/x",
            "/v1/charges/..%20;a/x",
            "/v1/charges/.../x",
            "/v1/charges/.%E2%80%8B./x",
            "/v1/charges/..%C2%A0/x",
            "/v1/charges/%20/x",
            "/v1/charges%5C..%20%5Cx",
            "/v1/charges/\u{ff0e}\u{ff0e}/x",
            "/v1/charges/%EF%BC%8E%EF%BC%8E/x",
            "/v1/charges/\u{2025}/x",
            "/v1/charges/..\u{ff0f}x",
            "/v1/charges/..\u{2215}x",
            "/v1/charges/..\u{ff3c}x",
            "/v1/charges/..\u{37e}/x",
            "/v1/charges/\u{ff05}2e\u{ff05}2e/x",
            "/%ff",
            &long,
        ] {
            assert!(PathInterpretations::of(path.as_bytes()).is_none(), "{path}");
        }
    }

    #[test]
    fn patterns_match_the_whole_path_or_its_first_segments() {
        for (json, path, expected) in [
            (r#"{"exact":"/pay"}"#, "/pay", Tri::Yes),
            (r#"{"exact":"/pay"}"#, "/pay?card=1", Tri::Yes),
            (r#"{"exact":"/pay"}"#, "/pay/", Tri::Unknown),
            (r#"{"exact":"/pay/"}"#, "/pay", Tri::Unknown),
            (r#"{"exact":"/pay"}"#, "/Pay", Tri::No),
            (r#"{"exact":"/pay"}"#, "/pay/x", Tri::No),
            (r#"{"exact":"/"}"#, "/", Tri::Yes),
            (r#"{"prefix":"/pay"}"#, "/pay", Tri::Yes),
            (r#"{"prefix":"/pay"}"#, "/pay/x", Tri::Yes),
            (r#"{"prefix":"/pay"}"#, "/payments", Tri::No),
            (r#"{"prefix":"/pay"}"#, "/pay%2Fx", Tri::Unknown),
            (r#"{"prefix":"/pay"}"#, "/pay/a%2Fb", Tri::Yes),
            (r#"{"prefix":"/other"}"#, "/pay/a%2Fb;c//d", Tri::No),
            (r#"{"prefix":"/pay/"}"#, "/pay/x", Tri::Yes),
            (r#"{"prefix":"/pay/"}"#, "/pay", Tri::Unknown),
            (r#"{"prefix":"/"}"#, "/anything", Tri::Yes),
            (r#"{"regex":"/v[0-9]+/.*"}"#, "/v12/charges", Tri::Yes),
            (r#"{"regex":"/v[0-9]+"}"#, "/v12/charges", Tri::No),
            (r#"{"regex":"v[0-9]"}"#, "/v1", Tri::No),
            (r#"{"regex":"/a|/ab"}"#, "/ab", Tri::Yes),
            (r#"{"regex":"(?i)/pay"}"#, "/PAY", Tri::Yes),
            (r#"{"regex":"/a/[^/]*"}"#, "/a/b%2Fc", Tri::Unknown),
        ] {
            assert_eq!(matches(json, path), expected, "{json} {path}");
        }
    }

    /// Normalized paths.
    fn plain() -> impl Strategy<Value = String> {
        prop::collection::vec("[a-z0-9]{1,6}", 1..5).prop_map(|segments| format!("/{}", segments.join("/")))
    }

    /// The path with other spellings of its characters.
    fn evade(path: &str, tricks: &[usize]) -> String {
        let mut tricks = tricks.iter().cycle();
        let mut evasion = String::new();
        for character in path.chars() {
            let trick = *tricks.next().unwrap();
            if character == '/' {
                evasion +=
                    ["/", "//", "/./", "%2f", "%252F", "/x/../", "\\", "/%2e/", "/;p=1/", ";p=1/", "%5C", "/y/%2e%2E/"]
                        [if evasion.is_empty() { [0, 1, 2, 5, 7, 8, 11][trick % 7] } else { trick % 12 }];
            } else if trick.is_multiple_of(3) {
                evasion += &format!("%{:02x}", character as u32);
            } else if trick % 7 == 1 {
                evasion += &format!("%25{:02X}", character as u32);
            } else {
                evasion.push(character);
            }
        }
        evasion
    }

    proptest! {
        #[test]
        fn the_full_interpretation_is_normalized(path in "/[a-c/.;%25eEfF\\\\?#é]{0,24}") {
            if let Some(read) = full(&path) {
                prop_assert_eq!(full(&read), Some(read.clone()));
                prop_assert_eq!(PathInterpretations::of(read.as_bytes()).map(|interpretations| interpretations.0), Some(vec![read.into_bytes()]));
            }
        }

        #[test]
        fn no_spelling_evades_a_path(path in plain(), tricks in prop::collection::vec(0_usize..100, 1..40)) {
            let evasion = evade(&path, &tricks);
            prop_assert_eq!(full(&evasion), Some(path.clone()), "{}", evasion);
            for json in [format!(r#"{{"exact":"{path}"}}"#), format!(r#"{{"prefix":"{path}"}}"#), format!(r#"{{"regex":"{path}"}}"#)] {
                prop_assert_ne!(matches(&json, &evasion), Tri::No, "{}", evasion);
            }
        }

        #[test]
        fn a_certain_match_includes_the_full_interpretation(path in "/[ab/.;%2eE5cC\\\\]{0,20}") {
            if matches(r#"{"prefix":"/a"}"#, &path) == Tri::Yes {
                let read = full(&path).unwrap();
                prop_assert!(read == "/a" || read.starts_with("/a/"), "{} is {}", path, read);
            }
        }
    }
}
