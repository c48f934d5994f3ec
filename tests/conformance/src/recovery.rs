//! Cases about runs that go on from the checkpoint of the run before.
//!
//! Spark runs the last batch before the stop again, and says that nothing shows of it. Here it isn't run again: what
//! comes out of both runs together has each batch once.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use named::{Cell, Column, Record};
use serde_json::{Map, Value, json};
use tidemill::batch::ManualClock;
use tidemill::context::{RunOptions, RunningContext, StartError, StopMode};
use tidemill::sink::Files;
use tidemill::source::{Directory, Queue, Take};

use crate::case::StepSpec;
use crate::checks::{check, check_states};
use crate::compare::same_sorted;
use crate::fed::{Fed, Feeder};
use crate::pipeline::Stream;
use crate::rows::{schema, to_rows};
use crate::run::{
    BatchEnds, Collected, Harness, Held, PATIENCE, advance, build, ended, inputs_from, num_batches,
};
use crate::{Case, Failure, ensure};

/// Runs the pipeline of `case` up to a batch, and then a second time from there.
pub fn pipeline(harness: &Harness, case: &Case, stop_after: u64) -> Result<Held, Failure> {
    let steps = case.pipeline.as_deref().unwrap_or_default();
    let interval_ms = case.batch_ms.ok_or_else(|| Failure::wrong("`batch_ms` is missing"))?;
    let folder = tempfile::tempdir().map_err(Failure::wrong)?;
    let (collected, states) = (Collected::default(), Collected::default());
    let (mut done, mut records) = (0, None);
    for _ in 0..2 {
        let (mut context, clock) =
            harness.durable_context(interval_ms, done, &folder.path().join("checkpoint"))?;
        let inputs = inputs_from(case, interval_ms, &mut context, done)?;
        let mut builder = harness.builder(&mut context, inputs);
        let stream = build(&mut builder, case, steps)?;
        let snapshots = case.has_states().then(|| builder.state_snapshots()).transpose()?;
        collected.collect(&mut context, &stream.handle);
        if let Some(snapshots) = &snapshots {
            states.collect_as("states", &mut context, &snapshots.handle);
        }
        if case.op == "saveAsFiles" {
            context.files("files", &stream.handle, Files::new(folder.path().join("out")));
        }
        let end = if done == 0 { stop_after } else { num_batches(case, interval_ms, stream.slide_ms) };
        let options = RunOptions { batches: Some(end - done), ..RunOptions::default() };
        let running = context.start(&options).map_err(Failure::wrong)?;
        advance(&clock, (end - done) * interval_ms);
        ended(&running)?.map_err(Failure::wrong)?;
        (done, records) = (end, Some((stream.record, snapshots.map(|snapshots| snapshots.record))));
    }
    let (record, state) = records.ok_or_else(|| Failure::wrong("nothing ran"))?;
    if let Some(state) = &state {
        check_states(case, &states.records(state)?)?;
    }
    if case.op == "saveAsFiles" {
        let wanted: Vec<String> = (1..=done).map(|batch| format!("out-{}", batch * interval_ms)).collect();
        let missing = wanted.iter().find(|name| !folder.path().join(name).is_dir());
        ensure(missing.is_none(), || format!("there is no folder {missing:?}"))?;
    }
    check(case, &collected.batches(&record)?)
}

/// Runs a case about files of which some come while nothing runs: file number i holds i, and what is asked is a sum over
/// a window longer than all of it.
pub fn files(harness: &Harness, case: &Case) -> Result<(), Failure> {
    let interval_ms = case.batch_ms.unwrap_or(2000);
    let folder = tempfile::tempdir().map_err(Failure::wrong)?;
    let input = folder.path().join("input");
    fs::create_dir(&input).map_err(Failure::wrong)?;
    let record = Record::single(Cell::Int);
    let collected = Collected::default();
    let step = json!({ "op": "reduceByWindow", "fn": "add", "window_ms": 30 * interval_ms, "slide_ms": interval_ms });
    let step: StepSpec = serde_json::from_value(step).map_err(Failure::wrong)?;
    let mut sums = None;
    // The third batch is killed, and three more pass without a run.
    for (batches_before, files) in [(0, 1..=3_u64), (6, 4..=9)] {
        let write = |number: u64| write_number(&input, number, number * interval_ms).map_err(Failure::wrong);
        files.clone().filter(|number| *number <= batches_before).try_for_each(write)?;
        let (mut context, clock) =
            harness.durable_context(interval_ms, batches_before, &folder.path().join("checkpoint"))?;
        let directory = numbers_in(&input)?;
        let handle = context.source("files", directory);
        let stream = Stream { handle, record: record.clone(), slide_ms: interval_ms };
        let sum =
            harness.builder(&mut context, vec![stream.clone()]).steps(stream, std::slice::from_ref(&step))?;
        collected.collect(&mut context, &sum.handle);
        let ends = BatchEnds::of(&mut context);
        let running = context.start(&RunOptions::default()).map_err(Failure::wrong)?;
        // Those of the time in which nothing ran are made up for.
        (0..if batches_before > 0 { 4 } else { 0 }).try_for_each(|_| ends.wait())?;
        for number in files.filter(|number| *number > batches_before) {
            write(number)?;
            if number == 3 {
                break;
            }
            advance(&clock, interval_ms);
            ends.wait()?;
        }
        running.stop(StopMode::Immediate);
        ended(&running)?.map_err(Failure::wrong)?;
        sums = Some(sum.record);
    }
    let sums = sums.ok_or_else(|| Failure::wrong("nothing ran"))?;
    let expected = case.expected.as_ref().and_then(|expected| expected.first()).and_then(Value::as_array);
    same_sorted(&collected.records(&sums)?, expected.map_or(&[], Vec::as_slice))
}

