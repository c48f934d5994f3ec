//! More than can be processed: batches that fit their interval, late batches that run as one, rates that are given,
//! memory that stays under a ceiling; and nothing is lost meanwhile.

mod ceiling;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use tidemill::batch::rate::RateOptions;
use tidemill::batch::{Clock, ManualClock};
use tidemill::context::{BatchReport, RunOptions, StopMode, StreamHandle, StreamingContext};
use tidemill::operator::WindowSpec;
use tidemill::record::{BatchTime, Partition};
use tidemill::source::{Directory, Queue, Take};

use super::support::{Lines, PATIENCE, Project, last_published, published, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// A file of the lines 0, 1, 2 and so on, as old as can be.
fn numbers(folder: &Path, count: u64) {
    let mut file = File::create(folder.join("numbers.txt")).unwrap();
    let text: String = (0..count).map(|number| format!("{number:020}\n")).collect();
    file.write_all(text.as_bytes()).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_millis(1)).unwrap();
}

/// What became of each batch, and all lines.
#[derive(Clone, Default)]
struct Seen {
    reports: Arc<Mutex<Vec<BatchReport>>>,
    lines: Arc<Mutex<Vec<u64>>>,
}

impl Seen {
    fn reports(&self) -> Vec<BatchReport> {
        self.reports.lock().unwrap().clone()
    }

    /// How many rows each batch had.
    fn sizes(&self) -> Vec<usize> {
        self.reports().iter().map(BatchReport::num_rows_in).collect()
    }

    fn num_lines(&self) -> usize {
        self.lines.lock().unwrap().len()
    }
}

/// Has batches of `stream` take as long as `millis` says of their rows, by `clock`, which goes on to the next batch by itself.
fn work(
    context: &mut StreamingContext,
    stream: &StreamHandle,
    clock: &Arc<ManualClock>,
    millis: impl Fn(usize) -> i64 + Send + 'static,
) -> Seen {
    let seen = Seen::default();
    let (lines, working) = (Arc::clone(&seen.lines), Arc::clone(clock));
    context.for_each_batch("work", stream, move |_: BatchTime, partitions: &[Partition]| {
        let mut lines = lines.lock().unwrap();
        let before = lines.len();
        for block in partitions.iter().flatten() {
            lines.extend(
                block.column(0).as_string::<i32>().iter().map(|line| line.unwrap().parse::<u64>().unwrap()),
            );
        }
        working.advance(millis(lines.len() - before));
        Ok::<(), std::convert::Infallible>(())
    });
    let (reports, idle) = (Arc::clone(&seen.reports), Arc::clone(clock));
    context.listener(move |report: &BatchReport| {
        reports.lock().unwrap().push(report.clone());
        let until_next = report.time.millis() + 1000 - idle.now_millis();
        if until_next > 0 {
            idle.advance(until_next);
        }
    });
    seen
}

fn context(clock: &Arc<ManualClock>) -> StreamingContext {
    let mut context = StreamingContext::new("rates", SECOND).unwrap();
    context.clock(Arc::clone(clock) as Arc<_>);
    context
}

/// Reads a file of so many lines with batches of a second that take a millisecond for each hundred rows.
fn backlog(count: u64, rate: RateOptions, max_rate: Option<u64>) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    numbers(folder.path(), count);
    let clock = Arc::new(ManualClock::new(10_000));
    let mut context = context(&clock);
    context.rate(rate);
    let directory = Directory { existing: true, max_rate, ..Directory::new(folder.path()) };
    let lines = context.text_files("lines", directory);
    let seen = work(&mut context, &lines, &clock, |rows| (rows / 100) as i64);
    let running = context.start(&RunOptions::default()).unwrap();
    clock.advance(1000);
    wait_until("all lines", || (seen.num_lines() as u64 >= count).then_some(()));
    running.stop(StopMode::Graceful);
    running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap();
    assert!(*seen.lines.lock().unwrap() == (0..count).collect::<Vec<_>>(), "each line once, in order");
    seen
}

