//! States that grow a field: carried over while batches go on, atomically with the swap, and back with it.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

use tidemill::context::StreamingContext;
use tidemill::context::swap::Swapped;

use super::super::support::{Project, published};
use super::restart::with_checkpoint;
use super::*;

/// A pipeline that adds up pairs by key, at first by `versioned_total`.
struct Adding {
    files: Files,
    queue: Queue,
    kept: Kept,
    sums: Kept,
    keys: Kept,
    running: RunningContext,
}

impl Adding {
    fn start(make: impl Fn(&Files) -> StreamingContext) -> Self {
        Self::go_on(Files::new(), make)
    }

    fn go_on(files: Files, make: impl Fn(&Files) -> StreamingContext) -> Self {
        let queue = Queue::new(pairs(&[]).schema(), Take::All);
        let (kept, sums, keys) = (Kept::default(), Kept::default(), Kept::default());
        let mut context = make(&files);
        context.workers(NonZeroUsize::new(2).unwrap());
        let total = context.plugin("total", PluginSpec::new(files.version("versioned_total", "one")));
        let sum = context.plugin("sum", PluginSpec::new(plugin("sum")));
        let source = context.queue_stream("pairs", &queue);
        let told = context.map_with_state("totals", &source, &["key"], &total, None);
        let window = WindowSpec::of(Duration::from_secs(1000));
        let summed = context.reduce_by_key_and_window("sums", &source, &["key"], &sum, window);
        let snapshots = context.state_snapshots("snapshots", &told);
        let counted = context.count("keys", &snapshots);
        context.sink("kept", &told, kept.clone());
        context.sink("sums", &summed, sums.clone());
        context.sink("keys", &counted, keys.clone());
        let running = context.start(&RunOptions::default()).unwrap();
        Self { files, queue, kept, sums, keys, running }
    }

    fn push(&self, of: &[(&str, i64)]) {
        self.queue.push(pairs(of)).unwrap();
    }

    fn swap(&self, version: &str) -> Result<Swapped, SwapError> {
        self.running.swap("total", self.files.version("versioned_stats", version))
    }

    fn end(self) -> Files {
        self.running.stop(StopMode::Graceful);
        self.running.await_termination().unwrap();
        self.files
    }
}

fn without_checkpoint(_: &Files) -> StreamingContext {
    context()
}

#[test]
fn a_state_that_grows_a_field_is_migrated_and_windows_stay() {
    let adding = Adding::start(without_checkpoint);
    adding.push(&[("a", 1), ("b", 2)]);
    assert_eq!(rows(&adding.kept, 2), ["(a, 1, one)", "(b, 2, one)"]);
    let swapped = adding.swap("two").unwrap();
    assert_eq!(swapped.fit, Fit::Accepted(vec!["keys".to_owned()]), "it reads the grown states");
    adding.push(&[("a", 10), ("c", 5)]);
    assert_eq!(rows(&adding.kept, 4)[2..], ["(a, 11, two 1)", "(c, 5, two 1)"]);
    wait_until("the window over both versions", || {
        let (_, mut last) = adding.sums.batches().pop()?;
        last.sort();
        (last == ["(a, 11)", "(b, 2)", "(c, 5)"]).then_some(())
    });
    wait_until("the keys", || (adding.keys.batches().last()?.1 == ["3"]).then_some(()));
    adding.push(&[("b", 1)]);
    assert_eq!(rows(&adding.kept, 5)[4], "(b, 3, two 1)");
}

#[test]
fn nothing_is_lost_of_what_changes_while_states_are_migrated() {
    let adding = Adding::start(without_checkpoint);
    let names: Vec<String> = (0..5000).map(|number| format!("k{number}")).collect();
    let all: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let is_swapped = AtomicBool::new(false);
    let num_rounds = std::thread::scope(|scope| {
        let feeding = scope.spawn(|| {
            let mut rounds = 0;
            loop {
                let is_last = is_swapped.load(Ordering::SeqCst);
                adding.push(&all);
                rounds += 1;
                wait_until("room", || (adding.queue.len() < 4).then_some(()));
                if is_last {
                    return rounds;
                }
            }
        });
        wait_until("rows", || (!adding.kept.batches().is_empty()).then_some(()));
        adding.swap("two").unwrap();
        is_swapped.store(true, Ordering::SeqCst);
        feeding.join().unwrap()
    });
    let told = rows(&adding.kept, num_rounds * names.len());
    let is_total = |row: &&String| row.contains(&format!(", {num_rounds}, two "));
    assert_eq!(told.iter().filter(is_total).count(), names.len(), "each key has seen all its values");
}

#[test]
fn a_state_that_cannot_be_migrated_leaves_what_runs() {
    let adding = Adding::start(without_checkpoint);
    adding.push(&[("a", -1)]);
    assert_eq!(rows(&adding.kept, 1), ["(a, -1, one)"]);
    let error = adding.swap("two").unwrap_err().to_string();
    assert!(
        error.contains("stream `totals` can't be migrated: ") && error.contains("the total -1 is negative"),
        "{error}"
    );
    adding.push(&[("a", 3)]);
    assert_eq!(rows(&adding.kept, 2)[1], "(a, 2, one)");
    adding.swap("two").unwrap();
    adding.push(&[("a", 3)]);
    assert_eq!(rows(&adding.kept, 3)[2], "(a, 5, two 1)");
}

