//! What a checkpoint costs: its share of the throughput at three intervals, how soon ten million keys are there again, how
//! much a second senders are told is safe, and latency where each millisecond ends with an epoch.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use tidemill::batch::ManualClock;
use tidemill::context::{BatchReport, BatchStart, Listener, RunOptions, StopMode, StreamingContext};
use tidemill::operator::{MapWithState, UpdateStateByKey};
use tidemill::plugin::PluginSpec;
use tidemill::source::{Directory, Extent, Framed, Queue, Take};

use crate::figures::{Figures, Goal, median};
use crate::input;
use crate::latency::{latencies, millis};
use crate::state::{block, running_sum, schema};
use crate::wordcount::plugin;

/// How much is done.
pub struct Scale {
    /// Lines of the file whose words are counted.
    pub lines: u64,
    /// Keys that have a state.
    pub keys: usize,
    /// How long latency is measured, and the log.
    pub seconds: u64,
}

/// The intervals at which the cost is told, each with the name of its figure, and what it should be.
const INTERVALS: [(u64, &str, Option<Goal>); 3] = [
    (1, "checkpoint.cost_at_1_ms", None),
    (100, "checkpoint.cost_at_100_ms", Some(Goal::AtMost(0.1))),
    (1000, "checkpoint.cost_at_1_s", Some(Goal::AtMost(0.1))),
];

/// How often that file is read.
const COPIES: u64 = 12;

/// How many keys fill a batch.
const FILL_KEYS: usize = 1_000_000;

/// Frames that are on their way at a time, and the bytes of each.
const FRAMES_UNDER_WAY: u64 = 4096;
const FRAME_BYTES: usize = 1024;

/// Measures all of it, in folders within `folder`.
pub fn measure(figures: &mut Figures, folder: &Path, scale: &Scale, turns: usize) -> Result<()> {
    let_the_disk_rest()?;
    let seen = latencies(scale.seconds, Some(&folder.join("latency")))?;
    figures.add("checkpoint.latency_p50_ms", millis(&seen, 0.5), "ms", None);
    figures.add("checkpoint.latency_p99_ms", millis(&seen, 0.99), "ms", Some(Goal::AtMost(15.0)));
    measure_cost(figures, folder, scale.lines, turns)?;
    measure_recovery(figures, &folder.join("recovery"), scale.keys)?;
    measure_log(figures, &folder.join("log"), scale.seconds)?;
    Ok(())
}

/// Waits until what was written before is on the disk, so that what is measured doesn't wait for it.
fn let_the_disk_rest() -> Result<()> {
    let status = Command::new("sync").status().context("cannot start `sync`")?;
    ensure!(status.success(), "`sync` failed: {status}");
    Ok(())
}

/// Has the words of files counted with a checkpoint and without, batch upon batch, each with as many lines as fill its interval.
fn measure_cost(figures: &mut Figures, folder: &Path, num_lines: u64, turns: usize) -> Result<()> {
    let (one, several) = (input::make(folder, num_lines)?, folder.join("several"));
    fs::create_dir_all(&several)?;
    for copy in 0..COPIES {
        fs::hard_link(one.join("lines.txt"), several.join(format!("{copy}.txt")))?;
    }
    let all_lines = num_lines * COPIES;
    let per_second = (all_lines as f64 / count(&several, 1000, all_lines, num_lines, None)?) as u64;
    for (interval, name, goal) in INTERVALS {
        // Where batches are small, a few lines are many of them.
        let (input, num_lines) = if interval > 1 { (&several, all_lines) } else { (&one, num_lines) };
        let mut shares = Vec::new();
        for turn in 0..turns {
            let checkpoint = folder.join(format!("cost-{interval}-{turn}"));
            let without = count(input, interval, num_lines, per_second, None)?;
            let with = count(input, interval, num_lines, per_second, Some(&checkpoint))?;
            fs::remove_dir_all(checkpoint)?;
            let_the_disk_rest()?;
            shares.push(1.0 - without / with);
        }
        figures.add(name, median(shares), "share", goal);
    }
    Ok(())
}

/// From when the first batch began until when the last one was complete.
#[derive(Clone, Default)]
struct Span(Arc<Mutex<Option<(Instant, Instant)>>>);

impl Span {
    fn reach(&self) {
        let now = Instant::now();
        if let Ok(mut span) = self.0.lock() {
            *span = Some((span.map_or(now, |(start, _)| start), now));
        }
    }
}

impl Listener for Span {
    fn batch_started(&mut self, _: &BatchStart) {
        self.reach();
    }

    fn batch_completed(&mut self, _: &BatchReport) {
        self.reach();
    }
}

