//! Other code for a plugin while its pipeline runs: from the next batch on, with what streams keep, and back again
//! where it does worse.

mod grown;
mod killed;
mod load;
mod migrate;
mod restart;
mod shadow;
mod together;
mod trial;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use tempfile::TempDir;
use tidemill::checkpoint::How;
use tidemill::context::swap::{Code, Fit, SwapError};
use tidemill::context::{RunOptions, RunningContext, StopMode, StreamingContext};
use tidemill::operator::WindowSpec;
use tidemill::plugin::{Engine, EngineOptions, NativeTransformer, PluginSpec, TransformPlan};
use tidemill::source::{Queue, Take};

use super::support::{Kept, cache_folder, plugin, renamed, version, wait_until};

const INTERVAL: Duration = Duration::from_millis(10);

/// Files of plugins, removed in the end.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: Vec<u8>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Version `name` of `plugin`.
    fn version(&self, plugin: &str, name: &str) -> PathBuf {
        self.write(&format!("{plugin}-{name}.wasm"), version(plugin, name))
    }
}

fn context() -> StreamingContext {
    let mut context = StreamingContext::new("swapping", INTERVAL).unwrap();
    let engine =
        Engine::new(&EngineOptions { cache: Some(cache_folder()), ..EngineOptions::default() }).unwrap();
    context.engine(&engine);
    context
}

fn lines(lines: &[&str]) -> RecordBatch {
    let column: ArrayRef = Arc::new(StringArray::from_iter_values(lines));
    RecordBatch::try_from_iter([("line", column)]).unwrap()
}

fn pairs(pairs: &[(&str, i64)]) -> RecordBatch {
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(pairs.iter().map(|(key, _)| key)));
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values(pairs.iter().map(|(_, value)| *value)));
    RecordBatch::try_from_iter([("key", keys), ("value", values)]).unwrap()
}

/// The rows that `kept` has, once there are so many.
#[track_caller]
fn rows(kept: &Kept, num_rows: usize) -> Vec<String> {
    wait_until("rows", || {
        let rows: Vec<String> = kept.batches().into_iter().flat_map(|(_, rows)| rows).collect();
        (rows.len() >= num_rows).then_some(rows)
    })
}

/// A pipeline that lets `versioned`, at first version `one`, say lines.
struct Saying {
    files: Files,
    queue: Queue,
    kept: Kept,
    running: RunningContext,
}

impl Saying {
    fn start() -> Self {
        let (files, queue, kept) =
            (Files::new(), Queue::new(lines(&[]).schema(), Take::One), Kept::default());
        let mut context = context();
        let say = context.plugin("say", PluginSpec::new(files.version("versioned", "one")));
        let source = context.queue_stream("lines", &queue);
        let said = context.transform("said", &source, &say);
        context.sink("kept", &said, kept.clone());
        let running = context.start(&RunOptions::default()).unwrap();
        Self { files, queue, kept, running }
    }

    fn push(&self, of: &[&str]) {
        self.queue.push(lines(of)).unwrap();
    }
}

#[test]
fn a_swap_is_in_use_with_the_next_batch_and_can_be_taken_back() {
    let saying = Saying::start();
    saying.push(&["a"]);
    assert_eq!(rows(&saying.kept, 1), ["one a"]);
    let two = saying.files.version("versioned", "two");
    let swapped = saying.running.swap("say", &two).unwrap();
    assert_eq!((swapped.plugin.as_str(), &swapped.fit), ("say", &Fit::Same));
    saying.push(&["b"]);
    assert_eq!(rows(&saying.kept, 2)[1], "two b");
    let batches = saying.kept.batches();
    assert!(batches.iter().any(|(time, _)| *time == swapped.batch.millis()), "it names a batch that ran");
    let back = saying.running.swap("said", saying.files.version("versioned", "one")).unwrap();
    assert_eq!((back.from, back.to), (swapped.to, swapped.from), "a stream's name stands for its plugin");
    saying.push(&["c"]);
    assert_eq!(rows(&saying.kept, 3)[2], "one c");
    let in_use = saying.running.swapper().in_use();
    assert_eq!(in_use["say"].since, Some(back.batch));
}

#[test]
fn state_and_windows_go_on_under_the_new_version() {
    let files = Files::new();
    let (queue, totals, sums) =
        (Queue::new(pairs(&[]).schema(), Take::One), Kept::default(), Kept::default());
    let mut context = context();
    let total = context.plugin("total", PluginSpec::new(files.version("versioned_total", "one")));
    let sum = context.plugin("sum", PluginSpec::new(plugin("sum")));
    let source = context.queue_stream("pairs", &queue);
    let told = context.map_with_state("totals", &source, &["key"], &total, None);
    let window = WindowSpec::of(Duration::from_secs(1000));
    let summed = context.reduce_by_key_and_window("sums", &source, &["key"], &sum, window);
    context.sink("totals", &told, totals.clone());
    context.sink("sums", &summed, sums.clone());
    let running = context.start(&RunOptions::default()).unwrap();
    queue.push(pairs(&[("a", 1), ("b", 2)])).unwrap();
    assert_eq!(rows(&totals, 2), ["(a, 1, one)", "(b, 2, one)"]);
    let both = [
        ("total".to_owned(), Code::File(files.version("versioned_total", "two"))),
        ("sum".to_owned(), Code::Bytes(renamed("sum", 0))),
    ];
    let swapped = running.swapper().swap_all(&both, How::Swap).unwrap();
    assert_eq!(swapped.iter().map(|one| one.batch).collect::<Vec<_>>(), [swapped[0].batch; 2]);
    queue.push(pairs(&[("a", 10)])).unwrap();
    assert_eq!(rows(&totals, 3)[2], "(a, 11, two)");
    wait_until("the window over both versions", || {
        sums.batches().last().is_some_and(|(_, rows)| rows == &["(a, 11)", "(b, 2)"]).then_some(())
    });
}

