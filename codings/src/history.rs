//! Window of recently decoded bytes, for back references.

use super::{DecodeError, Text};
use crate::budget::{Account, Buffer, Exhausted};

/// Minimum number of bytes that are kept beyond the window: dropping older bytes moves the kept ones. At most this many bytes
/// are appended between two outputs.
const LEAST_SPARE: usize = 128 << 10;

/// The last bytes of a text: the window, and some older bytes.
///
/// Appending requires [room](History::make_room).
pub(super) struct History {
    bytes: Buffer,
    window: usize,
    unsaid: usize,
}

impl History {
    /// Empty history with memory from `account`.
    pub(super) fn new(account: &Account) -> Self {
        Self { bytes: Buffer::new(account), window: 0, unsaid: 0 }
    }

    /// Begins a text with references of at most `window` bytes.
    pub(super) fn start(&mut self, window: usize) {
        self.bytes.bytes().clear();
        self.window = window;
        self.unsaid = 0;
    }

    /// Makes room for additional bytes.
    pub(super) fn make_room(&mut self, len: usize) -> Result<(), Exhausted> {
        if self.bytes.has_room(len) {
            return Ok(());
        }
        // What it will ever hold. From a quarter of that on it grows at once, since while a long one moves there are two.
        let most = self.window.saturating_add(self.spare()).saturating_add(LEAST_SPARE);
        let grown = if self.bytes.bytes().capacity() > most >> 2 { most.saturating_sub(self.bytes.len()) } else { 0 };
        self.bytes.make_room(len.max(grown), most)
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.bytes.bytes().push(byte);
        self.unsaid = self.unsaid.wrapping_add(1);
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.bytes().extend_from_slice(bytes);
        self.unsaid = self.unsaid.wrapping_add(bytes.len());
    }

    /// Appends `byte` repeatedly.
    pub(super) fn fill(&mut self, byte: u8, len: usize) {
        let filled = self.bytes.len().saturating_add(len);
        self.bytes.bytes().resize(filled, byte);
        self.unsaid = self.unsaid.wrapping_add(len);
    }

    /// Appends `len` bytes from `distance` bytes back on. The copy may overlap the appended bytes.
    pub(super) fn repeat(&mut self, distance: usize, len: usize) -> Result<(), DecodeError> {
        let start = self.bytes.len().checked_sub(distance).filter(|_| distance > 0).ok_or(DecodeError::Broken)?;
        let bytes = self.bytes.bytes();
        let mut to_come = len;
        while to_come > 0 {
            let step = to_come.min(bytes.len().wrapping_sub(start));
            bytes.extend_from_within(start..start.wrapping_add(step));
            to_come = to_come.wrapping_sub(step);
        }
        self.unsaid = self.unsaid.wrapping_add(len);
        Ok(())
    }

    /// Runs `append`, and returns the number of bytes that it appended.
    pub(super) fn append(&mut self, append: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<usize> {
        let before = self.bytes.len();
        append(self.bytes.bytes())?;
        let len = self.bytes.len().saturating_sub(before);
        self.unsaid = self.unsaid.wrapping_add(len);
        Some(len)
    }

    /// The last byte and the one before it.
    pub(super) fn last_two(&self) -> (u8, u8) {
        match *self.bytes {
            [.., before, last] => (last, before),
            [last] => (last, 0),
            [] => (0, 0),
        }
    }

    /// Maximum distance of a reference.
    pub(super) fn farthest(&self) -> usize {
        self.bytes.len().min(self.window)
    }

    /// Bytes that are not output yet.
    pub(super) fn unsaid(&self) -> &[u8] {
        self.bytes.get(self.bytes.len().saturating_sub(self.unsaid)..).unwrap_or_default()
    }

    /// Outputs the pending bytes, and drops bytes that are outside the window.
    pub(super) fn say(&mut self, text: &mut Text<'_>) -> Result<(), DecodeError> {
        text.extend(self.unsaid())?;
        self.unsaid = 0;
        let spare = self.spare();
        if let Some(old) = self.bytes.len().checked_sub(self.window).filter(|&old| old >= spare) {
            self.bytes.bytes().drain(..old);
        }
        Ok(())
    }

    /// Maximum number of bytes that are kept beyond the window.
    fn spare(&self) -> usize {
        (self.window >> 2).max(LEAST_SPARE)
    }
}