/// Counts the words of the files in `input`, with a running count of each word, so many lines of a second in each batch.
/// Answers the seconds that it took.
fn count(
    input: &Path,
    interval: u64,
    num_lines: u64,
    per_second: u64,
    checkpoint: Option<&Path>,
) -> Result<f64> {
    let span = Span::default();
    let mut context = StreamingContext::new("cost", Duration::from_millis(interval))?;
    if let Some(path) = checkpoint {
        context.checkpoint(path);
    }
    context.listener(span.clone());
    let split = context.plugin("split", PluginSpec::new(plugin("split_words")?));
    let sum = context.plugin("sum", PluginSpec::new(plugin("sum")?));
    context.native_plugin("running", running_sum());
    let files = Directory { max_rate: Some(per_second), ..Directory::new(input) };
    let lines = context.text_files("lines", files);
    let words = context.transform("words", &lines, &split);
    let counts = context.reduce_by_key("counts", &words, &["word"], &sum);
    let key = vec!["word".to_owned()];
    let map = MapWithState { plugin: "running".to_owned(), key, timeout: None, initial_state: None };
    let totals = context.operator("totals", &[&counts], map);
    context.discard("nowhere", &totals);
    let options = RunOptions { extent: Extent::Available, ..RunOptions::default() };
    let summary = context.start(&options)?.await_termination()?;
    ensure!(summary.num_rows_in == num_lines, "{} of {num_lines} lines were counted", summary.num_rows_in);
    let span = span.0.lock().map_err(|_| anyhow!("the listener panicked"))?;
    let (start, end) = span.context("there was no batch")?;
    Ok(end.duration_since(start).as_secs_f64())
}

/// Fills states, ends, and starts again.
fn measure_recovery(figures: &mut Figures, folder: &Path, num_keys: usize) -> Result<()> {
    let context = |clock: &Arc<ManualClock>, queue: &Queue| -> Result<StreamingContext> {
        let mut context = StreamingContext::new("recovery", Duration::from_secs(1))?;
        context.checkpoint(folder).clock(Arc::clone(clock) as Arc<_>);
        let rows = context.queue_stream("rows", queue);
        context.native_plugin("sum", running_sum());
        let key = vec!["key".to_owned()];
        let update = UpdateStateByKey { plugin: "sum".to_owned(), key, initial_state: None };
        let states = context.operator("states", &[&rows], update);
        context.discard("nowhere", &states);
        Ok(context)
    };
    let fills = num_keys.div_ceil(FILL_KEYS);
    let (clock, queue) = (Arc::new(ManualClock::new(0)), Queue::new(schema(), Take::One));
    for fill in 0..fills {
        queue.push(block(fill * FILL_KEYS..num_keys.min((fill + 1) * FILL_KEYS), 1)?)?;
    }
    let options = RunOptions { batches: Some(fills as u64), ..RunOptions::default() };
    let running = context(&clock, &queue)?.start(&options)?;
    clock.advance(1000 * fills as i64);
    running.await_termination()?;
    let (clock, queue) = (Arc::new(ManualClock::new(1000 * fills as i64)), Queue::new(schema(), Take::One));
    let again = context(&clock, &queue)?;
    let begun = Instant::now();
    let running = again.start(&RunOptions::default())?;
    let took = begun.elapsed().as_secs_f64();
    running.stop(StopMode::Immediate);
    running.await_termination()?;
    figures.add("checkpoint.recovery_s", took, "s", None);
    let goal = Some(Goal::AtLeast(2_000_000.0));
    figures.add("checkpoint.recovery_keys_per_s", num_keys as f64 / took, "keys/s", goal);
    Ok(())
}

/// Sends frames as fast as they are safe.
fn measure_log(figures: &mut Figures, folder: &Path, seconds: u64) -> Result<()> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut context = StreamingContext::new("log", Duration::from_millis(100))?;
    context.checkpoint(folder);
    let lines = context.source("lines", Framed::new(format!("127.0.0.1:{port}")));
    context.discard("nowhere", &lines);
    let running = context.start(&RunOptions::default())?;
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("nobody listens for frames")?;
    stream.set_nodelay(true)?;
    (&stream).write_all(b"TMF1\0\x05bench")?;
    let answer = || -> Result<u64> {
        let mut answer = [0; 8];
        (&stream).read_exact(&mut answer)?;
        Ok(u64::from_be_bytes(answer))
    };
    let (mut safe, mut sent) = (answer()?, 0);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(seconds) || safe < sent {
        let mut frames = Vec::new();
        while sent < safe + FRAMES_UNDER_WAY && begun.elapsed() < Duration::from_secs(seconds) {
            sent += 1;
            frames.extend((FRAME_BYTES as u32).to_be_bytes());
            frames.extend(sent.to_be_bytes());
            frames.extend([b'x'; FRAME_BYTES]);
        }
        (&stream).write_all(&frames)?;
        safe = answer()?;
    }
    let took = begun.elapsed().as_secs_f64();
    running.stop(StopMode::Graceful);
    running.await_termination()?;
    figures.add("checkpoint.log_frames_per_s", sent as f64 / took, "frames/s", None);
    figures.add(
        "checkpoint.log_mib_per_s",
        sent as f64 * FRAME_BYTES as f64 / took / 1_048_576.0,
        "MiB/s",
        None,
    );
    Ok(())
}
