//! Windows with an inverse: what a slide costs, and that it answers what a window without one does.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use tidemill::batch::ManualClock;
use tidemill::context::{RunOptions, StreamingContext};
use tidemill::operator::{Count, CountByValue, Operator, Reduce, ReduceByKey, Tolerance, WindowSpec};
use tidemill::plugin::{NativeReducer, PluginSpec};
use tidemill::record::{BatchTime, Partition};
use tidemill::source::{Queue, Take};

use super::support::{Kept, PATIENCE, Project, engine, plugin};

/// The rows of a batch: keys with numbers.
type Rows = Vec<(String, i64)>;

/// Adds numbers up, and takes them out again; counts the rows of its calls.
#[derive(Clone, Default)]
struct Adder {
    rows: Arc<AtomicUsize>,
    /// A total above which adding fails.
    most: Option<i64>,
    /// A number that can't be taken out.
    sticky: Option<i64>,
}

fn sums(ends: &[u32], values: &RecordBatch) -> Vec<i64> {
    let numbers = values.column(0).as_primitive::<Int64Type>().values();
    let mut start = 0;
    let group = |&end: &u32| {
        let rows = start..end as usize;
        start = end as usize;
        numbers[rows].iter().sum()
    };
    ends.iter().map(group).collect()
}

fn column(values: &RecordBatch, numbers: Vec<i64>) -> RecordBatch {
    RecordBatch::try_new(values.schema(), vec![Arc::new(Int64Array::from(numbers))]).unwrap()
}

impl Adder {
    fn plugin(&self) -> NativeReducer {
        let (adder, other) = (self.clone(), self.clone());
        let add = move |ends: &[u32], values: &RecordBatch| {
            adder.rows.fetch_add(values.num_rows(), Relaxed);
            let sums = sums(ends, values);
            match sums.iter().find(|sum| adder.most.is_some_and(|most| **sum > most)) {
                Some(sum) => Err(format!("{sum} is too much")),
                None => Ok(column(values, sums)),
            }
        };
        NativeReducer::new("add", add).with_inverse(move |totals, ends, values| {
            other.rows.fetch_add(values.num_rows(), Relaxed);
            let numbers = values.column(0).as_primitive::<Int64Type>().values();
            if numbers.iter().any(|number| Some(*number) == other.sticky) {
                return Err("it sticks".to_owned());
            }
            let totals_before = totals.column(0).as_primitive::<Int64Type>().values();
            let rest = totals_before.iter().zip(sums(ends, values)).map(|(total, sum)| total - sum);
            Ok(column(values, rest.collect()))
        })
    }
}

fn block(rows: &Rows) -> RecordBatch {
    let keys = StringArray::from_iter_values(rows.iter().map(|row| &row.0));
    let numbers = Int64Array::from_iter_values(rows.iter().map(|row| row.1));
    RecordBatch::try_from_iter([("key", Arc::new(keys) as ArrayRef), ("n", Arc::new(numbers))]).unwrap()
}

/// What became of a run: the rows of each window, the dead letters, and the rows that calls had had after each.
struct Ran {
    windows: Vec<Vec<String>>,
    num_letters: u64,
    costs: Vec<usize>,
}

/// Runs `op` on `batches`, a second each, and `more` empty ones.
fn run(
    batches: &[RecordBatch],
    more: usize,
    op: impl Operator + 'static,
    adder: &Adder,
) -> Result<Ran, String> {
    run_on(batches, more, op, adder, 1, |_| {})
}

