//! Cases about sources: queues, files, sockets, receivers; and about the function that is called for each batch.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use named::{Cell, Column, Record};
use serde_json::{Value, json};
use tidemill::batch::{Intake, IntakeOptions, ManualClock, Wake};
use tidemill::context::{RunOptions, StopMode};
use tidemill::record::Bytes;
use tidemill::source::{Block, Directory, Extent, Outlet, Queue, Take};

use crate::compare::{same, same_sorted};
use crate::receivers::{Manner, Received};
use crate::rows::{schema, to_rows};
use crate::run::{BatchEnds, Collected, Harness, advance, ended};
use crate::{Case, Failure, ensure};

/// Runs a case about a source.
pub fn run(harness: &Harness, case: &Case) -> Result<(), Failure> {
    match case.op.as_str() {
        "queueStream" => queue(harness, case),
        "foreachBatch" => for_each(harness, case),
        "fileStream" if case.params.contains_key("batch_times_ms") => files(harness, case),
        "socketTextStream" => socket(harness, case),
        "receiverStream+count" => many_tasks(harness, case),
        "block generator" if case.expected_error.is_some() => put_after_the_end(),
        "block generator" => late_half(harness, case),
        other => Err(Failure::unsupported(format!("the harness runs no `{other}`"))),
    }
}

fn expected(case: &Case) -> Result<&[Value], Failure> {
    case.expected.as_deref().ok_or_else(|| Failure::wrong("`expected` is missing"))
}

fn queue(harness: &Harness, case: &Case) -> Result<(), Failure> {
    let one_at_a_time = case.params.get("one_at_a_time") != Some(&json!(false));
    let per_tick = case.numbers("enqueued_per_tick").unwrap_or_else(|| vec![1; case.inputs.len()]);
    let (collected, record) =
        queued(harness, case, if one_at_a_time { Take::One } else { Take::All }, &per_tick)?;
    same(case, &collected.records(&record)?, expected(case)?)
}

fn for_each(harness: &Harness, case: &Case) -> Result<(), Failure> {
    let (collected, _) = queued(harness, case, Take::One, &vec![1; case.inputs.len()])?;
    let totals = collected.totals();
    ensure(expected(case)? == [totals.clone()], || format!("calls and records are {totals}"))
}

/// What comes of a queue into which so many of the case's batches are put before each tick.
fn queued(
    harness: &Harness,
    case: &Case,
    take: Take,
    per_tick: &[i64],
) -> Result<(Collected, Record), Failure> {
    let interval_ms = case.batch_ms.unwrap_or(1000);
    let record = Record::of(&case.inputs.iter().flatten().flatten().collect::<Vec<_>>());
    let queue = Queue::new(schema(&record), take);
    let clock = Arc::new(ManualClock::new(0));
    let mut context = harness.context(interval_ms, &clock)?;
    let handle = context.queue_stream("queue", &queue);
    let collected = Collected::default();
    collected.collect(&mut context, &handle);
    let ends = BatchEnds::of(&mut context);
    let running = context.start(&RunOptions::default()).map_err(Failure::wrong)?;
    let mut batches = case.inputs.iter().flatten();
    for &number in per_tick {
        for batch in batches.by_ref().take(usize::try_from(number).unwrap_or(0)) {
            queue.push(to_rows(&record, batch)?).map_err(Failure::wrong)?;
        }
        advance(&clock, interval_ms);
        ends.wait()?;
    }
    running.stop(StopMode::Immediate);
    ended(&running)?.map_err(Failure::wrong)?;
    Ok((collected, record))
}

/// The records of text lines.
fn lines() -> Record {
    Record::Column(Column::new("line", Cell::Text))
}

fn files(harness: &Harness, case: &Case) -> Result<(), Failure> {
    let interval_ms = case.batch_ms.unwrap_or(1000);
    let folder = tempfile::tempdir().map_err(Failure::wrong)?;
    let created = case.number("context_created_ms").unwrap_or(0);
    let times = case.numbers("file_mtimes_ms").unwrap_or_default();
    let mut files: Vec<(i64, usize)> = times.into_iter().zip(0..).collect();
    let mut write = |up_to: i64| {
        while files.first().is_some_and(|(time, _)| *time <= up_to) {
            let (time, number) = files.remove(0);
            let records = case.inputs.get(number).and_then(Option::as_deref).unwrap_or_default();
            write_file(&folder.path().join(number.to_string()), records, time).map_err(Failure::wrong)?;
        }
        Ok::<(), Failure>(())
    };
    write(created)?;
    let clock = Arc::new(ManualClock::new(created));
    let mut context = harness.context(interval_ms, &clock)?;
    let existing = case.params.get("new_files_only") == Some(&json!(false));
    let directory = Directory { existing, ..Directory::new(folder.path()) };
    let handle = context.text_files("files", directory);
    let collected = Collected::default();
    collected.collect(&mut context, &handle);
    let ends = BatchEnds::of(&mut context);
    let running = context.start(&RunOptions::default()).map_err(Failure::wrong)?;
    let mut now = created;
    for time in case.numbers("batch_times_ms").unwrap_or_default() {
        write(time)?;
        clock.advance(time - now);
        now = time;
        ends.wait()?;
    }
    running.stop(StopMode::Immediate);
    ended(&running)?.map_err(Failure::wrong)?;
    let all = expected(case)?.first().and_then(Value::as_array).cloned().unwrap_or_default();
    same_sorted(&collected.records(&lines())?, &all)
}