/// A source of the files in `folder`, which hold a whole number a line.
fn numbers_in(folder: &Path) -> Result<Directory, Failure> {
    let options = json!({ "path": folder, "format": "csv", "schema": { "v": "int64" }, "existing": true });
    serde_json::from_value(options).map_err(Failure::wrong)
}

fn write_number(folder: &Path, number: u64, time_ms: u64) -> std::io::Result<()> {
    let aside = folder.join(format!(".{number}"));
    fs::write(&aside, format!("{number}\n"))?;
    fs::File::options()
        .append(true)
        .open(&aside)?
        .set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(time_ms))?;
    fs::rename(aside, folder.join(format!("{number}.csv")))
}

/// Runs the case about a folder that may hold a checkpoint: nothing in it, a damaged one, one that is whole.
pub fn any_folder(harness: &Harness, case: &Case) -> Result<(), Failure> {
    let folder = tempfile::tempdir().map_err(Failure::wrong)?;
    let path = folder.path().join("checkpoint");
    for step in case.steps.iter().flatten() {
        let flag = |name: &str| step.get(name).and_then(Value::as_bool) == Some(true);
        match step.get("folder").and_then(Value::as_str) {
            Some("empty") => {}
            Some("corrupted") => damage(&path).map_err(Failure::wrong)?,
            Some("valid") => {
                total(harness, &path)?.map_err(Failure::wrong)?;
            }
            other => return Err(Failure::unsupported(format!("a folder that is {other:?}"))),
        }
        if flag("create_on_error") {
            // A damaged checkpoint is never replaced unasked.
            fs::remove_dir_all(&path).map_err(Failure::wrong)?;
        }
        let total = total(harness, &path)?;
        match total {
            Err(_) => ensure(flag("error"), || format!("it does not start: {total:?}"))?,
            Ok(total) => {
                ensure(!flag("error"), || "it starts".to_owned())?;
                let is_new = total == json!([["a", 1]]);
                ensure(is_new == flag("creates_new"), || format!("{step:?} leads to {total}"))?;
            }
        }
    }
    Ok(())
}

/// Runs a batch of one record with the checkpoint `path`, and answers what was counted of it, now and before.
fn total(harness: &Harness, path: &Path) -> Result<Result<Value, StartError>, Failure> {
    let record = Record::single(Cell::Text);
    let (mut context, clock) = harness.durable_context(500, 0, path)?;
    let queue = Queue::new(schema(&record), Take::One);
    queue.push(to_rows(&record, &[json!("a")])?).map_err(Failure::wrong)?;
    let handle = context.queue_stream("queue", &queue);
    let stream = Stream { handle, record, slide_ms: 500 };
    let steps =
        json!([{ "op": "map", "fn": "pair_with_1" }, { "op": "updateStateByKey", "fn": "running_sum" }]);
    let steps: Vec<StepSpec> = serde_json::from_value(steps).map_err(Failure::wrong)?;
    let sums = harness.builder(&mut context, vec![stream.clone()]).steps(stream, &steps)?;
    let collected = Collected::default();
    collected.collect(&mut context, &sums.handle);
    let options = RunOptions { batches: Some(1), ..RunOptions::default() };
    let running = match context.start(&options) {
        Ok(running) => running,
        Err(error) => return Ok(Err(error)),
    };
    // It goes on at the batch after the last, whenever that was.
    advance(&clock, 60_000);
    ended(&running)?.map_err(Failure::wrong)?;
    Ok(Ok(Value::Array(collected.records(&sums.record)?.concat())))
}

/// Puts something else into all files below `path`, which is made where it isn't there.
fn damage(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path)?;
    let mut num_files = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        num_files += 1;
        match entry.file_type()?.is_dir() {
            true => damage(&entry.path())?,
            false => fs::write(entry.path(), "this is no checkpoint")?,
        }
    }
    if num_files == 0 {
        fs::write(path.join("0"), "this is no checkpoint")?;
    }
    Ok(())
}

