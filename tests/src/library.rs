//! Pipelines built from Rust: batches at the times of a clock that the test moves, native plugins, listeners.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type};
use tidemill::batch::ManualClock;
use tidemill::context::{BatchReport, RunOptions, RunningContext, StartError, StopMode, StreamingContext};
use tidemill::plugin::{NativeReducer, NativeTransformer, PluginSpec, TransformPlan, Transformed};
use tidemill::source::{Directory, Extent, Generate};

use super::support::{Kept, PATIENCE, Server, engine, plugin};

const START: i64 = 1_795_548_600_250;
const SECOND: Duration = Duration::from_secs(1);

fn context(clock: &Arc<ManualClock>) -> StreamingContext {
    let mut context = StreamingContext::new("library", SECOND).unwrap();
    context.clock(Arc::clone(clock) as Arc<_>);
    context.engine(&engine());
    context
}

fn start(context: StreamingContext) -> RunningContext {
    context.start(&RunOptions::default()).unwrap()
}

/// Why `context` does not start.
#[track_caller]
fn fault(context: StreamingContext) -> String {
    match context.start(&RunOptions::default()) {
        Err(StartError::Wrong(fault)) => fault.to_string(),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it started"),
    }
}

#[test]
fn batches_come_when_the_clock_says_and_hold_what_came_before() {
    let (server, clock, kept) = (Server::start(), Arc::new(ManualClock::new(START)), Kept::default());
    let mut context = context(&clock);
    let lines = context.socket_text("lines", &server.address().to_string());
    let split = context.plugin("split", PluginSpec::new(plugin("split_words")));
    let sum = context.plugin("sum", PluginSpec::new(plugin("sum")));
    let words = context.transform("words", &lines, &split);
    let counts = context.reduce_by_key("counts", &words, &["word"], &sum);
    context.sink("kept", &counts, kept.clone());
    let running = start(context);

    let mut connection = server.accept();
    connection.send("tide mill tide\n");
    connection.wait_until_read();
    clock.advance(749);
    assert_eq!(kept.batches(), []);
    clock.advance(1);
    let first = (START + 750, vec!["(tide, 2)".to_owned(), "(mill, 1)".to_owned()]);
    assert_eq!(kept.wait_for(1), std::slice::from_ref(&first));

    clock.advance(1000);
    assert_eq!(kept.wait_for(2), [first, (START + 1750, vec![])]);
    connection.send("late\n");
    connection.wait_until_read();
    running.stop(StopMode::Graceful);
    let summary = running.await_termination().unwrap();
    assert_eq!(kept.wait_for(3)[2], (START + 2750, vec!["(late, 1)".to_owned()]));
    assert_eq!((summary.num_batches, summary.num_rows_in, summary.num_dead_letters), (3, 2, 0));
}

#[test]
fn a_clock_that_leaps_makes_every_batch_in_order_where_none_are_merged() {
    let (clock, kept) = (Arc::new(ManualClock::new(START)), Kept::default());
    let folder = tempfile::tempdir().unwrap();
    let mut context = context(&clock);
    context.merge_late(false);
    let lines = context.text_files("lines", Directory::new(folder.path()));
    let counts = context.count("counts", &lines);
    context.sink("kept", &counts, kept.clone());
    let running = start(context);
    clock.advance(5000);
    let times: Vec<i64> = kept.wait_for(5).into_iter().map(|(time, _)| time).collect();
    assert_eq!(times, [750, 1750, 2750, 3750, 4750].map(|after| START + after));
    running.stop(StopMode::Immediate);
    assert_eq!(running.await_termination().unwrap().num_batches, 5);
}

