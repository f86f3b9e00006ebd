//! Text of the line around a finding.

use memchr::memmem;

/// Comment that accepts the findings of its line.
const MARKER: &[u8] = b"panveil:allow";

/// Most bytes of the line on each side of a finding.
const MAX_CONTEXT: usize = 1024;

/// Text of the line before and after a finding, up to [`MAX_CONTEXT`] bytes on each side.
#[derive(Default)]
pub struct LineContext {
    /// Text before it.
    pub before: Vec<u8>,
    /// Text after it.
    pub after: Vec<u8>,
}

impl LineContext {
    /// True if the line accepts its findings.
    pub fn allows(&self) -> bool {
        [&self.before, &self.after].iter().any(|text| memmem::find(text, MARKER).is_some())
    }

    /// Adds the text after the finding, up to the end of its line. Returns true when no more is needed.
    pub fn extend(&mut self, text: &[u8]) -> bool {
        let room = MAX_CONTEXT.saturating_sub(self.after.len());
        let fitting = text.get(..room).unwrap_or(text);
        let line = memchr::memchr(b'\n', fitting);
        self.after.extend_from_slice(fitting.get(..line.unwrap_or(fitting.len())).unwrap_or_default());
        line.is_some() || self.after.len() == MAX_CONTEXT
    }
}

/// The end of the text before a window, in its line.
#[derive(Default)]
pub struct LineStart(Vec<u8>);

impl LineStart {
    /// True if `window` may contain a [`MARKER`], also one that begins before it.
    pub fn may_allow(&self, window: &[u8]) -> bool {
        let head = window.get(..MARKER.len()).unwrap_or(window);
        memmem::find(window, MARKER).is_some() || memmem::find(&[&self.0, head].concat(), MARKER).is_some()
    }

    /// Text of the line before the end of `text`, which is the beginning of the window.
    pub fn before(&self, text: &[u8]) -> Vec<u8> {
        let near = text.get(text.len().saturating_sub(MAX_CONTEXT)..).unwrap_or_default();
        match memchr::memrchr(b'\n', near) {
            Some(newline) => near.get(newline.saturating_add(1)..).unwrap_or_default().to_vec(),
            None if near.len() < MAX_CONTEXT => last([&self.0, near].concat()),
            None => near.to_vec(),
        }
    }

    /// Advances past `text`.
    pub fn advance(&mut self, text: &[u8]) {
        self.0 = self.before(text);
    }
}

fn last(mut text: Vec<u8>) -> Vec<u8> {
    text.drain(..text.len().saturating_sub(MAX_CONTEXT));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_limited_and_ends_at_newlines() {
        let mut start = LineStart::default();
        start.advance(b"first\nsec");
        assert_eq!(start.before(b"ond "), b"second ");
        assert_eq!(start.before(b"ond\nthird "), b"third ");
        start.advance(&[b'x'; 2000]);
        assert_eq!(start.before(b"y").len(), MAX_CONTEXT);
        let mut context = LineContext::default();
        assert!(!context.extend(b" rest"));
        assert!(context.extend(b" of it\nnext"));
        assert_eq!(context.after, b" rest of it");
        assert!(context.extend(&[b'x'; 2000]) && context.after.len() == MAX_CONTEXT);
    }

    #[test]
    fn a_marker_is_found_across_windows() {
        let mut start = LineStart::default();
        start.advance(b"a\n// panveil:al");
        assert!(start.may_allow(b"low 4111"));
        assert!(!start.may_allow(b"ways"));
        let context = LineContext { before: start.before(b"low "), after: Vec::new() };
        assert!(context.allows());
        assert!(!LineContext { before: b"panveil: allow".to_vec(), after: Vec::new() }.allows());
    }
}
