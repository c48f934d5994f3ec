use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};

use super::*;
use crate::operator::{
    AggregateByKey, Factory, Opening, Operator, Output, ReduceByKey, Scope, Shape, TaskInfo, Transform, Wide,
};
use crate::plugin::{NativeAggregator, NativeReducer, NativeTransformer, TransformPlan, Transformed};
use crate::record::Interval;

const TASK: TaskInfo = TaskInfo { time: BatchTime::from_millis(1000), partition: 0, batch: 1, input: 0 };

fn second() -> Interval {
    Interval::new(Duration::from_secs(1)).unwrap()
}

fn numbers(numbers: impl IntoIterator<Item = i64>) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
    RecordBatch::try_from_iter([("n", column)]).unwrap()
}

fn values(column: &ArrayRef) -> Vec<i64> {
    column.as_primitive::<Int64Type>().values().to_vec()
}

/// Runs a transform of numbers that passes them on unless `fails` says of a call's numbers that it fails.
fn transform_whole(
    scope: Scope,
    tolerance: Tolerance,
    input: &RecordBatch,
    fails: impl Fn(&[i64]) -> bool + Send + Sync + 'static,
) -> (Result<Output, OperatorError>, usize) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let field = Arc::new(Field::new("n", DataType::Int64, false));
    let plan = TransformPlan { reads: vec![0], carries: vec![], produces: vec![field] };
    let plugin: Arc<dyn Plugin> =
        Arc::new(NativeTransformer::new("fussy", plan, move |columns, num_rows| {
            counted.fetch_add(1, Ordering::Relaxed);
            match fails(&values(&columns[0])) {
                true => Err("no such number".to_owned()),
                false => {
                    Ok(Transformed { columns: columns.to_vec(), num_rows, origins: None, rejects: vec![] })
                }
            }
        }));
    let schemas = [input.schema()];
    let opening = Opening {
        stream: "passed",
        from: &["input".to_owned()],
        inputs: &schemas,
        plugin: Some(&plugin),
        tolerance,
        interval: second(),
        every: 1,
        partitions: 8,
        state: None,
        kept: None,
    };
    let opened = Transform { plugin: "fussy".to_owned(), scope }.open(&opening).unwrap();
    let Shape::Narrow(factory) = opened.shape else { panic!("a transform is narrow") };
    let out = run(factory.as_ref(), input);
    (out, calls.load(Ordering::Relaxed))
}

/// The same where the plugin sees as many rows in a call as is fastest.
fn transform(
    tolerance: Tolerance,
    input: &RecordBatch,
    fails: impl Fn(&[i64]) -> bool + Send + Sync + 'static,
) -> (Result<Output, OperatorError>, usize) {
    transform_whole(Scope::Rows, tolerance, input, fails)
}

fn run(factory: &dyn Factory, input: &RecordBatch) -> Result<Output, OperatorError> {
    let (mut process, mut out) = (factory.make().unwrap(), Output::default());
    process.process(input, &TASK, &mut out)?;
    process.finish(&TASK, &mut out)?;
    Ok(out)
}

fn passed(out: &Output) -> Vec<i64> {
    out.blocks.iter().flat_map(|block| values(block.column(0))).collect()
}

fn dead(out: &Output) -> Vec<i64> {
    out.dead.iter().map(|letter| letter.row["n"].as_i64().unwrap()).collect()
}

#[test]
fn a_row_that_fails_is_found_by_halving_and_the_others_go_on_in_one_call() {
    let rows = 0..16_000;
    let (out, calls) =
        transform(Tolerance::default(), &numbers(rows.clone()), |numbers| numbers.contains(&7_777));
    let out = out.unwrap();
    assert_eq!(dead(&out), [7_777]);
    assert_eq!(out.dead[0].kind, DeadLetterKind::Error);
    assert_eq!(out.dead[0].reason, "the call failed: no such number");
    assert_eq!(passed(&out), rows.filter(|n| *n != 7_777).collect::<Vec<_>>());
    assert_eq!(out.blocks.len(), 1);
    // Twice the whole, none, two halves for each of 14 halvings, and the rest.
    assert_eq!(calls, 2 + 1 + 2 * 14 + 1);
}