#[test]
fn native_plugins_stand_where_wasm_does_and_listeners_hear_of_every_batch() {
    let (clock, kept) = (Arc::new(ManualClock::new(START)), Kept::default());
    let reports = Arc::<Mutex<Vec<BatchReport>>>::default();
    let mut context = context(&clock);
    let heard = Arc::clone(&reports);
    context.listener(move |report: &BatchReport| heard.lock().unwrap().push(report.clone()));
    let generate = Generate { rows: Some(20_000), words: 3, ..Generate::default() };
    let lines = context.generate("lines", generate);
    let plan = TransformPlan {
        reads: vec![0],
        carries: vec![],
        produces: vec![Arc::new(Field::new("num_words", DataType::Int64, false))],
    };
    let words = context.native_plugin(
        "words",
        NativeTransformer::new("words", plan, |columns, num_rows| {
            let lines = columns[0].as_string::<i32>();
            let counts: Int64Array =
                lines.iter().map(|line| line.map(|line| line.split(' ').count() as i64)).collect();
            Ok(Transformed { columns: vec![Arc::new(counts)], num_rows, origins: None, rejects: vec![] })
        }),
    );
    let add = context.native_plugin(
        "add",
        NativeReducer::new("add", |ends, values| {
            let numbers = values.column(0).as_primitive::<Int64Type>().values();
            let mut start = 0;
            let sums: Int64Array = ends
                .iter()
                .map(|&end| {
                    let group = &numbers[start as usize..end as usize];
                    start = end;
                    Some(group.iter().sum::<i64>())
                })
                .collect();
            RecordBatch::try_new(values.schema(), vec![Arc::new(sums)]).map_err(|error| error.to_string())
        }),
    );
    let num_words = context.transform("num_words", &lines, &words);
    let total = context.reduce("total", &num_words, &add);
    context.sink("kept", &total, kept.clone());
    let options = RunOptions { extent: Extent::Available, ..RunOptions::default() };
    let summary = context.start(&options).unwrap().await_termination().unwrap();
    assert_eq!(summary.num_rows_in, 20_000);
    let total: i64 =
        kept.batches().iter().flat_map(|(_, rows)| rows).map(|row| row.parse::<i64>().unwrap()).sum();
    assert_eq!(total, 60_000);

    let reports = reports.lock().unwrap();
    assert_eq!(reports.len() as u64, summary.num_batches);
    assert_eq!(reports.iter().map(BatchReport::num_rows_in).sum::<usize>(), 20_000);
    assert_eq!(reports[0].num_input_rows[0].0, "lines");
    let kept_rows = kept.batches().iter().map(|(_, rows)| rows.len()).sum::<usize>();
    assert_eq!(reports.iter().map(|report| report.num_output_rows[0].1).sum::<usize>(), kept_rows);
}

#[test]
fn what_is_wrong_is_told_by_start() {
    let clock = Arc::new(ManualClock::new(START));
    let endless = Generate::default();

    let mut twice = context(&clock);
    let lines = twice.generate("lines", endless.clone());
    twice.count("counts", &lines);
    let counts = twice.count("counts", &lines);
    twice.discard("nowhere", &counts);
    assert_eq!(fault(twice), "streams.counts: the name is given twice; give each its own");

    let mut no_sink = context(&clock);
    no_sink.generate("lines", endless.clone());
    assert!(fault(no_sink).contains("there is no sink"));

    let mut no_column = context(&clock);
    let lines = no_column.generate("lines", endless);
    let sum = no_column.plugin("sum", PluginSpec::new(plugin("sum")));
    let counts = no_column.reduce_by_key("counts", &lines, &["word"], &sum);
    no_column.discard("nowhere", &counts);
    let said = fault(no_column);
    assert!(said.contains("no column `word`") && said.contains("line: utf8"), "{said}");

    assert!(StreamingContext::new("fractions", Duration::from_micros(1500)).is_err());
}

#[test]
fn a_run_may_be_stopped_before_its_first_batch() {
    for mode in [StopMode::Graceful, StopMode::Immediate] {
        let (clock, kept) = (Arc::new(ManualClock::new(START)), Kept::default());
        let folder = tempfile::tempdir().unwrap();
        let mut context = context(&clock);
        let lines = context.text_files("lines", Directory::new(folder.path()));
        context.sink("kept", &lines, kept.clone());
        let running = start(context);
        assert!(running.await_termination_or_timeout(Duration::ZERO).is_none());
        running.stop(mode);
        let summary = running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap();
        assert_eq!(summary.num_rows_in, 0, "{mode:?}");
        assert!(kept.batches().iter().all(|(_, rows)| rows.is_empty()));
    }
}

#[test]
fn dropping_a_run_stops_it() {
    let server = Server::start();
    let clock = Arc::new(ManualClock::new(START));
    let mut context = context(&clock);
    let lines = context.socket_text("lines", &server.address().to_string());
    context.discard("nowhere", &lines);
    let running = start(context);
    let connection = server.accept();
    let control = running.control();
    drop(running);
    assert_eq!(control.asked(), Some(StopMode::Immediate));
    connection.wait_until_closed();
}