#[test]
fn a_backlog_of_files_is_cut_into_batches_that_fit_their_interval() {
    let seen = backlog(600_000, RateOptions::default(), None);
    let (sizes, reports) = (seen.sizes(), seen.reports());
    assert!(sizes[0] <= 100_000, "the first batch is bounded by the initial rate: {sizes:?}");
    let longest = reports.iter().map(|report| report.processing_time).max().unwrap();
    assert!(longest <= SECOND, "{longest:?}, {sizes:?}");
    // What is learnt from the first two holds for all others.
    let longest = reports[2..].iter().map(|report| report.processing_time).max().unwrap();
    assert!(longest <= Duration::from_millis(820), "{longest:?}, {sizes:?}");
    // 80,000 rows fit, so there are about 9 batches with any.
    assert!(sizes.iter().filter(|size| **size > 0).count() <= 12, "{sizes:?}");
    assert!(reports.iter().all(|report| report.num_merged == 0), "none is late");
}

#[test]
fn without_a_rate_a_backlog_is_one_batch_and_by_sparks_rules_it_follows_the_speed() {
    assert_eq!(backlog(300_000, RateOptions::off(), None).sizes()[0], 300_000);
    let sizes = backlog(600_000, RateOptions::spark(), None).sizes();
    // The first two batches have the initial rate, as the first one only teaches; then comes what a second can take.
    let steady = &sizes[3..5];
    assert!(sizes[0] <= 100_000 && steady.iter().all(|size| (80_000..=101_000).contains(size)), "{sizes:?}");
}

#[test]
fn a_rate_that_is_given_holds_for_files() {
    let seen = backlog(30_000, RateOptions::default(), Some(5000));
    let sizes = seen.sizes();
    let most = sizes.iter().scan(0, |sum, size| {
        *sum += size;
        Some(*sum)
    });
    // The bytes of a row have to be learnt, so that the first batch may be too large; the next ones make up for it.
    assert!(most.zip(1..).all(|(sum, seconds)| sum <= 5000 * seconds + 8000), "{sizes:?}");
    let num_batches = sizes.iter().filter(|size| **size > 0).count();
    assert!((6..=9).contains(&num_batches), "{sizes:?}");
}

#[test]
fn late_batches_run_as_one_where_nothing_depends_on_their_number() {
    for (windows, merges, expected) in [
        (false, true, vec![(1000, 0), (11_000, 9), (12_000, 0)]),
        (false, false, (1..=12).map(|second| (second * 1000, 0)).collect()),
        (true, true, (1..=12).map(|second| (second * 1000, 0)).collect()),
    ] {
        let clock = Arc::new(ManualClock::new(0));
        let mut context = context(&clock);
        context.merge_late(merges);
        let folder = tempfile::tempdir().unwrap();
        numbers(folder.path(), 3);
        let lines =
            context.text_files("lines", Directory { existing: true, ..Directory::new(folder.path()) });
        if windows {
            let counts = context.count_by_window("counts", &lines, WindowSpec::sliding(3 * SECOND, SECOND));
            context.discard("nowhere", &counts);
        }
        // Three rows keep it busy for ten seconds.
        let seen = work(&mut context, &lines, &clock, |rows| if rows > 0 { 10_000 } else { 0 });
        let running = context.start(&RunOptions::default()).unwrap();
        clock.advance(1000);
        wait_until("the batches", || (seen.reports().len() >= expected.len()).then_some(()));
        running.stop(StopMode::Immediate);
        let metrics = running.metrics();
        running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap();
        let reports = seen.reports();
        let heard: Vec<(i64, u64)> =
            reports.iter().map(|report| (report.time.millis(), report.num_merged)).collect();
        assert_eq!(heard[..expected.len()], expected, "windows: {windows}, merges: {merges}");
        if merges && !windows {
            assert!(reports[1].scheduling_delay < SECOND, "{reports:?}");
            assert!(metrics.text().contains("tidemill_batches_merged_total{pipeline=\"rates\"} 9\n"));
        }
    }
}

