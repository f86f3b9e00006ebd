//! Readers that convert a stream piece by piece.

use std::io::{self, Read};

/// Source of converted bytes.
pub trait Pieces {
    /// Adds the next bytes to `piece`, which is empty. They can be none. Returns false at the end.
    fn next_piece(&mut self, piece: &mut Vec<u8>) -> io::Result<bool>;
}

/// Reader of the bytes in all pieces.
pub struct PieceReader<P> {
    source: P,
    piece: Vec<u8>,
    /// Number of bytes of `piece` that were read.
    passed: usize,
}

impl<P: Pieces> PieceReader<P> {
    pub fn new(source: P) -> Self {
        Self { source, piece: Vec::new(), passed: 0 }
    }
}

impl<P: Pieces> Read for PieceReader<P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.passed == self.piece.len() {
            self.piece.clear();
            self.passed = 0;
            if !self.source.next_piece(&mut self.piece)? {
                return Ok(0);
            }
        }
        let length = self.piece.get(self.passed..).unwrap_or_default().read(buffer)?;
        self.passed = self.passed.saturating_add(length);
        Ok(length)
    }
}