#[test]
fn a_large_block_becomes_calls_whose_rows_stay_in_the_cache_but_where_it_is_to_be_seen_whole() {
    let rows = 0..100_000;
    for (scope, num_calls) in [(Scope::Rows, 7), (Scope::Partition, 1)] {
        let (out, calls) = transform_whole(scope, Tolerance::default(), &numbers(rows.clone()), |_| false);
        assert_eq!(passed(&out.unwrap()), rows.clone().collect::<Vec<_>>());
        assert_eq!(calls, num_calls, "{scope:?}, 800,000 bytes in calls of up to 128 KiB");
    }
}

#[test]
fn many_rows_that_fail_are_found_each_and_too_many_stop_the_pipeline() {
    let fails = |numbers: &[i64]| numbers.iter().any(|n| n % 100 == 7);
    let (out, _) = transform(Tolerance::default(), &numbers(0..10_000), fails);
    assert_eq!(dead(&out.unwrap()), (0..100).map(|i| i * 100 + 7).collect::<Vec<_>>());
    let tolerance = Tolerance { max_poison: 99, ..Tolerance::default() };
    let (out, calls) = transform(tolerance, &numbers(0..10_000), fails);
    let error = out.unwrap_err().to_string();
    assert_eq!(
        error,
        "plugin `fussy`: the call failed: no such number; more than 99 rows or keys of the batch fail; mend the plugin, or raise the stream's `max_poison`"
    );
    assert!(calls < 100 * 2 * 14, "{calls}");
}

#[test]
fn when_every_row_fails_the_pipeline_stops_after_few_calls() {
    let (out, calls) = transform(Tolerance::default(), &numbers(0..100_000), |numbers| !numbers.is_empty());
    assert!(matches!(out, Err(OperatorError::TooMuchPoison { max: 100, .. })));
    assert!(calls < 300, "{calls}");
}

#[test]
fn rows_that_fail_only_in_company_are_parted() {
    // Fails on memory or time would be like this: each half is good by itself.
    let (out, _) = transform(Tolerance::default(), &numbers(0..1000), |numbers| numbers.len() > 300);
    let out = out.unwrap();
    assert!(out.dead.is_empty());
    assert_eq!(passed(&out), (0..1000).collect::<Vec<_>>());
}

#[test]
fn what_has_to_be_seen_whole_is_not_parted() {
    let (out, _) = transform_whole(Scope::Partition, Tolerance::default(), &numbers(0..1000), |numbers| {
        numbers.len() > 300
    });
    assert_eq!(
        out.unwrap_err().to_string(),
        "plugin `fussy`: the call failed: no such number; no row of the partition is to blame alone; mend the plugin"
    );
    let (out, _) = transform_whole(Scope::Partition, Tolerance::default(), &numbers(0..1000), |numbers| {
        numbers.contains(&7)
    });
    let out = out.unwrap();
    assert_eq!((dead(&out), out.blocks.len()), (vec![7], 1));
}

#[test]
fn a_plugin_that_only_takes_rows_one_by_one_stops_the_pipeline_in_bounded_time() {
    let (out, calls) = transform(Tolerance::default(), &numbers(0..100_000), |numbers| numbers.len() > 1);
    assert!(matches!(out, Err(OperatorError::TooManyFailures { .. })));
    assert!(calls < 20_000, "{calls}");
}

#[test]
fn a_plugin_that_fails_without_rows_stops_the_pipeline_at_once() {
    let (out, calls) = transform(Tolerance::default(), &numbers(0..100_000), |_| true);
    assert!(matches!(out, Err(OperatorError::FailsWithoutRows(_))));
    assert_eq!(calls, 3);
}

#[test]
fn where_errors_are_to_stop_it_nothing_is_tried_again() {
    let tolerance = Tolerance { on_error: OnError::Stop, ..Tolerance::default() };
    let (out, calls) = transform(tolerance, &numbers(0..1000), |numbers| numbers.contains(&5));
    assert!(matches!(out, Err(OperatorError::Plugin(_))));
    assert_eq!(calls, 1);
}

