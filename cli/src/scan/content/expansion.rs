//! Limit on the decompressed size of a file.

use super::format_error::FormatError;
use std::cell::Cell;
use std::io::{self, Read};

/// Decompressed size that is always permitted.
const FLOOR: u64 = 256 << 20;

/// Largest decompressed size beyond it, relative to the size of the file. Deflate reaches 1032.
const RATIO: u64 = 1000;

/// Sizes of one file and of its decompressed contents, over all archives in it.
#[derive(Default)]
pub struct Expansion {
    input: Cell<u64>,
    output: Cell<u64>,
}

/// Reader of decompressed bytes. It fails when they exceed the limit.
pub struct Expanded<'e, R> {
    source: R,
    expansion: &'e Expansion,
}

impl Expansion {
    /// Adds read bytes of the file.
    pub fn add_input(&self, bytes: u64) {
        self.input.set(self.input.get().saturating_add(bytes));
    }

    /// True if nothing was read.
    pub fn is_empty(&self) -> bool {
        self.input.get() == 0
    }

    /// Sets the size of the file, for an archive whose members are read in any order.
    pub fn set_input(&self, bytes: u64) {
        self.input.set(bytes);
    }

    /// Adds decompressed bytes, and checks the limit.
    fn add_output(&self, bytes: usize) -> io::Result<()> {
        let output = self.output.get().saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.output.set(output);
        if output > FLOOR && output > self.input.get().saturating_mul(RATIO) {
            return Err(io::Error::other(FormatError(format!("expands to more than {RATIO} times its size"))));
        }
        Ok(())
    }
}

impl<'e, R> Expanded<'e, R> {
    /// Reader of the decompressed bytes in `source`.
    pub fn new(source: R, expansion: &'e Expansion) -> Self {
        Self { source, expansion }
    }
}

impl<R: Read> Read for Expanded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.expansion.add_output(length)?;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_output_needs_large_input() {
        let expansion = Expansion::default();
        let floor = usize::try_from(FLOOR).unwrap();
        assert!(expansion.add_output(floor).is_ok());
        assert!(expansion.add_output(1).is_err());
        expansion.add_input(FLOOR / RATIO + 1);
        assert!(expansion.add_output(1).is_ok());
        assert!(expansion.add_output(floor).is_err());
    }
}
