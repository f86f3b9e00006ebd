//! Trials of this tier. Each runs on a thread of its own, which is a VM of its own.

use anyhow::{Result, bail};
use libtest_mimic::{Failed, Trial};

use crate::host::{Host, with};

pub fn trial(name: impl Into<String>, test: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let test = std::thread::spawn(move || test().and_then(|()| without_complaints()));
        match test.join() {
            Ok(outcome) => outcome.map_err(|error| Failed::from(format!("{error:#}"))),
            Err(_) => Err(Failed::from("the test itself panicked")),
        }
    })
}

/// Fails when the filter made a host call that Envoy does not permit.
pub fn without_complaints() -> Result<()> {
    let complaints = with(|host: &mut Host| std::mem::take(&mut host.complaints));
    if complaints.is_empty() { Ok(()) } else { bail!("the host complains:\n  {}", complaints.join("\n  ")) }
}