fn run_on(
    batches: &[RecordBatch],
    more: usize,
    op: impl Operator + 'static,
    adder: &Adder,
    workers: usize,
    set: impl FnOnce(&mut StreamingContext),
) -> Result<Ran, String> {
    let queue = Queue::new(batches[0].schema(), Take::One);
    batches.iter().for_each(|block| queue.push(block.clone()).unwrap());
    let (clock, kept) = (Arc::new(ManualClock::new(0)), Kept::default());
    let mut context = StreamingContext::new("inverse", Duration::from_secs(1)).unwrap();
    context.engine(&engine());
    context.clock(Arc::clone(&clock) as Arc<_>).workers(NonZeroUsize::new(workers).unwrap());
    if op.plugin() == Some("add") {
        context.native_plugin("add", adder.plugin());
    }
    set(&mut context);
    let rows = context.queue_stream("rows", &queue);
    let windows = context.operator("windows", &[&rows], op);
    context.tolerance(&windows, Tolerance { max_poison: 5, ..Tolerance::default() });
    context.sink("kept", &windows, kept.clone());
    let costs = Arc::<Mutex<Vec<usize>>>::default();
    let (heard, counter) = (Arc::clone(&costs), Arc::clone(&adder.rows));
    context.for_each_batch("cost", &windows, move |_: BatchTime, _: &[Partition]| {
        heard.lock().unwrap().push(counter.load(Relaxed));
        Ok::<(), String>(())
    });
    let num_batches = batches.len() + more;
    let options = RunOptions { batches: Some(num_batches as u64), ..RunOptions::default() };
    let running = context.start(&options).map_err(|error| error.to_string())?;
    clock.advance(num_batches as i64 * 1000 + 500);
    let summary =
        running.await_termination_or_timeout(PATIENCE).expect("it ends").map_err(|e| e.to_string())?;
    let windows = kept.batches().into_iter().map(|(_, rows)| rows).collect();
    let costs = costs.lock().unwrap().clone();
    Ok(Ran { windows, num_letters: summary.num_dead_letters, costs })
}

fn window(length: u64, slide: u64) -> WindowSpec {
    WindowSpec::sliding(Duration::from_secs(length), Duration::from_secs(slide))
}

fn by_key(window: WindowSpec, inverse: Option<bool>) -> ReduceByKey {
    ReduceByKey { plugin: "add".to_owned(), key: vec!["key".to_owned()], window: Some(window), inverse }
}

fn sorted(windows: &[Vec<String>]) -> Vec<Vec<String>> {
    let sort = |rows: &Vec<String>| {
        let mut rows = rows.clone();
        rows.sort_unstable();
        rows
    };
    windows.iter().map(sort).collect()
}

/// Batches in which keys come, stay away and come back, and some of which are empty.
fn some_batches(num_batches: usize) -> Vec<Rows> {
    let mut state = 7_u64;
    let mut next = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let batch = |number: usize| {
        let num_rows = next(9).saturating_sub(2);
        let row = |_| (format!("k{}", next(4) + number as u64 / 6), next(100) as i64 - 50);
        (0..num_rows).map(row).collect()
    };
    (0..num_batches).map(batch).collect()
}

/// What each window holds, by the definition.
fn held(batches: &[Rows], length: usize, slide: usize, num_batches: usize) -> Vec<Rows> {
    let ends = (1..=num_batches).filter(|number| number % slide == 0);
    let covers = |end: usize| {
        let all =
            batches.iter().enumerate().filter(move |(i, _)| i + 1 > end.saturating_sub(length) && i < &end);
        all.flat_map(|(_, rows)| rows.clone()).collect()
    };
    ends.map(covers).collect()
}

const SHAPES: [(usize, usize); 7] = [(2, 1), (4, 2), (3, 2), (6, 4), (40, 1), (40, 20), (3, 3)];

