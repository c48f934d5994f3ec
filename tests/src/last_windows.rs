//! Windows whose next slide the sources don't live to see.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use tidemill::batch::ManualClock;
use tidemill::context::{RunOptions, RunningContext, StopMode, StreamingContext};
use tidemill::operator::WindowSpec;
use tidemill::source::{Extent, Queue, Take};

use super::support::{Batches, Kept, PATIENCE, Project, rows};

const SECOND: Duration = Duration::from_secs(1);

fn block(values: &[i64]) -> RecordBatch {
    RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(values.to_vec())) as ArrayRef)]).unwrap()
}

/// What a run puts out: the rows, windows over them, and windows over these.
#[derive(Default)]
struct Sinks {
    rows: Kept,
    counts: Kept,
    counts_of_counts: Kept,
}

/// Counts over windows of a queue with three batches: of 6 s every 4 s, and of these every 8 s.
fn start(queue: &Queue, options: &RunOptions) -> (Sinks, Arc<ManualClock>, RunningContext) {
    for values in [&[1, 2][..], &[3], &[4, 5, 6]] {
        queue.push(block(values)).unwrap();
    }
    let (sinks, clock) = (Sinks::default(), Arc::new(ManualClock::new(0)));
    let mut context = StreamingContext::new("windows", SECOND).unwrap();
    context.clock(Arc::clone(&clock) as Arc<_>);
    let numbers = context.queue_stream("rows", queue);
    let counts = context.count_by_window("counts", &numbers, WindowSpec::sliding(6 * SECOND, 4 * SECOND));
    let every_8 = WindowSpec::sliding(8 * SECOND, 8 * SECOND);
    let counts_of_counts = context.count_by_window("counts_of_counts", &counts, every_8);
    context.sink("rows_out", &numbers, sinks.rows.clone());
    context.sink("counts_out", &counts, sinks.counts.clone());
    context.sink("counts_of_counts_out", &counts_of_counts, sinks.counts_of_counts.clone());
    let running = context.start(options).unwrap();
    (sinks, clock, running)
}

fn batches(expected: &[(i64, &[&str])]) -> Batches {
    let batch = |(time, rows): &(i64, &[&str])| (*time, rows.iter().map(|row| (*row).to_owned()).collect());
    expected.iter().map(batch).collect()
}

#[test]
fn when_the_sources_end_every_window_puts_out_what_came_last_as_if_time_had_gone_on() {
    for extent in [Extent::Available, Extent::Endless] {
        let queue = Queue::new(block(&[]).schema(), Take::One);
        let (sinks, clock, running) = start(&queue, &RunOptions { extent, ..RunOptions::default() });
        queue.close();
        clock.advance(3000);
        let summary = running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap();
        let rows: [(i64, &[&str]); 3] = [(1000, &["1", "2"]), (2000, &["3"]), (3000, &["4", "5", "6"])];
        assert_eq!(sinks.rows.batches(), batches(&rows), "nothing is put out but windows");
        assert_eq!(sinks.counts.batches(), batches(&[(4000, &["6"]), (8000, &["3"])]), "{extent:?}");
        assert_eq!(sinks.counts_of_counts.batches(), batches(&[(8000, &["2"])]));
        assert_eq!((summary.num_batches, summary.num_rows_in), (8, 6));
    }
}

#[test]
fn a_pipeline_that_is_stopped_puts_out_no_window_early() {
    for (mode, limit) in [(Some(StopMode::Graceful), None), (None, Some(3))] {
        let queue = Queue::new(block(&[]).schema(), Take::One);
        let options = RunOptions { batches: limit, ..RunOptions::default() };
        let (sinks, clock, running) = start(&queue, &options);
        clock.advance(3000);
        sinks.rows.wait_for(3);
        mode.into_iter().for_each(|mode| running.stop(mode));
        running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap();
        assert!(sinks.counts.batches().iter().all(|(time, _)| *time == 4000), "{:?}", sinks.counts.batches());
        assert_eq!(sinks.counts_of_counts.batches(), []);
    }
}

#[test]
fn once_is_enough_for_a_window_with_a_long_slide() {
    let manifest = r#"
        [pipeline]
        name = "once"
        batch_interval = "1s"
        [plugins.sum]
        path = "@sum"
        [sources.numbers]
        kind = "directory"
        path = "numbers"
        format = "csv"
        schema = { key = "utf8", n = "int64" }
        [streams.totals]
        op = "reduce_by_key"
        from = "numbers"
        key = ["key"]
        plugin = "sum"
        window = { length = "1h", slide = "10m" }
        [sinks.totals]
        kind = "files"
        from = "totals"
        path = "out/totals"
    "#;
    let project = Project::new(manifest);
    project.write("numbers/a.csv", "a,1\nb,2\na,3\n");
    project.succeed(&["--once"]);
    assert_eq!(rows(&project.path("out"), "totals"), ["(a, 4)", "(b, 2)"]);
}