#[test]
fn an_instance_that_fails_over_its_past_is_replaced_and_no_row_is_blamed() {
    let calls = AtomicUsize::new(0);
    let (out, _) = transform(Tolerance::default(), &numbers(0..1000), move |_| {
        calls.fetch_add(1, Ordering::Relaxed) == 0
    });
    let out = out.unwrap();
    assert!(out.dead.is_empty());
    assert_eq!((out.blocks.len(), passed(&out).len()), (1, 1000));
}

/// Both sides of a sum by key that fails where a key's values have a negative one among them.
fn sums(tolerance: Tolerance, input: &RecordBatch) -> (Arc<dyn Factory>, Arc<dyn Factory>) {
    let plugin: Arc<dyn Plugin> = Arc::new(NativeReducer::new("sum", move |ends, batch| {
        let numbers = values(batch.column(0));
        let mut start = 0;
        let groups = ends.iter().map(|&end| {
            let group = &numbers[start..end as usize];
            start = end as usize;
            if group.iter().any(|n| *n < 0) {
                Err("a negative number".to_owned())
            } else {
                Ok(group.iter().sum())
            }
        });
        let sums: Vec<i64> = groups.collect::<Result<_, String>>()?;
        RecordBatch::try_new(batch.schema(), vec![Arc::new(Int64Array::from(sums))])
            .map_err(|e| e.to_string())
    }));
    let schemas = [input.schema()];
    let opening = Opening {
        stream: "sums",
        from: &["input".to_owned()],
        inputs: &schemas,
        plugin: Some(&plugin),
        tolerance,
        interval: second(),
        every: 1,
        partitions: 8,
        state: None,
        kept: None,
    };
    let opened =
        ReduceByKey { plugin: "sum".to_owned(), key: vec!["word".to_owned()], window: None, inverse: None }
            .open(&opening)
            .unwrap();
    match opened.shape {
        Shape::Wide(Wide { before: Some(before), after: Some(after), .. }) => (before, after),
        _ => panic!("it combines before and after an exchange"),
    }
}

fn pairs(pairs: &[(&str, i64)]) -> RecordBatch {
    let schema =
        Schema::new(vec![Field::new("word", DataType::Utf8, false), Field::new("n", DataType::Int64, false)]);
    let words = StringArray::from_iter_values(pairs.iter().map(|pair| pair.0));
    let numbers = Int64Array::from_iter_values(pairs.iter().map(|pair| pair.1));
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(words), Arc::new(numbers)]).unwrap()
}

fn rows(blocks: &[RecordBatch]) -> Vec<(String, i64)> {
    let of_block = |block: &RecordBatch| {
        let words: Vec<_> =
            block.column(0).as_string::<i32>().iter().map(|w| w.unwrap().to_owned()).collect();
        words.into_iter().zip(values(block.column(1))).collect::<Vec<_>>()
    };
    blocks.iter().flat_map(of_block).collect()
}

fn letters(out: &Output) -> Vec<(String, i64)> {
    out.dead
        .iter()
        .map(|d| (d.row["word"].as_str().unwrap().to_owned(), d.row["n"].as_i64().unwrap()))
        .collect()
}

fn owned(pairs: &[(&str, i64)]) -> Vec<(String, i64)> {
    pairs.iter().map(|(word, n)| ((*word).to_owned(), *n)).collect()
}

#[test]
fn a_key_that_fails_is_set_aside_with_all_its_rows() {
    let input = pairs(&[("a", 1), ("b", 2), ("c", 3), ("b", -1), ("a", 4), ("b", 5)]);
    let (before, _) = sums(Tolerance::default(), &input);
    let out = run(before.as_ref(), &input).unwrap();
    assert_eq!(rows(&out.blocks), owned(&[("a", 5), ("c", 3)]));
    assert_eq!(letters(&out), owned(&[("b", 2), ("b", -1), ("b", 5)]));
    assert_eq!(out.dead[0].reason, "the call failed: a negative number");
}

#[test]
fn what_other_tasks_know_of_a_key_follows_it_behind_the_exchange() {
    let first = pairs(&[("a", 1), ("b", -1)]);
    let second = pairs(&[("b", 2), ("b", 3), ("c", 4)]);
    let (before, after) = sums(Tolerance::default(), &first);
    let (first, second) = (run(before.as_ref(), &first).unwrap(), run(before.as_ref(), &second).unwrap());
    assert_eq!(letters(&first), owned(&[("b", -1)]));
    assert_eq!(rows(&second.blocks), owned(&[("b", 5), ("c", 4)]));
    let both = [first.blocks, second.blocks].concat();
    let both = arrow::compute::concat_batches(&both[0].schema(), &both).unwrap();
    let merged = run(after.as_ref(), &both).unwrap();
    assert_eq!(rows(&merged.blocks), owned(&[("a", 1), ("c", 4)]));
    assert_eq!(letters(&merged), owned(&[("b", 5)]));
}

