//! Child processes that are killed when their guard is dropped.

use std::process::Child;

/// Child process that does not outlive its guard.
#[derive(Debug)]
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
