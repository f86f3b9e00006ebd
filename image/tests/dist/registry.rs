//! Which registry are the images tried with? A real one, on a port and in a folder of its own, for as long as its owner is
//! there.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::from_environment;

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks whether it does.
const PAUSE: Duration = Duration::from_millis(50);

/// A registry that runs.
pub struct Registry {
    /// Where it listens: the beginning of an image's name.
    pub address: String,
    process: Child,
    _folder: TempDir,
}

impl Registry {
    /// Starts one without an image in it.
    pub fn start() -> Result<Self> {
        let binary = from_environment("REGISTRY")?;
        let folder = tempfile::tempdir()?;
        // Free a moment ago: the registry cannot be told to pick one and say which.
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
                bail!("the registry does not listen: {}", log.lines().last().unwrap_or("it says nothing"));
            }
            thread::sleep(PAUSE);
        }
        Ok(registry)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
