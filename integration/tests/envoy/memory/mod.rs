//! Memory of panveil: independent of the length of a body, and small for each stream.

mod carrier;
mod encoders;
mod half_open;
mod half_sent;
mod long_body;

use libtest_mimic::Trial;
use panveil_integration::sidecar::Build;

pub fn trials(build: &Build) -> Vec<Trial> {
    long_body::trials(build).into_iter().chain(half_sent::trials(build)).chain(half_open::trials(build)).collect()
}
