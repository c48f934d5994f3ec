//! The number of workers changes while a pipeline runs, and what it puts out stays the same to the last byte.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use tidemill::batch::ManualClock;
use tidemill::context::{RunOptions, StopMode, StreamingContext, WorkersChange, WorkersError};
use tidemill::operator::WindowSpec;
use tidemill::plugin::{Engine, EngineOptions, PluginSpec};
use tidemill::record::BatchTime;
use tidemill::sink::Files;
use tidemill::source::{Extent, Queue, Take};

use super::support::{Folder, Kept, Lines, PATIENCE, cache_folder, folders, plugin};

const SECOND: Duration = Duration::from_secs(1);
const NUM_BATCHES: usize = 12;
const NUM_ROWS: usize = 30_000;

fn block(seed: usize) -> RecordBatch {
    let mut random = Lines::new(seed as u64);
    let words: Vec<String> = (0..NUM_ROWS).map(|_| random.word()).collect();
    let numbers = Int64Array::from_iter_values((0..NUM_ROWS).map(|_| random.below(1000) as i64));
    let words: ArrayRef = Arc::new(StringArray::from(words));
    RecordBatch::try_from_iter([("word", words), ("n", Arc::new(numbers) as ArrayRef)]).unwrap()
}

/// States, windows and batches of their own, over blocks of words, written to `out`, while `change` asks for other numbers of
/// workers one after the other. What it asked for is answered.
fn run(out: &Path, change: &[usize]) -> Vec<WorkersChange> {
    let clock = Arc::new(ManualClock::new(0));
    let mut context = StreamingContext::new("workers", SECOND).unwrap();
    let engine = EngineOptions { cache: Some(cache_folder()), ..EngineOptions::default() };
    context.engine(&Engine::new(&engine).unwrap()).clock(Arc::clone(&clock) as Arc<_>);
    context.workers(NonZeroUsize::MIN);
    let queue = Queue::new(block(0).schema(), Take::One);
    (0..NUM_BATCHES).for_each(|seed| queue.push(block(seed)).unwrap());
    let words = context.queue_stream("words", &queue);
    let sum = context.plugin("sum", PluginSpec::new(plugin("sum")));
    let running_sum = context.plugin("running_sum", PluginSpec::new(plugin("running_sum")));
    let sums = context.reduce_by_key("sums", &words, &["word"], &sum);
    let totals = context.update_state_by_key("totals", &words, &["word"], &running_sum);
    let window = WindowSpec::sliding(4 * SECOND, 2 * SECOND);
    let recent = context.reduce_by_key_and_window("recent", &words, &["word"], &sum, window);
    for (name, stream) in [("sums", &sums), ("totals", &totals), ("recent", &recent)] {
        context.files(name, stream, Files::new(out.join(name)));
    }
    let (kept, counts) = (Kept::default(), context.count("counts", &words));
    context.sink("kept", &counts, kept.clone());
    let running = context.start(&RunOptions::default()).unwrap();
    let is_done = AtomicBool::new(false);
    let changes = std::thread::scope(|scope| {
        let ticking = scope.spawn(|| {
            let mut batch = 0;
            while batch < NUM_BATCHES || !is_done.load(Ordering::Relaxed) {
                batch += 1;
                clock.advance(1000);
                kept.wait_for(batch);
            }
        });
        let changes = change.iter().map(|number| running.set_workers(*number).unwrap()).collect();
        is_done.store(true, Ordering::Relaxed);
        ticking.join().unwrap();
        changes
    });
    running.stop(StopMode::Immediate);
    running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap();
    changes
}

/// What was written in the batches that had rows.
fn written(out: &Path) -> Vec<Vec<Folder>> {
    let batches = [("sums", NUM_BATCHES), ("totals", NUM_BATCHES), ("recent", NUM_BATCHES / 2)];
    batches.map(|(name, count)| folders(out, name).into_iter().take(count).collect()).to_vec()
}

#[test]
fn states_windows_and_sums_are_the_same_bytes_while_workers_come_and_go() {
    let (fixed, changing) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(fixed.path(), &[]);
    let numbers = [4, 2, 1, 3, 2];
    let changes = run(changing.path(), &numbers);
    let expected = written(fixed.path());
    assert_eq!(
        expected.iter().map(Vec::len).collect::<Vec<_>>(),
        [NUM_BATCHES, NUM_BATCHES, NUM_BATCHES / 2]
    );
    assert!(expected[1].last().is_some_and(|folder| folder.len() > 1), "too few rows for several partitions");
    // Not assert_eq, whose message would be megabytes.
    assert!(written(changing.path()) == expected, "the output differs");

    let told: Vec<_> = changes.iter().map(|change| (change.from, change.to)).collect();
    assert_eq!(told, [(1, 4), (4, 2), (2, 1), (1, 3), (3, 2)]);
    let batches: BTreeSet<_> = changes.iter().map(|change| change.batch).collect();
    assert_eq!(batches.len(), numbers.len(), "each with a batch of its own: {batches:?}");
    let last = BatchTime::from_millis(NUM_BATCHES as i64 * 1000);
    assert!(batches.range(..last).count() >= 2, "they change among rows: {batches:?}");
}

#[test]
fn a_number_that_cannot_be_and_a_run_that_has_ended_are_told() {
    let mut context = StreamingContext::new("ended", SECOND).unwrap();
    let queue = Queue::new(block(0).schema(), Take::One);
    let words = context.queue_stream("words", &queue);
    context.discard("nowhere", &words);
    let running = context.start(&RunOptions { extent: Extent::Available, ..RunOptions::default() }).unwrap();
    for number in [0, 1025] {
        assert!(matches!(running.set_workers(number), Err(WorkersError::Number(told)) if told == number));
    }
    running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap();
    assert!(matches!(running.set_workers(2), Err(WorkersError::Ended)));
}