#[test]
fn a_queue_of_which_a_batch_takes_a_block_has_every_batch() {
    let block = |number: i64| {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![number]));
        RecordBatch::try_from_iter([("n", column)]).unwrap()
    };
    for (take, expected) in [(Take::One, vec![1000, 2000, 3000, 4000, 5000]), (Take::All, vec![5000])] {
        let clock = Arc::new(ManualClock::new(0));
        let mut context = context(&clock);
        let queue = Queue::new(block(0).schema(), take);
        (0..5).for_each(|number| queue.push(block(number)).unwrap());
        let numbers = context.queue_stream("numbers", &queue);
        let times = Arc::<Mutex<Vec<i64>>>::default();
        let heard = Arc::clone(&times);
        context.listener(move |report: &BatchReport| heard.lock().unwrap().push(report.time.millis()));
        context.discard("nowhere", &numbers);
        // It leaps before the first batch.
        let running = context.start(&RunOptions::default()).unwrap();
        clock.advance(5000);
        wait_until("the batches", || (times.lock().unwrap().last() == Some(&5000)).then_some(()));
        running.stop(StopMode::Immediate);
        running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap();
        assert_eq!(*times.lock().unwrap(), expected, "{take:?}");
    }
}

#[test]
fn a_file_that_is_read_over_many_batches_counts_once_however_often_the_program_is_killed() {
    let manifest = |format: &str| {
        format!(
            r#"
            [pipeline]
            name = "slowly"
            batch_interval = "20ms"
            checkpoint = "checkpoint"
            [plugins.running]
            path = "@running_sum"
            [sources.orders]
            kind = "directory"
            path = "orders"
            format = "{format}"
            schema = {{ key = "utf8", n = "int64" }}
            existing = true
            max_rate = 20000
            [streams.totals]
            op = "update_state_by_key"
            from = "orders"
            key = ["key"]
            plugin = "running"
            [sinks.totals]
            kind = "files"
            from = "totals"
            path = "out/totals"
            skip_empty = true
            "#
        )
    };
    let row = |format: &str, n: u64| match format {
        "csv" => format!("\"k\n{}\",{n}\n", n % 3),
        _ => format!("{{\"key\": \"k\\n{}\", \"n\": {n}}}\n", n % 3),
    };
    let mut random = Lines::new(11);
    for format in ["csv", "jsonl"] {
        let project = Project::new(&manifest(format));
        let text: String = (1..=40_000).map(|n| row(format, n)).collect();
        project.write("orders/all", text);
        let total = || {
            let last = last_published(&project.path("out"), "totals").unwrap_or_default();
            let rows = last.values().flat_map(|file| file.lines());
            let numbers = rows.filter_map(|row| row.strip_suffix(')')?.rsplit_once(", "));
            numbers.map(|(_, n)| n.parse::<u64>().unwrap()).sum::<u64>()
        };
        let all = 40_000 * 40_001 / 2;
        let mut before = 0;
        for _ in 0..3 {
            let mut program = project.start(&[]);
            // It is killed within the file.
            wait_until("some rows", || (total() > before).then_some(()));
            std::thread::sleep(Duration::from_millis(random.below(60)));
            program.kill();
            before = total();
            assert!(before < all, "the file was read at once");
        }
        let program = project.start(&[]);
        wait_until("all rows", || (total() >= all).then_some(()));
        program.wait_for_log("running", 1);
        program.signal("INT");
        assert_eq!(program.finish().code, Some(0));
        assert_eq!(total(), all, "{format}");
    }
}

#[test]
fn what_is_there_is_read_at_once_or_by_the_rate_that_is_given() {
    for (max_rate, batches) in [("", 1..=1), ("max_rate = 1000", 3..=6)] {
        let project = Project::new(&format!(
            r#"
            [pipeline]
            name = "once"
            batch_interval = "1s"
            [sources.lines]
            kind = "directory"
            path = "in"
            {max_rate}
            [sinks.out]
            kind = "files"
            from = "lines"
            path = "out/lines"
            "#
        ));
        let text: String = (0..4000).map(|n| format!("this is line {n:04}\n")).collect();
        project.write("in/lines.txt", &text);
        project.succeed(&["--once"]);
        let folders = published(&project.path("out"), "lines");
        let written: String = folders.iter().flat_map(|folder| folder.values()).map(String::as_str).collect();
        assert!(written == text, "all lines in order");
        assert!(batches.contains(&folders.len()), "{} batches with `{max_rate}`", folders.len());
    }
}
