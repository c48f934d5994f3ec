//! What a swap costs a pipeline that runs: how much longer its batch takes, how soon a batch has run on a changed file, what
//! stays in memory after many of them, and what it costs to migrate many states.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use tidemill::checkpoint::How;
use tidemill::context::swap::Code;
use tidemill::context::{BatchReport, RunOptions, RunningContext, StreamingContext};
use tidemill::plugin::PluginSpec;
use tidemill::source::{Generate, Queue, Take};

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

/// Keys whose states are migrated.
const KEYS: usize = 1_000_000;

/// Measures all four.
pub fn measure(figures: &mut Figures, folder: &Path) -> Result<()> {
    measure_pause(figures, folder)?;
    measure_change(figures, folder)?;
    measure_migration(figures)
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
    // Of those from the 200th to the 1000th, so that what is warm stays out of it.
    figures.add("swap.memory_after_1000_mib", after, "MiB", None);
    figures.add("swap.memory_of_800_mib", after - before, "MiB", Some(Goal::AtMost(8.0)));
    Ok(())
}

fn measure_change(figures: &mut Figures, folder: &Path) -> Result<()> {
    let file = folder.join("watched.wasm");
    fs::copy(version(folder, 2)?, &file)?;
    let spec = PluginSpec { watch: true, ..PluginSpec::new(&file) };
    let (running, times) = start(spec, Duration::from_millis(100))?;
    let swapper = running.swapper();
    let mut millis = Vec::new();
    for number in 3..3 + CHANGES {
        let before = swapper.in_use().get("split").map(|split| split.digest.clone());
        let new = version(folder, number)?;
        let begun = Instant::now();
        fs::rename(new, &file)?;
        let first = loop {
            let split = swapper.in_use().get("split").cloned();
            if let Some(split) = split.filter(|split| Some(&split.digest) != before.as_ref()) {
                break split.since.map_or(0, |batch| batch.millis());
            }
            ensure!(begun.elapsed() < PATIENCE, "a changed file isn't swapped in");
            std::thread::sleep(Duration::from_millis(1));
        };
        // In use it is once its first batch is out.
        while times
            .lock()
            .map_err(|_| anyhow!("the listener panicked"))?
            .last()
            .is_none_or(|(t, _)| *t < first)
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        millis.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    figures.add("swap.file_to_batch_ms", median(millis), "ms", Some(Goal::AtMost(300.0)));
    Ok(())
}

/// Many states that grow a field, of which each batch changes some.
fn measure_migration(figures: &mut Figures) -> Result<()> {
    let (old, new) = (plugin("versioned_total")?, plugin("versioned_stats")?);
    let (times, queue) = (Times::default(), Queue::new(pairs(0..0, 1)?.schema(), Take::One));
    let heard = Arc::clone(&times);
    let mut context = StreamingContext::new("migrating", Duration::from_millis(10))?;
    context.listener(move |report: &BatchReport| {
        if let Ok(mut times) = heard.lock() {
            times.push((report.time.millis(), report.processing_time.as_secs_f64() * 1000.0));
        }
    });
    let total = context.plugin("total", PluginSpec::new(old));
    let rows = context.queue_stream("rows", &queue);
    let totals = context.map_with_state("totals", &rows, &["key"], &total, None);
    context.discard("nowhere", &totals);
    let running = context.start(&RunOptions::default())?;
    queue.push(pairs(0..KEYS, 1)?)?;
    for turn in 0..500 {
        queue.push(pairs(turn..KEYS, 1000)?)?;
    }
    let begun = Instant::now();
    while queue.len() > 450 {
        ensure!(begun.elapsed() < PATIENCE, "the states aren't made");
        std::thread::sleep(Duration::from_millis(1));
    }
    let begun = Instant::now();
    let swapped = running.swap("total", new)?;
    figures.add("swap.migration_of_1m_ms", begun.elapsed().as_secs_f64() * 1000.0, "ms", None);
    drop(running);
    let times = times.lock().map_err(|_| anyhow!("the listener panicked"))?;
    let (with, without): (Vec<_>, Vec<_>) =
        times.iter().skip(20).partition(|(time, _)| *time == swapped.batch.millis());
    let usual = median(without.into_iter().map(|(_, millis)| millis).collect());
    let pause = with.first().map_or(0.0, |(_, millis)| millis - usual);
    figures.add("swap.migration_pause_ms", pause, "ms", Some(Goal::AtMost(10.0)));
    Ok(())
}

/// A row for each of the keys of these numbers, from one to the next so many.
fn pairs(numbers: std::ops::Range<usize>, step: usize) -> Result<RecordBatch> {
    let keys: ArrayRef =
        Arc::new(StringArray::from_iter_values(numbers.step_by(step).map(|number| format!("k{number}"))));
    let ones: ArrayRef = Arc::new(Int64Array::from(vec![1; keys.len()]));
    Ok(RecordBatch::try_from_iter([("key", keys), ("value", ones)])?)
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
