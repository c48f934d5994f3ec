//! Runs of a pipeline by a clock that is moved by hand: so many batches, one right after the other.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use tidemill::batch::ManualClock;
use tidemill::context::{BatchReport, RunOptions, StreamingContext};

/// The time from one batch to the next, by the clock.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// Runs the pipeline that `build` makes on `workers` threads for `num_batches`. Answers what was reported of each, and the
/// metrics at the end.
pub fn run(
    num_batches: usize,
    workers: NonZeroUsize,
    build: impl FnOnce(&mut StreamingContext) -> Result<()>,
) -> Result<(Vec<BatchReport>, String)> {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let clock = Arc::new(ManualClock::new(0));
    let mut context = StreamingContext::new("bench", INTERVAL)?;
    context.workers(workers).clock(Arc::clone(&clock) as Arc<_>);
    build(&mut context)?;
    let all = Arc::clone(&reports);
    context.listener(move |report: &BatchReport| {
        if let Ok(mut all) = all.lock() {
            all.push(report.clone());
        }
    });
    let options = RunOptions { batches: Some(num_batches as u64), ..RunOptions::default() };
    let running = context.start(&options)?;
    clock.advance(1000 * num_batches as i64);
    let metrics = running.metrics();
    running.await_termination()?;
    let reports = std::mem::take(&mut *reports.lock().map_err(|_| anyhow::anyhow!("the listener panicked"))?);
    Ok((reports, metrics.text()))
}

/// How long each batch took, in milliseconds.
pub fn millis(reports: &[BatchReport]) -> Vec<f64> {
    reports.iter().map(|report| report.processing_time.as_secs_f64() * 1000.0).collect()
}
