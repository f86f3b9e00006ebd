//! Where does a line end, or an event?

use super::BodyPart;

/// Cuts a body into texts that end with a line end, or with an empty line. Line ends are LF, CR LF and CR.
pub struct Lines {
    /// How many line ends in a row end a text.
    needed: u8,
    /// How many there were just now.
    ends: u8,
    /// The last byte was a CR: an LF belongs to it.
    after_return: bool,
    /// Nothing of the next text was taken yet.
    fresh: bool,
}

impl Lines {
    /// Each line is a text.
    pub fn single() -> Self {
        Self { needed: 1, ends: 0, after_return: false, fresh: true }
    }

    /// Each row of lines is a text, up to and with an empty one.
    pub fn up_to_an_empty_one() -> Self {
        Self { needed: 2, ..Self::single() }
    }

    pub fn next(&self, bytes: &[u8], end: bool) -> BodyPart {
        let mut ahead = Self { ..*self };
        let complete = bytes.iter().position(|byte| ahead.ends_with(*byte));
        let len = complete.map_or(bytes.len(), |position| position.saturating_add(1));
        BodyPart::Text { len, first: self.fresh, last: end || complete.is_some() }
    }

    pub fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.fresh = self.ends_with(*byte);
        }
    }

    /// True when a text ends with this byte, the next one.
    ///
    /// An LF behind a CR that ended a text is the first byte of the next text: it needs not be waited for.
    fn ends_with(&mut self, byte: u8) -> bool {
        let belongs_to_return = byte == b'\n' && self.after_return;
        self.after_return = byte == b'\r';
        match byte {
            b'\n' if belongs_to_return => return false,
            b'\n' | b'\r' => self.ends = self.ends.saturating_add(1),
            _ => self.ends = 0,
        }
        let complete = self.ends >= self.needed;
        if complete {
            self.ends = 0;
        }
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::super::Framing;
    use super::super::tests::texts_of_every_cut;

    #[test]
    fn a_line_is_a_text() {
        assert_eq!(texts_of_every_cut(Framing::Lines, b"{1}\n{2}\r\n\n{3}"), ["{1}\n", "{2}\r", "\n\n", "{3}"]);
        assert_eq!(texts_of_every_cut(Framing::Lines, b""), [""; 0]);
    }

    #[test]
    fn an_event_ends_with_an_empty_line() {
        let events = texts_of_every_cut(Framing::Events, b"data: 1\ndata: 2\n\nid: 3\n\n: end");
        assert_eq!(events, ["data: 1\ndata: 2\n\n", "id: 3\n\n", ": end"]);
        assert_eq!(texts_of_every_cut(Framing::Events, b"a\r\n\r\nb\r\rc"), ["a\r\n\r", "\nb\r\r", "c"]);
    }
}