/// Writes a line a record, last changed at `time`.
fn write_file(path: &Path, records: &[Value], time: i64) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    for record in records {
        writeln!(file, "{}", record.as_str().unwrap_or_default())?;
    }
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(time.unsigned_abs()))
}

fn socket(harness: &Harness, case: &Case) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(Failure::wrong)?;
    let address = listener.local_addr().map_err(Failure::wrong)?.to_string();
    let mut context = harness.context(case.batch_ms.unwrap_or(1000), &Arc::new(ManualClock::new(0)))?;
    let handle = context.socket_text("socket", &address);
    let collected = Collected::default();
    collected.collect(&mut context, &handle);
    let options = RunOptions { extent: Extent::Available, ..RunOptions::default() };
    let running = context.start(&options).map_err(Failure::wrong)?;
    let (mut connection, _) = listener.accept().map_err(Failure::wrong)?;
    for record in case.inputs.iter().flatten().flatten() {
        writeln!(connection, "{}", record.as_str().unwrap_or_default()).map_err(Failure::wrong)?;
    }
    drop(connection);
    ended(&running)?.map_err(Failure::wrong)?;
    same(case, &[collected.records(&lines())?.concat()], expected(case)?)
}

fn many_tasks(harness: &Harness, case: &Case) -> Result<(), Failure> {
    let size = |name: &str| case.number(name).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let (num_tasks, records) = (size("threads"), size("records_per_thread"));
    let record = Record::single(Cell::Int);
    let block = to_rows(&record, &[json!(1)])?;
    let source = Received {
        schema: schema(&record),
        blocks: vec![block; num_tasks * records],
        manner: Manner::Tasks(num_tasks),
    };
    let mut context = harness.context(case.batch_ms.unwrap_or(1000), &Arc::new(ManualClock::new(0)))?;
    let received = context.source("received", source);
    let handle = context.count("count", &received);
    let record = Record::Column(Column::new("count", Cell::Int));
    let collected = Collected::default();
    collected.collect(&mut context, &handle);
    let options = RunOptions { extent: Extent::Available, ..RunOptions::default() };
    let running = context.start(&options).map_err(Failure::wrong)?;
    ended(&running)?.map_err(Failure::wrong)?;
    let sum: i64 = collected.records(&record)?.iter().flatten().filter_map(Value::as_i64).sum();
    ensure(expected(case)? == [json!([sum])], || format!("{sum} records were counted"))
}

/// A receiver that still has half of its records when it is asked to stop.
fn late_half(harness: &Harness, case: &Case) -> Result<(), Failure> {
    let record = Record::single(Cell::Int);
    let records = case.inputs.iter().flatten().flatten();
    let blocks = records.map(|one| to_rows(&record, std::slice::from_ref(one)));
    let blocks = blocks.collect::<Result<Vec<_>, _>>()?;
    let source = Received { schema: schema(&record), blocks, manner: Manner::HalfLate };
    let mut context = harness.context(1000, &Arc::new(ManualClock::new(0)))?;
    let handle = context.source("received", source);
    let collected = Collected::default();
    collected.collect(&mut context, &handle);
    let running = context.start(&RunOptions::default()).map_err(Failure::wrong)?;
    running.stop(StopMode::Graceful);
    ended(&running)?.map_err(Failure::wrong)?;
    same(case, &[collected.records(&record)?.concat()], expected(case)?)
}

/// Nothing can be put where nobody takes it any more.
fn put_after_the_end() -> Result<(), Failure> {
    let record = Record::single(Cell::Int);
    let options = IntakeOptions { capacity: Bytes::mib(1), max_rows_per_second: None };
    let intake = Intake::new(options, Arc::new(ManualClock::new(0)), Arc::new(Wake::default()));
    intake.close();
    let block = Block { rows: to_rows(&record, &[json!(1)])?, dead: Vec::new() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(Failure::wrong)?;
    ensure(runtime.block_on(intake.put(block)).is_err(), || "it can still be put".to_owned())
}