#[test]
fn a_window_with_an_inverse_holds_what_it_covers_and_forgets_keys_with_their_last_row() {
    let batches = some_batches(60);
    let blocks: Vec<RecordBatch> = batches.iter().map(block).collect();
    for (length, slide) in SHAPES {
        let spec = window(length as u64, slide as u64);
        let held = held(&batches, length, slide, 110);
        let ran = run(&blocks, 50, by_key(spec, Some(true)), &Adder::default()).unwrap();
        let totals = |rows: &Rows| {
            let mut totals = BTreeMap::<&str, i64>::new();
            rows.iter().for_each(|(key, n)| *totals.entry(key).or_default() += n);
            totals.into_iter().map(|(key, total)| format!("({key}, {total})")).collect::<Vec<_>>()
        };
        assert_eq!(sorted(&ran.windows), sorted(&held.iter().map(totals).collect::<Vec<_>>()));

        let alike = |rows: &Rows| {
            let mut counts = BTreeMap::<&(String, i64), i64>::new();
            rows.iter().for_each(|row| *counts.entry(row).or_default() += 1);
            counts.into_iter().map(|((key, n), count)| format!("({key}, {n}, {count})")).collect::<Vec<_>>()
        };
        let ran = run(&blocks, 50, CountByValue { window: Some(spec) }, &Adder::default()).unwrap();
        assert_eq!(sorted(&ran.windows), sorted(&held.iter().map(alike).collect::<Vec<_>>()));

        let ran = run(&blocks, 50, Count { window: Some(spec) }, &Adder::default()).unwrap();
        let count = |rows: &Rows| vec![rows.len().to_string()];
        assert_eq!(ran.windows, held.iter().map(count).collect::<Vec<_>>());

        let numbers: Vec<RecordBatch> = blocks.iter().map(|block| block.project(&[1]).unwrap()).collect();
        let reduce = Reduce { plugin: "add".to_owned(), window: Some(spec), inverse: None };
        let ran = run(&numbers, 50, reduce, &Adder::default()).unwrap();
        let total = |rows: &Rows| {
            let total: i64 = rows.iter().map(|row| row.1).sum();
            Vec::from_iter((!rows.is_empty()).then(|| total.to_string()))
        };
        assert_eq!(ran.windows, held.iter().map(total).collect::<Vec<_>>(), "length {length}, slide {slide}");
    }
}

#[test]
fn with_an_inverse_a_slide_costs_the_same_however_long_the_window_is() {
    let batch: Rows = (0..50).map(|i| (format!("k{i}"), i)).collect();
    let batches = vec![block(&batch); 400];
    let cost = |length: u64, inverse: bool| {
        let ran = run(&batches, 0, by_key(window(length, 1), Some(inverse)), &Adder::default()).unwrap();
        assert_eq!(ran.windows[399].len(), 50);
        (ran.costs[399] - ran.costs[299]) / 100
    };
    // A batch is reduced on both sides of the exchange, 50 keys leave, and 50 enter beside their totals.
    assert_eq!([cost(10, true), cost(100, true), cost(250, true)], [250, 250, 250]);
    assert_eq!(cost(100, false), 2 * 50 + 100 * 50);
}

#[test]
fn a_window_with_an_inverse_is_the_same_to_the_byte_with_any_number_of_workers() {
    let batch = |number: usize| -> Rows {
        (0..5000).map(|i| (format!("k{}", (i * 7 + number * 900) % 9000), i as i64)).collect()
    };
    let batches: Vec<RecordBatch> = (0..12).map(|number| block(&batch(number))).collect();
    let windows = |workers| {
        let op = by_key(window(4, 1), Some(true));
        run_on(&batches, 5, op, &Adder::default(), workers, |_| {}).unwrap().windows
    };
    let first = windows(1);
    assert!(first[5].len() > 5000 && first[16].is_empty());
    assert!(windows(2) == first && windows(4) == first);
}

#[test]
fn where_the_inverse_fails_the_total_is_made_anew_and_no_row_is_lost() {
    let batches = some_batches(40);
    let mut rows = batches.clone();
    rows[3].push(("sticks".to_owned(), 1313));
    (4..20).for_each(|number| rows[number].push(("sticks".to_owned(), 1)));
    let blocks: Vec<RecordBatch> = rows.iter().map(block).collect();
    let adder = Adder { sticky: Some(1313), ..Adder::default() };
    for (length, slide) in [(5, 1), (6, 4)] {
        let spec = window(length, slide);
        let without = run(&blocks, 10, by_key(spec, Some(false)), &adder).unwrap();
        let with = run(&blocks, 10, by_key(spec, None), &adder).unwrap();
        assert_eq!(sorted(&with.windows), sorted(&without.windows));
        assert_eq!(with.num_letters, 0);
    }
    // One that fails on many keys is as bad as any other plugin that does.
    let many: Rows = (0..10).flat_map(|i| [(format!("s{i}"), 1313), (format!("s{i}"), 1)]).collect();
    let later: Rows = (0..10).map(|i| (format!("s{i}"), 1)).collect();
    let blocks = [block(&many), block(&later), block(&later)];
    let adder = Adder { sticky: Some(1314), ..Adder::default() };
    let error = run(&blocks, 0, by_key(window(2, 1), None), &adder).map(drop).unwrap_err();
    assert!(error.contains("it sticks; more than 5 rows or keys of the batch fail"), "{error}");
}

