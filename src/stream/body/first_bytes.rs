//! The first bytes of a body, delayed until the host's repetition of them can be recognized.

/// Minimum length of the first forwarded bytes while more are held back. It distinguishes them from new bytes when the host
/// delivers them again.
pub const MIN_FIRST_FORWARD: usize = 8;

/// The bytes to forward at the start of a body, until there are enough of them; then `None`.
pub struct FirstBytes(Option<Vec<u8>>);

impl FirstBytes {
    pub fn new() -> Self {
        Self(Some(Vec::new()))
    }

    /// True if bytes are delayed.
    pub fn are_waiting(&self) -> bool {
        self.0.as_ref().is_some_and(|first| !first.is_empty())
    }

    /// The bytes to forward now, of the delayed ones and then `next`. With `may_wait` too few of them are delayed.
    pub fn pass(&mut self, mut next: Vec<u8>, may_wait: bool) -> Vec<u8> {
        let Some(first) = &mut self.0 else { return next };
        first.append(&mut next);
        if first.is_empty() || (may_wait && first.len() < MIN_FIRST_FORWARD) {
            return Vec::new();
        }
        self.0.take().unwrap_or_default()
    }
}