#[test]
fn a_version_that_fails_after_its_migration_goes_back_to_the_states_before() {
    let adding = Adding::start(with_checkpoint);
    adding.push(&[("a", 1), ("poison", 2)]);
    assert_eq!(rows(&adding.kept, 2).len(), 2);
    let swapped = adding.swap("greedy").unwrap();
    // Batches without rows are committed with the migrated states meanwhile.
    wait_until("batches on trial", || {
        let later = adding.keys.batches().into_iter().filter(|(time, _)| *time > swapped.batch.millis());
        (later.count() > 2).then_some(())
    });
    assert!(adding.running.swapper().in_use()["total"].is_on_trial);
    adding.push(&[("a", 1), ("b", 1), ("poison", 1)]);
    let mut told = rows(&adding.kept, 5).split_off(2);
    told.sort();
    assert_eq!(told, ["(a, 2, one)", "(b, 1, one)", "(poison, 3, one)"]);
    wait_until("the rollback", || adding.running.swapper().quarantined("total"));

    let adding = Adding::go_on(adding.end(), with_checkpoint);
    assert_eq!(adding.running.swapper().in_use()["total"].digest, swapped.from);
    adding.push(&[("a", 1), ("b", 1), ("poison", 1)]);
    let mut told = rows(&adding.kept, 3);
    told.sort();
    assert_eq!(told, ["(a, 3, one)", "(b, 2, one)", "(poison, 4, one)"]);
}

#[test]
fn migrated_states_are_in_the_checkpoint_and_there_is_no_way_back_from_them() {
    let adding = Adding::start(with_checkpoint);
    adding.push(&[("a", 1), ("b", 2)]);
    assert_eq!(rows(&adding.kept, 2).len(), 2);
    adding.swap("two").unwrap();
    adding.push(&[("a", 1)]);
    assert_eq!(rows(&adding.kept, 3)[2], "(a, 2, two 1)");
    let error = adding.running.swapper().rollback("total", None).unwrap_err().to_string();
    assert!(error.contains("a state (total: int64, count: int64), and would keep"), "{error}");

    let adding = Adding::go_on(adding.end(), with_checkpoint);
    adding.push(&[("a", 1), ("b", 1)]);
    assert_eq!(rows(&adding.kept, 2), ["(a, 3, two 2)", "(b, 3, two 1)"]);
}

const MANIFEST: &str = r#"
[pipeline]
name = "growing"
batch_interval = "10ms"
checkpoint = "checkpoint"
[plugins.total]
path = "total.wasm"
watch = true
[sources.pairs]
kind = "directory"
path = "in"
existing = true
format = "csv"
schema = { key = "utf8", value = "int64" }
[streams.totals]
op = "map_with_state"
from = "pairs"
key = ["key"]
plugin = "total"
[sinks.out]
kind = "files"
from = "totals"
path = "out/totals"
format = "csv"
"#;

const NUM_KEYS: usize = 2000;

#[test]
fn killed_around_a_migration_each_key_has_its_total() {
    let mut random = super::super::support::Lines::new(20_261_122);
    let all = |value: usize| (0..NUM_KEYS).map(|key| format!("k{key},{value}\n")).collect::<String>();
    let mut num_swapped = 0;
    for cycle in 0..5 {
        let project = Project::new(MANIFEST);
        project.make_folder("in");
        project.write("total.wasm", version("versioned_total", "one"));
        let mut program = project.start(&[]);
        program.wait_for_log("running", 1);
        let mut total = 0;
        let mut feed = |value: usize| {
            total += value;
            project.move_in(&format!("in/{total}.csv"), all(value));
        };
        feed(1);
        wait_until("rows", || (!published(&project.path("out"), "totals").is_empty()).then_some(()));
        project.move_in("total.wasm", version("versioned_stats", "two"));
        feed(2);
        std::thread::sleep(Duration::from_millis(40 + random.below(150)));
        feed(3);
        program.kill();
        num_swapped += usize::from(program.stderr().contains("swapped plugin=total"));
        feed(4);
        // Whichever version ran, each batch that counts is there once, with all that came before it.
        project.succeed(&["--once"]);
        let folders = published(&project.path("out"), "totals");
        let last: Vec<String> = folders
            .iter()
            .flat_map(|f| f.values())
            .flat_map(|file| file.lines())
            .map(str::to_owned)
            .collect();
        let is_total = |line: &&String| line.split(',').nth(1) == Some("10");
        assert_eq!(last.iter().filter(is_total).count(), NUM_KEYS, "cycle {cycle}: of {} rows", last.len());
    }
    assert!(num_swapped > 0, "every program was killed too early");
}