#[test]
fn a_key_that_cannot_be_combined_is_set_aside_as_without_an_inverse_and_comes_back() {
    let rows = |numbers: &[i64]| {
        block(&numbers.iter().map(|n| ("a".to_owned(), *n)).chain([("b".to_owned(), 1)]).collect())
    };
    let batches = [[60, 1].as_slice(), &[50], &[2], &[3], &[4], &[70], &[5], &[40], &[6]].map(rows);
    let adder = Adder { most: Some(100), ..Adder::default() };
    let without = run(&batches, 5, by_key(window(3, 1), Some(false)), &adder).unwrap();
    let with = run(&batches, 5, by_key(window(3, 1), Some(true)), &adder).unwrap();
    assert_eq!(sorted(&with.windows), sorted(&without.windows));
    let of = |number: usize| sorted(&with.windows)[number - 1].clone();
    assert_eq!([of(1), of(2), of(4)], [vec!["(a, 61)", "(b, 1)"], vec!["(b, 2)"], vec!["(a, 55)", "(b, 3)"]]);
    assert!(with.num_letters > 0 && without.num_letters > 0);
}

#[test]
fn an_infinity_is_gone_when_it_has_left_the_window() {
    let rows = |number: f64| {
        let columns = [
            ("key", Arc::new(StringArray::from(vec!["a", "a"])) as ArrayRef),
            ("n", Arc::new(Float64Array::from(vec![number, 0.5]))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let batches = [1.0, f64::INFINITY, 2.0, 3.0, 4.0].map(rows);
    let op = ReduceByKey { plugin: "sum".to_owned(), ..by_key(window(2, 1), Some(true)) };
    let ran = run_on(&batches, 0, op, &Adder::default(), 1, |context| {
        context.plugin("sum", PluginSpec::new(plugin("sum")));
    });
    let windows: Vec<String> = ran.unwrap().windows.into_iter().flatten().collect();
    assert_eq!(windows, ["(a, 1.5)", "(a, inf)", "(a, inf)", "(a, 6.0)", "(a, 8.0)"]);
}

#[test]
fn a_manifest_says_whether_a_window_uses_the_inverse() {
    let manifest = |plugin: &str, options: &str| {
        format!(
            r#"
            [pipeline]
            name = "inverse"
            batch_interval = "1s"
            [plugins.{plugin}]
            path = "@{plugin}"
            [sources.rows]
            kind = "directory"
            path = "rows"
            format = "csv"
            schema = {{ key = "utf8", n = "int64" }}
            [streams.totals]
            op = "reduce_by_key"
            from = "rows"
            key = ["key"]
            plugin = "{plugin}"
            {options}
            [sinks.out]
            kind = "console"
            from = "totals"
            "#
        )
    };
    let check = |plugin: &str, options: &str| {
        let project = Project::new(&manifest(plugin, options));
        project.write("rows/a.csv", "a,1\n");
        let finished = project.command(&["check"], &[]);
        (finished.code, finished.stderr)
    };
    let long = r#"window = { length = "10s" }"#;
    for (plugin, options) in [("sum", ""), ("sum", "inverse = true"), ("sum", "inverse = false"), ("max", "")]
    {
        assert_eq!(check(plugin, &format!("{long}\n{options}")).0, Some(0), "{plugin} {options}");
    }
    let (code, text) = check("max", &format!("{long}\ninverse = true"));
    assert!(code == Some(2) && text.contains("the plugin has none"), "{text}");
    let (code, text) = check("sum", "inverse = false");
    assert!(code == Some(2) && text.contains("an inverse is for windows"), "{text}");
}
