//! What comes in, and from where?

use super::failure::Failure;
use panveil::policy::{Policy, PolicyError};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// More than any policy has, so that a policy that is too large is still seen to be that.
const MAX_POLICY_BYTES: u64 = 2 << 20;

/// Reads the policy in the file at `path`, or on standard input when that is `-`.
pub fn policy(path: &Path) -> Result<Policy, Failure> {
    let mut text = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(MAX_POLICY_BYTES).read_to_end(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(MAX_POLICY_BYTES).read_to_end(&mut text))
    };
    read.map_err(Failure::of("read", &path.display().to_string()))?;
    Policy::parse(&text).map_err(|error| explain(error, &text))
}

/// The next piece of standard input: as much as is there now, nothing at its end.
pub fn piece() -> Result<Vec<u8>, Failure> {
    const MAX_BYTES: usize = 64 << 10;

    let mut piece = vec![0; MAX_BYTES];
    let mut stdin = io::stdin().lock();
    loop {
        match stdin.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::of("read", "standard input")(error)),
            Ok(len) => {
                piece.truncate(len);
                return Ok(piece);
            }
        }
    }
}

/// Policies are YAML in most people's hands, and JSON's complaint about YAML helps nobody.
fn explain(error: PolicyError, text: &[u8]) -> Failure {
    if looks_like_yaml(text) {
        const YAML: &str = concat!(
            "policy: this looks like YAML, which panveil ",
            env!("CARGO_PKG_VERSION"),
            " does not read yet; convert it to JSON"
        );
        return Failure::Error(YAML.to_owned());
    }
    error.into()
}

/// Whether the first line that says something is a comment, a document mark or `name: …`. None of these begins JSON.
fn looks_like_yaml(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let Some(first) = lines.find(|line| !line.is_empty()) else {
        return false;
    };
    let mut name_and_value = first.splitn(2, |byte| *byte == b':');
    let name = name_and_value.next().unwrap_or_default();
    let is_field = !name.is_empty()
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        && name_and_value.next().is_some_and(|value| value.first().is_none_or(|byte| *byte == b' '));
    is_field || first.starts_with(b"#") || first.starts_with(b"---")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_told_from_json() {
        for text in
            ["mode: enforce", "\n\n  request: mask\n", "mask:\n  keep: none", "# a policy", "---\nmode: enforce"]
        {
            assert!(looks_like_yaml(text.as_bytes()), "{text}");
        }
        for text in
            ["", "{}", "{mode: enforce}", "[a: b]", "\"mode\": 1", "http://example.com", "mode", ": 1", "mode=1"]
        {
            assert!(!looks_like_yaml(text.as_bytes()), "{text}");
        }
    }
}