#[test]
fn a_key_that_fails_late_takes_what_was_combined_of_it_along() {
    let mut many: Vec<(&str, i64)> =
        (0..200_000).map(|i| (if i % 2 == 0 { "even" } else { "odd" }, 1)).collect();
    many.push(("odd", -1));
    many.push(("even", 10));
    let input = pairs(&many);
    let (before, _) = sums(Tolerance::default(), &input);
    let out = run(before.as_ref(), &input).unwrap();
    assert_eq!(rows(&out.blocks), owned(&[("even", 100_010)]));
    let letters = letters(&out);
    assert!(letters.iter().all(|(word, _)| word == "odd"));
    assert_eq!(letters.iter().map(|(_, n)| n).sum::<i64>(), 100_000 - 1);
}

/// What comes of a sum of `input` by key whose last step answers what `finish` says, and how often that was called.
fn finished(
    input: &RecordBatch,
    finish: impl Fn(usize, &RecordBatch) -> Result<RecordBatch, String> + Send + Sync + 'static,
) -> (Output, usize) {
    let combine = |ends: &[u32], batch: &RecordBatch| {
        let numbers = values(batch.column(0));
        let mut start = 0;
        let sum = |&end: &u32| {
            numbers[std::mem::replace(&mut start, end as usize)..end as usize].iter().sum::<i64>()
        };
        let sums: Vec<i64> = ends.iter().map(sum).collect();
        RecordBatch::try_new(batch.schema(), vec![Arc::new(Int64Array::from(sums))])
            .map_err(|e| e.to_string())
    };
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let schema = numbers([]).schema();
    let plugin: Arc<dyn Plugin> =
        Arc::new(NativeAggregator::new("sum", schema.clone(), schema, combine, combine, move |batch| {
            finish(counted.fetch_add(1, Ordering::Relaxed), batch)
        }));
    let opening = Opening {
        stream: "sums",
        from: &["input".to_owned()],
        inputs: &[input.schema()],
        plugin: Some(&plugin),
        tolerance: Tolerance::default(),
        interval: second(),
        every: 1,
        partitions: 8,
        state: None,
        kept: None,
    };
    let op = AggregateByKey { plugin: "sum".to_owned(), key: vec!["word".to_owned()], window: None };
    let Shape::Wide(Wide { before: Some(before), after: Some(after), .. }) = op.open(&opening).unwrap().shape
    else {
        panic!("it combines before and after an exchange")
    };
    let combined = run(before.as_ref(), input).unwrap();
    (run(after.as_ref(), &combined.blocks[0]).unwrap(), calls.load(Ordering::Relaxed))
}

#[test]
fn a_result_that_cannot_be_finished_is_found_by_halving_and_a_lone_one_is_tried_again() {
    let one = pairs(&[("a", 1), ("a", 2)]);
    let (out, calls) = finished(&one, |call, batch| match call {
        0 => Err("it remembers something".to_owned()),
        _ => Ok(batch.clone()),
    });
    assert_eq!((rows(&out.blocks), out.dead.len(), calls), (owned(&[("a", 3)]), 0, 2));

    let words: Vec<String> = (0..1024).map(|i| format!("w{i}")).collect();
    let many: Vec<(&str, i64)> = words.iter().zip(0..).map(|(word, n)| (word.as_str(), n)).collect();
    let (out, calls) = finished(&pairs(&many), |_, batch| match values(batch.column(0)).contains(&77) {
        true => Err("no such number".to_owned()),
        false => Ok(batch.clone()),
    });
    assert_eq!((letters(&out), rows(&out.blocks).len()), (owned(&[("w77", 77)]), 1023));
    // Twice the whole, none, two halves for each of 10 halvings, and the rest.
    assert_eq!(calls, 2 + 1 + 2 * 10 + 1);
}
