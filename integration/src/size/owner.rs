//! Owner of a function by its name: the crate and, within panveil, the module.

/// Crates that come with the compiler.
const STANDARD: [&str; 9] = [
    "alloc",
    "compiler_builtins",
    "core",
    "dlmalloc",
    "panic_abort",
    "rustc_demangle",
    "rustc_std_workspace_core",
    "std",
    "wasi",
];
/// Stage of panveil whose submodules are listed separately.
const DEEP: &str = "stream";

/// Owner of the function with this name.
pub(super) fn owner(name: &str) -> String {
    let mut paths = paths(name);
    let first = paths.next().unwrap_or_default();
    // The compiler generates drop code for the dropped type.
    let path = if first.starts_with("core::ptr::drop_in_place") { paths.next().unwrap_or(first) } else { first };
    let mut parts = path.split("::");
    match parts.next().unwrap_or_default() {
        "" => "the C library".to_owned(),
        "panveil_codings" => "panveil: codings".to_owned(),
        "panveil" => match (parts.next(), parts.next()) {
            (Some(DEEP), Some(module)) if module.starts_with(|c: char| c.is_lowercase()) => {
                format!("panveil: {DEEP}::{module}")
            }
            (Some(module), _) => format!("panveil: {module}"),
            _ => "panveil".to_owned(),
        },
        standard if STANDARD.contains(&standard) => "Rust's standard library".to_owned(),
        other => other.to_owned(),
    }
}

/// Paths with several segments in a name, in order.
fn paths(name: &str) -> impl Iterator<Item = &str> {
    let words = name.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    words.map(|word| word.trim_matches(':')).filter(|word| word.contains("::"))
}

/// Name without the type arguments of the function.
pub(super) fn short(name: &str) -> String {
    let mut short = String::new();
    let mut depth = 0_usize;
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        // `::<` begins type arguments of the function; `<` alone begins the type of its impl.
        if depth == 0 && rest.starts_with("::<") {
            depth = 1;
            rest = rest.get(3..).unwrap_or_default();
            continue;
        }
        match c {
            '<' if depth > 0 => depth += 1,
            // The arrow of a function type closes nothing.
            '>' if depth > 0 && !rest.starts_with("->") => depth -= 1,
            _ if depth == 0 => short.push(c),
            _ => {}
        }
        let skipped = if rest.starts_with("->") { 2 } else { c.len_utf8() };
        if skipped == 2 && depth == 0 {
            short.push('>');
        }
        rest = rest.get(skipped..).unwrap_or_default();
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_belongs_to_who_wrote_it() {
        for (name, expected) in [
            ("<panveil::stream::inspector::Inspector>::inspect", "panveil: stream::inspector"),
            ("panveil_codings::zstd::hash::step", "panveil: codings"),
            ("<panveil::stream::Sender as core::fmt::Debug>::fmt", "panveil: stream"),
            ("panveil::mask::f::{closure#0}", "panveil: mask"),
            ("<&panveil::policy::Policy as core::fmt::Debug>::fmt", "panveil: policy"),
            ("<alloc::vec::Vec<panveil::scan::View>>::push", "Rust's standard library"),
            ("core::ptr::drop_in_place::<panveil::exchange::Exchange>", "panveil: exchange"),
            ("core::ptr::drop_in_place::<u8>", "Rust's standard library"),
            ("<serde_json::error::Error as core::fmt::Display>::fmt", "serde_json"),
            ("__wasilibc_find_relpath", "the C library"),
            ("", "the C library"),
        ] {
            assert_eq!(owner(name), expected, "{name}");
        }
    }

    #[test]
    fn a_short_name_has_no_types() {
        assert_eq!(
            short("core::slice::sort::<(u8, fn() -> u8), <T as X>::Y>::{closure#0}"),
            "core::slice::sort::{closure#0}"
        );
        assert_eq!(short("<a::B<u8> as c::D>::e::<f::G>"), "<a::B<u8> as c::D>::e");
    }
}
