//! Who ends a program that a test started? Its guard, when dropped.

use std::process::Child;

/// A child that does not outlive its guard.
#[derive(Debug)]
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
