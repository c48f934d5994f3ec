//! What the sinks have written, read and then removed, so that a long run doesn't fill the disk.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::accounts::{Accounts, Keys};

/// How many of the last batches of a sink stay.
const KEPT: usize = 5;

/// The folder of all sinks.
pub struct Outputs(PathBuf);

impl Outputs {
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Enters all records that came out since the last time, and forgets what nobody needs.
    pub fn collect(&self, accounts: &mut Accounts) -> Result<()> {
        for batch in self.batches("records")? {
            for line in lines(&batch)? {
                accounts.enter(&line).with_context(|| format!("in {}", batch.display()))?;
            }
            fs::remove_dir_all(&batch)?;
        }
        for sink in ["totals", "recent"] {
            let batches = self.batches(sink)?;
            for old in batches.iter().take(batches.len().saturating_sub(KEPT)) {
                fs::remove_dir_all(old)?;
            }
        }
        Ok(())
    }

    /// Compares the states of the last batch with the sums of what came out.
    pub fn check_states(&self, keys: &Keys) -> Result<()> {
        let last = self.batches("totals")?.pop().context("there are no totals")?;
        let lines = lines(&last)?;
        ensure!(lines.len() == keys.len(), "{} keys have a state instead of {}", lines.len(), keys.len());
        for line in lines {
            let (key, sum) = line.split_once(',').with_context(|| format!("`{line}` is no state"))?;
            let figures = key.strip_prefix('k').and_then(|key| keys.get(&key.parse().ok()?));
            let expected = figures.map(|figures| figures.sum);
            ensure!(sum.parse().ok() == expected, "the state of {key} is {sum} instead of {expected:?}");
        }
        Ok(())
    }

    /// How many records the last window holds.
    pub fn recent(&self) -> Result<u64> {
        let last = self.batches("recent")?.pop().context("there is no window")?;
        let lines = lines(&last)?;
        let count = lines.first().and_then(|line| line.trim_matches(['(', ')']).parse().ok());
        count.with_context(|| format!("{lines:?} is no count"))
    }

    /// The batches of a sink, the oldest first.
    fn batches(&self, sink: &str) -> Result<Vec<PathBuf>> {
        let Ok(entries) = fs::read_dir(&self.0) else { return Ok(Vec::new()) };
        let mut batches = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let time = name
                .to_str()
                .and_then(|name| name.strip_prefix(sink)?.strip_prefix('-')?.parse::<i64>().ok());
            batches.extend(time.map(|time| (time, self.0.join(name))));
        }
        batches.sort();
        Ok(batches.into_iter().map(|(_, path)| path).collect())
    }
}

fn lines(batch: &Path) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(batch)? {
        let text = fs::read_to_string(entry?.path())?;
        lines.extend(text.lines().map(str::to_owned));
    }
    Ok(lines)
}
