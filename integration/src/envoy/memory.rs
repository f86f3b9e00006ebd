//! Memory of a process, from Linux.

use std::fs;

use anyhow::{Context, Result};

/// Size of the inaccessible guard region behind a Wasm memory, which replaces bounds checks.
const GUARD: u64 = 1 << 30;

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Resident memory.
    pub resident: u64,
    /// Peak resident memory.
    pub peak: u64,
    /// Total size of the linear memories of its Wasm modules. They only grow.
    pub wasm: u64,
}

impl Memory {
    /// Memory of the process with this id.
    pub(super) fn of(process: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
        let field = |name: &str| kilobytes(&status, name).with_context(|| format!("no {name} of process {process}"));
        Ok(Self { resident: field("VmRSS:")?, peak: field("VmHWM:")?, wasm: wasm(&maps) })
    }
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let value: u64 =
        status.lines().find_map(|line| line.strip_prefix(name))?.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(value << 10)
}

/// Size of the writable mappings that a guard region follows.
fn wasm(maps: &str) -> u64 {
    let mappings: Vec<(u64, u64, &str)> = maps.lines().filter_map(mapping).collect();
    let pairs = mappings.windows(2).filter_map(|pair| match pair {
        [(start, end, "rw-p"), (guard, guard_end, "---p")] if end == guard && guard_end - guard >= GUARD => {
            Some(end - start)
        }
        _ => None,
    });
    pairs.sum()
}

fn mapping(line: &str) -> Option<(u64, u64, &str)> {
    let mut words = line.split(' ');
    let (start, end) = words.next()?.split_once('-')?;
    Some((u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?, words.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read() {
        assert_eq!(kilobytes("Name:\tenvoy\nVmHWM:\t    2048 kB\nVmRSS:\t 1024 kB\n", "VmHWM:"), Some(2 << 20));
    }

    #[test]
    fn a_wasm_memory_is_what_its_guard_follows() {
        let maps = "1000-3000 rw-p 00000000 00:00 0 \n3000-5000 ---p 00000000 00:00 0 \n\
                    100000000-100110000 rw-p 00000000 00:00 0 \n100110000-300000000 ---p 00000000 00:00 0 \n";
        assert_eq!(wasm(maps), 0x11_0000);
    }
}
