//! Canonical names of counters: Prometheus names with sorted labels.

/// `name{b="2",a="1"}` with its labels sorted by name.
#[must_use]
pub fn canonical(name: &str) -> String {
    let Some((name, labels)) = name.strip_suffix('}').and_then(|open| open.split_once('{')) else {
        return name.to_owned();
    };
    // Label values of panveil come from a fixed set without commas.
    let mut labels: Vec<&str> = labels.split(',').filter(|label| !label.is_empty()).collect();
    labels.sort_unstable();
    format!("{name}{{{}}}", labels.join(","))
}

/// Prometheus name of a metric that the filter defined in Envoy's tag style (`panveil_findings_place=.=body;.;total`),
/// after the conversion by `stats_tags`.
#[must_use]
pub fn from_stat(defined: &str) -> String {
    let mut name = String::new();
    let mut labels = Vec::new();
    let mut rest = defined;
    while let Some((before, after)) = rest.split_once("=.=") {
        let Some((value, after)) = after.split_once(";.;") else {
            break;
        };
        let start = before.rfind(['_', '.']).map_or(0, |at| at + 1);
        let (prefix, key) = before.split_at(start);
        name.push_str(prefix);
        labels.push(format!("{key}=\"{value}\""));
        rest = after;
    }
    name.push_str(rest);
    canonical(&format!("{name}{{{}}}", labels.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_ordered() {
        assert_eq!(canonical(r#"a_total{place="body",action="masked"}"#), r#"a_total{action="masked",place="body"}"#);
        assert_eq!(canonical("a_total{}"), "a_total{}");
        assert_eq!(canonical("a_total"), "a_total");
    }

    #[test]
    fn a_defined_name_becomes_the_shown_one() {
        assert_eq!(
            from_stat("panveil_findings_direction=.=request;.;place=.=body;.;total"),
            r#"panveil_findings_total{direction="request",place="body"}"#
        );
    }
}