/// Runs a case about blocks that were received: which batch takes them, and what a restart finds of them.
pub fn blocks(harness: &Harness, case: &Case) -> Result<(), Failure> {
    let folder = tempfile::tempdir().map_err(Failure::wrong)?;
    let mut blocks = Blocks {
        harness,
        folder: folder.path(),
        collected: Collected::default(),
        run: None,
        num_fed: 0,
        num_batches: 0,
    };
    blocks.start()?;
    for step in case.steps.iter().flatten() {
        for deed in step.get("do").and_then(Value::as_str).unwrap_or_default().split(", ") {
            blocks.take(deed)?;
        }
        blocks.check(step)?;
    }
    // What no batch had is in the next one: nothing was lost, nothing came twice, and all came in order.
    blocks.tick()?;
    let all = blocks.collected.records(&number())?.concat();
    ensure(all == (0..blocks.num_fed).map(Value::from).collect::<Vec<_>>(), || format!("{all:?} came"))
}

fn number() -> Record {
    Record::Column(Column::new("v", Cell::Int))
}

/// A run that is fed, and those that go on from it.
struct Blocks<'a> {
    harness: &'a Harness,
    folder: &'a Path,
    collected: Collected,
    run: Option<(RunningContext, Arc<ManualClock>, BatchEnds, Feeder)>,
    num_fed: i64,
    num_batches: u64,
}

impl Blocks<'_> {
    fn start(&mut self) -> Result<(), Failure> {
        let (mut context, clock) = self.harness.durable_context(1000, self.num_batches, self.folder)?;
        let (source, feeder) = Fed::new(schema(&number()));
        let stream = context.source("fed", source);
        self.collected.collect(&mut context, &stream);
        let ends = BatchEnds::of(&mut context);
        let running = context.start(&RunOptions::default()).map_err(Failure::wrong)?;
        self.run = Some((running, clock, ends, feeder));
        Ok(())
    }

    fn take(&mut self, deed: &str) -> Result<(), Failure> {
        match deed.split(' ').collect::<Vec<_>>().as_slice() {
            ["add", num, "blocks"] | ["write", num, "records"] => self.feed(num),
            ["log", num, "blocks", "allocated", "to", "a", "batch", "and", more, "not"] => {
                self.feed(num)?;
                self.tick()?;
                self.feed(more)
            }
            ["allocate", "batch", number] if number.parse() == Ok(self.num_batches + 1) => self.tick(),
            // A batch is made once, so there is nothing to do.
            ["allocate", "batch", _, "again"] => Ok(()),
            ["recover"] => self.restart(),
            ["one", "each", ..] | ["roll", "interval", ..] => Ok(()),
            _ => Err(Failure::unsupported(format!("the harness can't `{deed}`"))),
        }
    }

    fn feed(&mut self, num: &str) -> Result<(), Failure> {
        let num: i64 = num.parse().map_err(Failure::wrong)?;
        let (_, _, _, feeder) = self.run.as_ref().ok_or_else(|| Failure::wrong("nothing runs"))?;
        for record in self.num_fed..self.num_fed + num {
            feeder.feed(to_rows(&number(), &[json!(record)])?)?;
        }
        self.num_fed += num;
        Ok(())
    }

    fn tick(&mut self) -> Result<(), Failure> {
        let (_, clock, ends, _) = self.run.as_ref().ok_or_else(|| Failure::wrong("nothing runs"))?;
        advance(clock, 1000);
        self.num_batches += 1;
        ends.wait()
    }

    /// Ends the run with what no batch has had, and begins another.
    fn restart(&mut self) -> Result<(), Failure> {
        if let Some((running, ..)) = self.run.take() {
            running.stop(StopMode::Immediate);
            let ended = running.await_termination_or_timeout(PATIENCE);
            ended.ok_or_else(|| Failure::wrong("it does not end"))?.map_err(Failure::wrong)?;
        }
        self.start()
    }

    fn check(&mut self, step: &Map<String, Value>) -> Result<(), Failure> {
        let batches = self.collected.records(&number())?;
        let num_allocated = batches.iter().map(Vec::len).sum::<usize>() as i64;
        for (batch, num) in step.get("batch").and_then(Value::as_object).into_iter().flatten() {
            let index = batch.parse::<usize>().map_err(Failure::wrong)?.saturating_sub(1);
            let found = batches.get(index).map(|batch| json!(batch.len()));
            ensure(found.as_ref() == Some(num), || format!("batch {batch} has {found:?} records"))?;
        }
        let same = |name: &str, found: i64| match step.get(name).and_then(Value::as_i64) {
            Some(wanted) if wanted != found => Err(Failure::wrong(format!("`{name}` is {found}"))),
            _ => Ok(()),
        };
        same("allocated", num_allocated)?;
        same("unallocated", self.num_fed - num_allocated)?;
        match step.get("read_back").and_then(Value::as_str) {
            None => Ok(()),
            // The end of the case compares what comes.
            Some("same records, same order") => self.restart(),
            Some(other) => Err(Failure::unsupported(format!("reading back {other}"))),
        }
    }
}
