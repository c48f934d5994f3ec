//! Runs of a pipeline by a clock that is moved by hand: so many batches, one right after the other.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use tidemill::batch::rate::RateOptions;
use tidemill::batch::{Clock, ManualClock, Wake};
use tidemill::context::{BatchReport, RunOptions, StreamingContext};
use tidemill::record::BatchTime;

/// The time from one batch to the next, by the clock.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// A clock that is moved by hand, by which batches still take the time that they take.
struct Stepped(ManualClock);

impl Clock for Stepped {
    fn now_millis(&self) -> i64 {
        self.0.now_millis()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn wait_until(&self, time: BatchTime, wake: &Arc<Wake>) -> bool {
        self.0.wait_until(time, wake)
    }
}

/// Runs the pipeline that `build` makes on `workers` threads for `num_batches`. Answers what was reported of each, and the
/// metrics at the end.
pub fn run(
    num_batches: usize,
    workers: NonZeroUsize,
    build: impl FnOnce(&mut StreamingContext) -> Result<()>,
) -> Result<(Vec<BatchReport>, String)> {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let clock = Arc::new(Stepped(ManualClock::new(0)));
    let mut context = StreamingContext::new("bench", INTERVAL)?;
    // What is measured is a batch of so many rows, however late it is.
    context.workers(workers).clock(Arc::clone(&clock) as Arc<_>).rate(RateOptions::off());
    build(&mut context)?;
    let all = Arc::clone(&reports);
    context.listener(move |report: &BatchReport| {
        if let Ok(mut all) = all.lock() {
            all.push(report.clone());
        }
    });
    let options = RunOptions { batches: Some(num_batches as u64), ..RunOptions::default() };
    let running = context.start(&options)?;
    clock.0.advance(1000 * num_batches as i64);
    let metrics = running.metrics();
    running.await_termination()?;
    let reports = std::mem::take(&mut *reports.lock().map_err(|_| anyhow::anyhow!("the listener panicked"))?);
    Ok((reports, metrics.text()))
}

/// How long each batch took, in milliseconds.
pub fn millis(reports: &[BatchReport]) -> Vec<f64> {
    reports.iter().map(|report| report.processing_time.as_secs_f64() * 1000.0).collect()
}
