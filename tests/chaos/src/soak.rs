//! Whether memory and disk stay flat.
//!
//! Both are looked at every second. The first quarter of the time warms up. Then the median of the last quarter may be a
//! fifth above that of the second one, and a little: 16 MiB of memory, 64 MiB of disk, which is a journal of the store.

use anyhow::{Result, ensure};

const MIB: u64 = 1 << 20;

/// What was seen, second by second.
#[derive(Debug, Default)]
pub struct Soak {
    memory: Vec<u64>,
    disk: Vec<u64>,
}

impl Soak {
    /// The program has so much memory, and its checkpoint takes so much disk.
    pub fn enter(&mut self, memory: u64, disk: u64) {
        self.memory.push(memory);
        self.disk.push(disk);
    }

    /// Fails where something grew. Answers what to tell.
    pub fn check(&self) -> Result<String> {
        let memory = check("the program's memory", &self.memory, 16 * MIB)?;
        let disk = check("the checkpoint", &self.disk, 64 * MIB)?;
        Ok(format!("{memory}; {disk}"))
    }
}

fn check(what: &str, seen: &[u64], allowed: u64) -> Result<String> {
    let quarter = seen.len() / 4;
    ensure!(quarter > 0, "too short a time to say whether {what} grew");
    let of = |place: usize| median(seen.iter().skip(place * quarter).take(quarter).copied().collect());
    let (before, after) = (of(1), of(3));
    let told = format!("{what}: {} MiB, and later {} MiB", before / MIB, after / MIB);
    ensure!(after <= before + before / 5 + allowed, "it grew: {told}");
    Ok(told)
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}
