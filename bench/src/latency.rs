//! How long a row takes from a socket through a Wasm operator to a sink, and what a batch without rows costs.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use arrow::array::AsArray;
use hdrhistogram::Histogram;
use tidemill::context::{BatchReport, RunOptions, StopMode, StreamingContext};
use tidemill::plugin::PluginSpec;
use tidemill::record::{BatchTime, Partition};
use tidemill::sink::{Delivery, Opening, Sink, SinkError, Writer};

use crate::figures::{Figures, Goal, median};
use crate::wordcount::plugin;

/// Rows that are sent a second.
const ROWS_PER_SECOND: u64 = 100_000;
const INTERVAL: Duration = Duration::from_millis(1);
/// The longest latency that is told apart. A histogram without one counts all above 2 ms as its least.
const MAX_MICROS: u64 = 60_000_000;

/// Measures latency for `seconds` seconds.
pub fn measure(figures: &mut Figures, seconds: u64) -> Result<()> {
    let seen = latencies(seconds, None)?;
    figures.add("latency.p50_ms", millis(&seen, 0.5), "ms", None);
    figures.add("latency.p99_ms", millis(&seen, 0.99), "ms", Some(Goal::AtMost(10.0)));
    figures.add("latency.max_ms", millis(&seen, 1.0), "ms", None);
    Ok(())
}

/// The latency below which this share of the rows is.
pub fn millis(seen: &Histogram<u64>, share: f64) -> f64 {
    seen.value_at_quantile(share) as f64 / 1000.0
}

/// How old rows are when they become visible, in microseconds, with a checkpoint or without one.
pub fn latencies(seconds: u64, checkpoint: Option<&Path>) -> Result<Histogram<u64>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let begun = Instant::now();
    let seen = Arc::new(Mutex::new(Histogram::<u64>::new_with_max(MAX_MICROS, 3)?));
    let mut context = StreamingContext::new("latency", INTERVAL)?;
    if let Some(path) = checkpoint {
        context.checkpoint(path);
    }
    let trim = context.plugin("trim", PluginSpec::new(plugin("trim_lowercase")?));
    let lines = context.socket_text("lines", &listener.local_addr()?.to_string());
    let trimmed = context.transform("trimmed", &lines, &trim);
    context.sink("stopwatch", &trimmed, Stopwatch { begun, seen: Arc::clone(&seen) });
    let running = context.start(&RunOptions::default())?;
    let (mut peer, _) = listener.accept()?;
    peer.set_nodelay(true)?;
    let num_sent = send(&mut peer, begun, seconds)?;
    running.stop(StopMode::Graceful);
    let summary = running.await_termination()?;
    ensure!(summary.num_rows_in == num_sent, "{} of {num_sent} rows arrived", summary.num_rows_in);
    let seen = seen.lock().map_err(|_| anyhow::anyhow!("the sink panicked"))?;
    Ok(seen.clone())
}

/// Sends lines that hold the time of their sending, at an even rate.
fn send(peer: &mut impl Write, begun: Instant, seconds: u64) -> Result<u64> {
    let start = begun.elapsed();
    let mut num_sent = 0;
    let mut text = Vec::new();
    while num_sent < ROWS_PER_SECOND * seconds {
        let due = (begun.elapsed() - start).as_micros() as u64 * ROWS_PER_SECOND / 1_000_000;
        text.clear();
        while num_sent < due.min(ROWS_PER_SECOND * seconds) {
            writeln!(text, "{} a row of some length", begun.elapsed().as_micros())?;
            num_sent += 1;
        }
        peer.write_all(&text)?;
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(num_sent)
}

/// A sink that notes how old rows are when they become visible.
#[derive(Clone)]
struct Stopwatch {
    begun: Instant,
    seen: Arc<Mutex<Histogram<u64>>>,
}

impl std::fmt::Debug for Stopwatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stopwatch")
    }
}

impl Sink for Stopwatch {
    fn kind(&self) -> &'static str {
        "stopwatch"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Nowhere
    }

    fn open(&self, _: &Opening) -> Result<Box<dyn Writer>, SinkError> {
        Ok(Box::new(StopwatchWriter { stopwatch: self.clone(), staged: Vec::new() }))
    }
}

struct StopwatchWriter {
    stopwatch: Stopwatch,
    staged: Vec<Partition>,
}

impl Writer for StopwatchWriter {
    fn stage(&mut self, _: BatchTime, partitions: &[Partition]) -> Result<(), SinkError> {
        self.staged = partitions.to_vec();
        Ok(())
    }

    fn publish(&mut self, _: BatchTime) -> Result<(), SinkError> {
        let now = self.stopwatch.begun.elapsed().as_micros() as u64;
        let Ok(mut seen) = self.stopwatch.seen.lock() else { return Ok(()) };
        for block in self.staged.drain(..).flatten() {
            for line in block.column(0).as_string::<i32>().iter().flatten() {
                let sent = line.split(' ').next().and_then(|text| text.parse::<u64>().ok());
                seen.saturating_record(now.saturating_sub(sent.unwrap_or(0)));
            }
        }
        Ok(())
    }
}

/// How many empty batches are looked at.
const EMPTY_BATCHES: u64 = 2000;

/// Measures the processing of batches without rows, in a word count that nobody sends anything.
pub fn measure_empty(figures: &mut Figures) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let took = Arc::new(Mutex::new(Vec::new()));
    let mut context = StreamingContext::new("empty", INTERVAL)?;
    let split = context.plugin("split", PluginSpec::new(plugin("split_words")?));
    let sum = context.plugin("sum", PluginSpec::new(plugin("sum")?));
    let lines = context.socket_text("lines", &listener.local_addr()?.to_string());
    let words = context.transform("words", &lines, &split);
    let counts = context.reduce_by_key("counts", &words, &["word"], &sum);
    context.discard("nowhere", &counts);
    let all = Arc::clone(&took);
    context.listener(move |report: &BatchReport| {
        if let Ok(mut all) = all.lock() {
            all.push(report.processing_time.as_secs_f64() * 1e6);
        }
    });
    context
        .start(&RunOptions { batches: Some(EMPTY_BATCHES), ..RunOptions::default() })?
        .await_termination()?;
    let took = took.lock().map_err(|_| anyhow::anyhow!("the listener panicked"))?;
    let mut sorted = took.clone();
    sorted.sort_by(f64::total_cmp);
    let p99 = sorted.get(sorted.len() * 99 / 100).copied().context("no batch ran")?;
    figures.add("batch.empty_us", median(sorted), "µs", Some(Goal::AtMost(200.0)));
    figures.add("batch.empty_p99_us", p99, "µs", None);
    Ok(())
}
