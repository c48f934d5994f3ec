//! What a swap costs a pipeline that runs: how much longer its batch takes, how soon a changed file is in use, and what
//! stays in memory after many of them.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use tidemill::checkpoint::How;
use tidemill::context::swap::Code;
use tidemill::context::{BatchReport, RunOptions, RunningContext, StreamingContext};
use tidemill::plugin::PluginSpec;
use tidemill::source::Generate;

use crate::figures::{Figures, Goal, median};
use crate::process::resident_mib;
use crate::wordcount::plugin;

/// Swaps whose pauses are measured.
const SWAPS: usize = 200;
/// Swaps after which memory is measured.
const MANY_SWAPS: usize = 1000;
/// Changes of a file that are timed.
const CHANGES: u32 = 15;
const PATIENCE: Duration = Duration::from_secs(30);

/// Measures all three.
pub fn measure(figures: &mut Figures, folder: &Path) -> Result<()> {
    measure_pause(figures, folder)?;
    measure_change(figures, folder)
}

type Times = Arc<Mutex<Vec<(i64, f64)>>>;

/// A word count with a batch every `interval`, and how long its batches take.
fn start(split: PluginSpec, interval: Duration) -> Result<(RunningContext, Times)> {
    let times = Times::default();
    let heard = Arc::clone(&times);
    let mut context = StreamingContext::new("swapping", interval)?;
    context.listener(move |report: &BatchReport| {
        if let Ok(mut times) = heard.lock() {
            times.push((report.time.millis(), report.processing_time.as_secs_f64() * 1000.0));
        }
    });
    let split = context.plugin("split", split);
    let sum = context.plugin("sum", PluginSpec::new(plugin("sum")?));
    let lines = context.generate("lines", Generate { rate: Some(100_000), ..Generate::default() });
    let words = context.transform("words", &lines, &split);
    let counts = context.reduce_by_key("counts", &words, &["word"], &sum);
    context.discard("nowhere", &counts);
    Ok((context.start(&RunOptions::default())?, times))
}

fn measure_pause(figures: &mut Figures, folder: &Path) -> Result<()> {
    let versions = [version(folder, 0)?, version(folder, 1)?];
    let (running, times) = start(PluginSpec::new(&versions[0]), Duration::from_millis(10))?;
    let swapper = running.swapper();
    let swap = |number: usize| {
        let file = Code::File(versions[(number + 1) % 2].clone());
        swapper.swap_all(&[("split".to_owned(), file)], How::Swap)
    };
    let mut swapped = HashSet::new();
    for number in 0..SWAPS {
        swapped.extend(swap(number)?.iter().map(|one| one.batch.millis()));
    }
    let before = resident_mib(std::process::id())?;
    for number in SWAPS..MANY_SWAPS {
        swap(number)?;
    }
    let after = resident_mib(std::process::id())?;
    drop(running);
    let times = times.lock().map_err(|_| anyhow!("the listener panicked"))?;
    let last = swapped.iter().max().copied().unwrap_or(0);
    // The first batches warm up.
    let measured = times.iter().skip(10).filter(|(time, _)| *time <= last);
    let (with, without): (Vec<_>, Vec<_>) = measured.partition(|(time, _)| swapped.contains(time));
    let mut pauses: Vec<f64> = with.into_iter().map(|(_, millis)| millis).collect();
    ensure!(pauses.len() > SWAPS / 2, "too few batches with a swap");
    pauses.sort_by(f64::total_cmp);
    let usual = median(without.into_iter().map(|(_, millis)| millis).collect());
    let p99 = pauses.get(pauses.len() * 99 / 100).copied().unwrap_or(0.0);
    figures.add("swap.batch_ms", usual, "ms", None);
    figures.add("swap.pause_p50_ms", median(pauses) - usual, "ms", None);
    figures.add("swap.pause_p99_ms", p99 - usual, "ms", Some(Goal::AtMost(10.0)));
    figures.add("swap.memory_of_800_mib", after - before, "MiB", Some(Goal::AtMost(8.0)));
    Ok(())
}

fn measure_change(figures: &mut Figures, folder: &Path) -> Result<()> {
    let file = folder.join("watched.wasm");
    fs::copy(version(folder, 2)?, &file)?;
    let spec = PluginSpec { watch: true, ..PluginSpec::new(&file) };
    let (running, _) = start(spec, Duration::from_millis(100))?;
    let swapper = running.swapper();
    let mut millis = Vec::new();
    for number in 3..3 + CHANGES {
        let before = swapper.in_use().get("split").map(|split| split.digest.clone());
        let new = version(folder, number)?;
        let begun = Instant::now();
        fs::rename(new, &file)?;
        while swapper.in_use().get("split").map(|split| split.digest.clone()) == before {
            ensure!(begun.elapsed() < PATIENCE, "a changed file isn't swapped in");
            std::thread::sleep(Duration::from_millis(1));
        }
        millis.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    figures.add("swap.file_to_batch_ms", median(millis), "ms", Some(Goal::AtMost(300.0)));
    Ok(())
}

/// A file of `split_words` that no other number has: with a section that nobody reads.
fn version(folder: &Path, number: u32) -> Result<std::path::PathBuf> {
    let mut bytes = fs::read(plugin("split_words")?)?;
    bytes.extend([0, 5, 4]);
    bytes.extend(format!("{number:04}").bytes());
    let path = folder.join(format!("split_words-{number}.wasm"));
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
