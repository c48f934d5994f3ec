//! What sees whole partitions and whole batches: plugins with a scope, and functions of the program.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use tidemill::batch::ManualClock;
use tidemill::context::{RunOptions, StreamHandle, StreamingContext};
use tidemill::record::{BatchTime, Partition};
use tidemill::source::{Queue, Take};

use super::support::{Kept, PATIENCE, Project, folders, rows};

/// Lists what a call is given, with the options `options`.
fn manifest(options: &str, limits: &str) -> String {
    format!(
        r#"
        [pipeline]
        name = "whole"
        batch_interval = "1s"
        [plugins.glom]
        path = "@named_transform"
        config = {{ form = "glom", input = {{ name = "line", cell = "text" }} }}
        {limits}
        [sources.one]
        kind = "directory"
        path = "one"
        [sources.two]
        kind = "directory"
        path = "two"
        [streams.both]
        op = "union"
        from = ["one", "two"]
        [streams.cut]
        op = "repartition"
        from = "both"
        partitions = 2
        [streams.seen]
        op = "transform"
        from = "cut"
        plugin = "glom"
        {options}
        [sinks.seen]
        kind = "files"
        from = "seen"
        path = "out/seen"
        "#
    )
}

fn project(options: &str, limits: &str, num_lines: usize) -> Project {
    let project = Project::new(&manifest(options, limits));
    let lines = |range: std::ops::Range<usize>| range.map(|i| format!("{i}\n")).collect::<String>();
    project.write("one/a.txt", lines(0..3));
    project.write("one/b.txt", lines(3..4));
    project.write("two/a.txt", lines(4..num_lines));
    project
}

/// How many lines each call was given, in order of their partitions.
fn calls(options: &str, workers: &str) -> Vec<usize> {
    let project = project(options, "", 30_000);
    project.succeed(&["--once", "--workers", workers]);
    let folder = folders(&project.path("out"), "seen").remove(0);
    let lists = folder.values().flat_map(|file| file.lines().map(|list| list.matches(',').count() + 1));
    lists.collect()
}

#[test]
fn a_plugin_sees_as_much_as_its_scope_says() {
    for workers in ["1", "2"] {
        assert_eq!(calls("scope = \"batch\"", workers), [30_000]);
        assert_eq!(calls("scope = \"partition\"", workers), [15_000, 15_000]);
        assert!(calls("", workers).len() > 2);
    }
}

#[test]
fn rows_that_came_from_several_places_are_one_call_where_they_are_few() {
    let project = project("", "", 8);
    project.succeed(&["--once"]);
    assert_eq!(rows(&project.path("out"), "seen"), [r#"["0","1","2","3"]"#, r#"["4","5","6","7"]"#]);
}

#[test]
fn what_has_to_be_seen_whole_and_is_too_large_stops_the_pipeline() {
    let limits = "limits = { input = \"1KiB\" }";
    let finished = project("scope = \"batch\"", limits, 1000).run(&["--once"]);
    assert_eq!(finished.code, Some(1));
    let wanted = "one call of plugin `glom` takes 1.0 KiB; raise its `limits.input`";
    assert!(
        finished.stderr.contains("a batch of 1000 rows takes") && finished.stderr.contains(wanted),
        "{}",
        finished.stderr
    );
    // Otherwise there are more calls.
    project("", limits, 1000).succeed(&["--once"]);
}

fn block(values: &[i64]) -> RecordBatch {
    RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(values.to_vec())) as ArrayRef)]).unwrap()
}

fn numbers(blocks: &[RecordBatch]) -> Vec<i64> {
    blocks.iter().flat_map(|block| block.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

/// Runs `make` over two queues for three batches.
fn run(
    make: impl FnOnce(&mut StreamingContext, &StreamHandle, &StreamHandle) -> StreamHandle,
) -> Result<Vec<(i64, Vec<String>)>, String> {
    let (left, right) =
        (Queue::new(block(&[]).schema(), Take::One), Queue::new(block(&[]).schema(), Take::One));
    [&[1, 2, 3][..], &[], &[4]].iter().for_each(|values| left.push(block(values)).unwrap());
    [&[20, 10][..], &[30]].iter().for_each(|values| right.push(block(values)).unwrap());
    let (clock, kept) = (Arc::new(ManualClock::new(0)), Kept::default());
    let mut context = StreamingContext::new("functions", Duration::from_secs(1)).unwrap();
    context.clock(Arc::clone(&clock) as Arc<_>);
    let (left, right) = (context.queue_stream("left", &left), context.queue_stream("right", &right));
    let made = make(&mut context, &left, &right);
    context.sink("kept", &made, kept.clone());
    context.discard("left_too", &left);
    context.discard("right_too", &right);
    let running = context.start(&RunOptions { batches: Some(3), ..RunOptions::default() }).unwrap();
    clock.advance(4000);
    let ended = running.await_termination_or_timeout(PATIENCE).expect("it ends");
    ended.map(|_| kept.batches()).map_err(|error| error.to_string())
}

#[test]
fn a_function_of_the_program_makes_a_batch_of_a_batch_and_its_time() {
    let batches = run(|context, left, _| {
        context.map_batch("sums", left, block(&[]).schema(), |time: BatchTime, rows: &[RecordBatch]| {
            Ok::<_, String>(vec![block(&[time.millis(), numbers(rows).iter().sum()])])
        })
    });
    let expected = [(1000, ["1000", "6"]), (2000, ["2000", "0"]), (3000, ["3000", "4"])];
    assert_eq!(batches.unwrap(), expected.map(|(time, rows)| (time, rows.map(str::to_owned).to_vec())));
}

#[test]
fn a_function_of_several_batches_sees_them_apart() {
    let batches = run(|context, left, right| {
        context.map_batches(
            "zip",
            &[right, left],
            block(&[]).schema(),
            |_: BatchTime, batches: &[Partition]| {
                let [right, left] = batches else { return Err("two are wanted") };
                let sums =
                    numbers(left).into_iter().zip(numbers(right)).map(|(left, right)| 100 * left + right);
                Ok(vec![block(&sums.collect::<Vec<_>>())])
            },
        )
    });
    let rows: Vec<Vec<String>> = batches.unwrap().into_iter().map(|(_, rows)| rows).collect();
    assert_eq!(rows, [vec!["120", "210"], vec![], vec![]]);
}

#[test]
fn a_function_that_fails_panics_or_answers_other_columns_stops_the_pipeline() {
    let error = |function: fn(&[RecordBatch]) -> Result<Partition, String>| {
        run(|context, left, _| {
            context.map_batch("bad", left, block(&[]).schema(), move |_: BatchTime, rows: &[RecordBatch]| {
                function(rows)
            })
        })
        .unwrap_err()
    };
    let failed = "stream `bad` failed: the program's function failed: ";
    assert!(error(|_| Err("no luck".to_owned())).ends_with(&format!("{failed}no luck")));
    assert!(error(|_| panic!("at {}", 7)).ends_with(&format!("{failed}it panicked: at 7")));
    let other = error(|rows| Ok(vec![rows[0].project(&[]).unwrap()]));
    assert!(other.contains("it answers the columns ()"), "{other}");
}
