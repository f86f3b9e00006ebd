//! Line and event boundaries.

use super::BodyPart;

/// Divides a body into texts that end with a line end or an empty line. Line ends are LF, CR LF and CR.
pub struct Lines {
    /// Number of consecutive line ends that end a text.
    line_ends_per_text: u8,
    /// Number of consecutive line ends before the next byte.
    line_ends: u8,
    /// Whether the last byte was a CR, so that an LF belongs to the same line end.
    after_return: bool,
    /// Whether the next byte begins a text.
    at_text_start: bool,
}

impl Lines {
    /// Each line is a text.
    pub fn each_line() -> Self {
        Self { line_ends_per_text: 1, line_ends: 0, after_return: false, at_text_start: true }
    }

    /// Each event is a text: the lines up to and including an empty one.
    pub fn each_event() -> Self {
        Self { line_ends_per_text: 2, ..Self::each_line() }
    }

    pub fn next(&self, bytes: &[u8], end: bool) -> BodyPart {
        let mut ahead = Self { ..*self };
        let complete = bytes.iter().position(|byte| ahead.ends_with(*byte));
        let len = complete.map_or(bytes.len(), |position| position.saturating_add(1));
        BodyPart::Text { len, first: self.at_text_start, last: end || complete.is_some() }
    }

    pub fn consume(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.at_text_start = self.ends_with(*byte);
        }
    }

    /// Advances past `byte`. Returns true when a text ends with it.
    ///
    /// An LF after a CR that ended a text is the first byte of the next text. So the CR is decided without the next byte.
    fn ends_with(&mut self, byte: u8) -> bool {
        let belongs_to_return = byte == b'\n' && self.after_return;
        self.after_return = byte == b'\r';
        match byte {
            b'\n' if belongs_to_return => return false,
            b'\n' | b'\r' => self.line_ends = self.line_ends.saturating_add(1),
            _ => self.line_ends = 0,
        }
        let complete = self.line_ends >= self.line_ends_per_text;
        if complete {
            self.line_ends = 0;
        }
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::super::Framing;
    use super::super::tests::texts_in_any_chunks;

    #[test]
    fn a_line_is_a_text() {
        assert_eq!(texts_in_any_chunks(Framing::Lines, b"{1}\n{2}\r\n\n{3}"), ["{1}\n", "{2}\r", "\n\n", "{3}"]);
        assert_eq!(texts_in_any_chunks(Framing::Lines, b""), [""; 0]);
    }

    #[test]
    fn an_event_ends_with_an_empty_line() {
        let events = texts_in_any_chunks(Framing::Events, b"data: 1\ndata: 2\n\nid: 3\n\n: end");
        assert_eq!(events, ["data: 1\ndata: 2\n\n", "id: 3\n\n", ": end"]);
        assert_eq!(texts_in_any_chunks(Framing::Events, b"a\r\n\r\nb\r\rc"), ["a\r\n\r", "\nb\r\r", "c"]);
    }
}
