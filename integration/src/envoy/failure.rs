//! Reason why Envoy did not start, in one line: the error of the filter if there is one, and Envoy's own last error.

/// Marker of log lines from the filter.
const FILTER: &str = "wasm log";
/// Start of the complete configuration in a log line of Envoy.
const NOISE: &str = " initializing config ";

/// Last error line of Envoy's log, preceded by the last line of the filter before it.
pub fn last_word(log: &str) -> String {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let grave = |line: &&&str| ["[critical]", "[error]"].iter().any(|level| line.contains(level));
    let complaint = lines.iter().rev().filter(grave).find(|line| line.contains(FILTER)).map(|line| message(line));
    let envoy = lines.iter().rev().filter(grave).find(|line| !line.contains(FILTER)).or(lines.last());
    let envoy = envoy.map_or("it wrote nothing", |line| message(line));
    match complaint {
        Some(complaint) => format!("{complaint} ({envoy})"),
        None => envoy.to_owned(),
    }
}

/// Message of a log line `[time][thread][level][logger] [file:line] message`, without the complete configuration.
fn message(line: &str) -> &str {
    let mut rest = line;
    while let Some((_, after)) = rest.strip_prefix('[').and_then(|open| open.split_once(']')) {
        rest = after.trim_start();
    }
    let rest = rest.split(NOISE).next().unwrap_or_default();
    rest.strip_prefix(FILTER).and_then(|named| named.split_once(": ")).map_or(rest, |(_, complaint)| complaint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_grave_line_counts() {
        let log = "[t][1][info][main] [a.cc:1] starting\n[t][1][critical][main] [a.cc:2] cannot bind\n\
                   [t][1][info][main] [a.cc:3] exiting\nbye\n";
        assert_eq!(last_word(log), "cannot bind");
        assert_eq!(last_word("no brackets\n"), "no brackets");
        assert_eq!(last_word(""), "it wrote nothing");
    }

    #[test]
    fn the_filters_complaint_comes_first() {
        let log = "[t][1][critical][wasm] [c.cc:1] wasm log panveil panveil panveil: policy: mask: wrong\n\
                   [t][1][critical][main] [a.cc:2] error `Unable to create` initializing config 'x {\n}'\n";
        assert_eq!(last_word(log), "policy: mask: wrong (error `Unable to create`)");
    }
}
