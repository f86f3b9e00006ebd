//! Switch that disables one rule of the detector.
//!
//! The gate of the evaluation disables each rule in turn and checks that the results get worse. Without the feature `mutations` every
//! rule is active, and the switch costs nothing.

/// True if the rule is disabled.
#[cfg(not(feature = "mutations"))]
#[inline(always)]
pub const fn is_disabled(_kind: &str, _name: &str) -> bool {
    false
}

/// The disabled rule.
#[cfg(feature = "mutations")]
static DISABLED: std::sync::OnceLock<(String, String)> = std::sync::OnceLock::new();

/// Disables a rule for the rest of the process; false if another one is disabled already.
#[cfg(feature = "mutations")]
pub fn disable(kind: &str, name: &str) -> bool {
    DISABLED.set((kind.to_owned(), name.to_owned())).is_ok()
}

/// True if the rule is disabled.
#[cfg(feature = "mutations")]
pub fn is_disabled(kind: &str, name: &str) -> bool {
    DISABLED.get().is_some_and(|disabled| disabled.0 == kind && disabled.1 == name)
}

/// `score`, or 0 if that evidence is disabled.
pub fn score(name: &str, score: i8) -> i8 {
    if is_disabled("score", name) { 0 } else { score }
}

/// Rules by their kind, except brands, which are those of [`Brand`](crate::verdict::Brand), and concepts, which are the files of the
/// vocabulary.
#[cfg(feature = "mutations")]
pub const RULES: [(&str, &[&str]); 5] = [
    (
        "score",
        &[
            "range",
            "canonical",
            "free_groups",
            "mixed_separators",
            "ratings",
            "uncommon_separator",
            "table_row",
            "underscore",
            "listed",
            "publisher",
            "time",
            "context",
            "record",
        ],
    ),
    ("reject", &["repeated_digit", "luhn", "adjacent_letter", "decimal_number", "longer_number"]),
    ("names", &["pair", "wrappers", "formatting_tags", "heading", "array", "parent", "words_before", "running_text"]),
    ("form", &["track", "national", "unionpay_without_luhn", "scientific", "record_behind"]),
    ("decode", &["escapes", "second_round", "look_alikes", "markup", "quoted"]),
];

/// Meanings of the words in names, each with all of its words.
#[cfg(feature = "mutations")]
pub const MEANINGS: [&str; 7] = ["card", "number", "shared", "account", "text", "identifier", "other"];
