//! What rows cost that a plugin fails on: batches of a transform in Wasm with none of them, with one, and with many.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, ensure};
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use tidemill::context::{BatchReport, RunOptions, StreamingContext};
use tidemill::plugin::PluginSpec;
use tidemill::record::line_schema;
use tidemill::source::{Extent, Queue, Take};

use crate::figures::{Figures, median};
use crate::wordcount::plugin;

/// The rows of a batch.
const ROWS: usize = 100_000;
/// The rows of a batch that the plugin panics on, kind after kind, and the figure of each.
const KINDS: [(usize, &str); 3] =
    [(0, "poison.none_ms"), (1, "poison.one_of_100000_ms"), (50, "poison.50_of_100000_ms")];

/// Measures batches of each kind in `turns` turns, on one worker, so that what is told is all of the work.
pub fn measure(figures: &mut Figures, turns: usize) -> Result<()> {
    let queue = Queue::new(line_schema(), Take::One);
    // The first turn warms up.
    for _ in 0..=turns.max(1) {
        KINDS
            .iter()
            .try_for_each(|(num_bad, _)| queue.push(batch(*num_bad)?).map_err(anyhow::Error::from))?;
    }
    let reports = run(&queue)?;
    let turns = reports.as_chunks::<{ KINDS.len() }>().0;
    for (kind, (num_bad, name)) in KINDS.into_iter().enumerate() {
        let reports = || turns.iter().skip(1).filter_map(|turn| turn.get(kind));
        ensure!(reports().all(|report| report.num_dead_letters == num_bad), "other rows were set aside");
        let millis = reports().map(|report| report.processing_time.as_secs_f64() * 1000.0).collect();
        figures.add(name, median(millis), "ms", None);
    }
    Ok(())
}

/// Lines, `num_bad` of them bad, far from each other.
fn batch(num_bad: usize) -> Result<RecordBatch> {
    let is_bad = |row: usize| num_bad > 0 && row % (ROWS / num_bad) == ROWS / num_bad / 3;
    let line =
        |row: usize| if is_bad(row) { "panic".to_owned() } else { format!("a row of some length, {row}") };
    let lines: ArrayRef = Arc::new(StringArray::from_iter_values((0..ROWS).map(line)));
    Ok(RecordBatch::try_new(line_schema(), vec![lines])?)
}

/// What became of the batches in `queue`.
fn run(queue: &Queue) -> Result<Vec<BatchReport>> {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let mut context = StreamingContext::new("poison", Duration::from_millis(1))?;
    context.workers(NonZeroUsize::MIN);
    let misbehave = context.plugin("misbehave", PluginSpec::new(plugin("misbehave")?));
    let lines = context.queue_stream("lines", queue);
    let passed = context.transform("passed", &lines, &misbehave);
    context.discard("nowhere", &passed);
    let all = Arc::clone(&reports);
    context.listener(move |report: &BatchReport| {
        if let Ok(mut all) = all.lock() {
            all.push(report.clone());
        }
    });
    context.start(&RunOptions { extent: Extent::Available, ..RunOptions::default() })?.await_termination()?;
    let mut reports = reports.lock().map_err(|_| anyhow::anyhow!("the listener panicked"))?;
    reports.retain(|report| report.num_rows_in() > 0);
    Ok(std::mem::take(&mut *reports))
}