#[test]
fn what_is_no_version_of_the_plugin_is_refused_and_the_old_one_goes_on() {
    let saying = Saying::start();
    let refused = |plugin: &str, file: PathBuf| saying.running.swap(plugin, file).unwrap_err();
    let error = refused("say", saying.files.version("versioned", "one"));
    assert!(matches!(error, SwapError::Unchanged { .. }), "{error}");
    let error = refused("shout", saying.files.version("versioned", "two")).to_string();
    assert!(error.contains("`shout`") && error.contains("the plugins are say"), "{error}");
    let error = refused("say", saying.files.write("broken.wasm", b"\0asm broken".to_vec()));
    assert!(matches!(error, SwapError::Plugin(_)), "{error}");
    let error = refused("say", saying.files.0.path().join("missing.wasm")).to_string();
    assert!(error.contains("missing.wasm"), "{error}");
    let error = refused("say", plugin("sum")).to_string();
    assert!(error.contains("can't take the place of what runs"), "{error}");
    let error = refused("say", plugin("remembers")).to_string();
    assert!(error.contains("sink `kept`") && error.contains("(seen: utf8)"), "{error}");
    saying.push(&["a"]);
    assert_eq!(rows(&saying.kept, 1), ["one a"]);
}

#[test]
fn other_columns_are_taken_where_all_that_read_them_take_them() {
    let (queue, kept) = (Queue::new(lines(&[]).schema(), Take::One), Kept::default());
    let files = Files::new();
    let mut context = context();
    let say = context.plugin("say", PluginSpec::new(files.version("versioned", "one")));
    let source = context.queue_stream("lines", &queue);
    let said = context.transform("said", &source, &say);
    let counts = context.count("counts", &said);
    context.sink("kept", &counts, kept.clone());
    let running = context.start(&RunOptions::default()).unwrap();
    let swapped = running.swap("say", plugin("split_words")).unwrap();
    assert_eq!(swapped.fit, Fit::Accepted(vec!["counts".to_owned()]));
    queue.push(lines(&["a b c"])).unwrap();
    wait_until("a count of words", || kept.batches().iter().any(|(_, rows)| rows == &["3"]).then_some(()));
}

#[test]
fn a_state_of_other_columns_is_refused() {
    let (queue, kept) = (Queue::new(pairs(&[]).schema(), Take::One), Kept::default());
    let files = Files::new();
    let mut context = context();
    let total = context.plugin("total", PluginSpec::new(files.version("versioned_total", "one")));
    let source = context.queue_stream("pairs", &queue);
    let told = context.map_with_state("totals", &source, &["key"], &total, None);
    context.sink("kept", &told, kept.clone());
    let running = context.start(&RunOptions::default()).unwrap();
    let error = running.swap("total", plugin("versioned_mean")).unwrap_err().to_string();
    assert!(error.contains("stream `totals` keeps for each key (key: utf8) a state ("), "{error}");
    assert!(error.contains("float64"), "{error}");
    queue.push(pairs(&[("a", 1)])).unwrap();
    assert_eq!(rows(&kept, 1), ["(a, 1, one)"]);
}

#[test]
fn native_code_is_not_swapped_and_a_plugin_is_named_once() {
    let saying = Saying::start();
    let two = || ("say".to_owned(), Code::File(saying.files.version("versioned", "two")));
    let error = saying.running.swapper().swap_all(&[two(), two()], How::Swap).unwrap_err();
    assert!(matches!(error, SwapError::Twice(_)), "{error}");

    let mut context = context();
    let plan = TransformPlan { reads: vec![0], carries: vec![0], produces: vec![] };
    let native = NativeTransformer::new("native", plan, |_, _| Err("never called".to_owned()));
    let native = context.native_plugin("native", native);
    let queue = Queue::new(lines(&[]).schema(), Take::One);
    let source = context.queue_stream("lines", &queue);
    let same = context.transform("same", &source, &native);
    context.discard("nowhere", &same);
    let running = context.start(&RunOptions::default()).unwrap();
    let error = running.swap("native", plugin("split_words")).unwrap_err();
    assert!(matches!(error, SwapError::Native(_)), "{error}");
}

#[test]
fn a_swap_of_a_pipeline_that_has_ended_says_so() {
    let saying = Saying::start();
    saying.running.stop(StopMode::Immediate);
    let swapper = saying.running.swapper();
    saying.running.await_termination().unwrap();
    let two = saying.files.version("versioned", "two");
    assert!(matches!(swapper.swap("say", two), Err(SwapError::Ended)));
}
