//! Real registry on a port and in a folder of its own. It stops when dropped.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::from_environment;

/// Maximum time until it listens.
const PATIENCE: Duration = Duration::from_secs(30);
/// Interval between two connection attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Running registry.
pub struct Registry {
    /// Address on which it listens: the first part of an image's name.
    pub address: String,
    process: Child,
    _folder: TempDir,
}

impl Registry {
    /// Starts an empty registry.
    pub fn start() -> Result<Self> {
        let binary = from_environment("REGISTRY")?;
        let folder = tempfile::tempdir()?;
        // The registry cannot report a port that it picked, so the test picks a free one.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let settings = folder.path().join("settings.yml");
        let images = folder.path().join("images");
        fs::write(
            &settings,
            format!(
                "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{address}\"}}\n",
                images.display()
            ),
        )?;
        let log = folder.path().join("log");
        let process = Command::new(&binary)
            .arg("serve")
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?)
            .spawn()
            .with_context(|| format!("cannot run {}", binary.display()))?;
        let mut registry = Self { address, process, _folder: folder };
        let begun = Instant::now();
        while TcpStream::connect(&registry.address).is_err() {
            if registry.process.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(&log).unwrap_or_default();
                bail!("the registry does not listen: {}", log.lines().last().unwrap_or("no output"));
            }
            thread::sleep(PAUSE);
        }
        Ok(registry)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
