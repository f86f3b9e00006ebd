//! Report of differences between expected and observed values.

use std::fmt::Write;

use super::values;

/// Differences found so far.
#[derive(Default)]
pub struct Differences {
    pub text: String,
}

impl Differences {
    pub fn say(&mut self, what: &str, wanted: &str, got: &str) {
        let _ = write!(self.text, "\n  {what}\n    wanted  {wanted}\n    got     {got}");
    }

    pub fn text(&mut self, what: &str, wanted: &str, got: &str) {
        if wanted != got {
            self.say(what, wanted, got);
        }
    }

    pub fn pairs(&mut self, what: &str, wanted: &[(String, String)], got: &[(String, String)]) {
        if wanted != got {
            self.say(what, &format!("{wanted:?}"), &format!("{got:?}"));
        }
    }

    /// Compares headers: each must be as in the first list of `wanted` that has its name, unless `absent` has it.
    pub fn headers(
        &mut self,
        what: &str,
        wanted: [&[(String, String)]; 2],
        absent: &[String],
        got: &[(String, String)],
    ) {
        let mut checked: Vec<&str> = Vec::new();
        for (source, (name, _)) in wanted.into_iter().flat_map(|list| list.iter().map(move |pair| (list, pair))) {
            if checked.contains(&name.as_str()) || absent.contains(name) {
                continue;
            }
            checked.push(name);
            let (wanted, got) = (values(source, name), values(got, name));
            self.text(&format!("{what} header {name}"), &wanted.join(" | "), &got.join(" | "));
        }
        for name in absent {
            let got = values(got, name);
            if !got.is_empty() {
                self.say(&format!("{what} header {name}"), "(absent)", &got.join(" | "));
            }
        }
    }

    pub fn bytes(&mut self, what: &str, wanted: &[u8], got: &[u8]) {
        if wanted == got {
            return;
        }
        let at = wanted.iter().zip(got).take_while(|(wanted, got)| wanted == got).count();
        let around = |bytes: &[u8]| {
            let from = at.saturating_sub(40);
            let to = bytes.len().min(at + 60);
            shown(bytes.get(from..to).unwrap_or_default())
        };
        let lengths = format!("{what}: differs from byte {at} on (of {} wanted, {} got)", wanted.len(), got.len());
        self.say(&lengths, &around(wanted), &around(got));
    }
}

/// Bytes as printable text.
pub fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
