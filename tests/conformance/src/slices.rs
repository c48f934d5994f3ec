//! Cases about batches of the past: a stream that is remembered, and what it answers for times from and to.

use std::sync::Arc;
use std::time::Duration;

use named::Record;
use serde_json::Value;
use tidemill::batch::ManualClock;
use tidemill::context::RunOptions;
use tidemill::record::BatchTime;
use tidemill::source::{Queue, Take};

use crate::compare::same;
use crate::rows::{schema, to_records, to_rows};
use crate::run::{BatchEnds, Harness, advance};
use crate::{Case, Failure};

/// Runs a batch for each input, and then asks.
pub fn run(harness: &Harness, case: &Case) -> Result<(), Failure> {
    if case.expected_error.is_some() {
        return Err(Failure::unsupported("asking before the start, which does not compile"));
    }
    let interval_ms = case.batch_ms.unwrap_or(1000);
    let record = Record::of(&case.inputs.iter().flatten().flatten().collect::<Vec<_>>());
    let queue = Queue::new(schema(&record), Take::One);
    for batch in case.inputs.iter().flatten() {
        queue.push(to_rows(&record, batch)?).map_err(Failure::wrong)?;
    }
    let clock = Arc::new(ManualClock::new(0));
    let mut context = harness.context(interval_ms, &clock)?;
    let stream = context.queue_stream("queue", &queue);
    let length = case.number("remember_ms").and_then(|ms| u64::try_from(ms).ok()).unwrap_or(interval_ms);
    context.remember(&stream, Duration::from_millis(length));
    let ends = BatchEnds::of(&mut context);
    let running = context.start(&RunOptions::default()).map_err(Failure::wrong)?;
    for _ in &case.inputs {
        advance(&clock, interval_ms);
        ends.wait()?;
    }
    let answers = queries(case, interval_ms)?.into_iter().map(|(from, to)| {
        let time = BatchTime::from_millis;
        let batches = running.slice(&stream, time(from), time(to)).map_err(Failure::wrong)?;
        let blocks: Vec<_> = batches.into_iter().flat_map(|(_, partitions)| partitions).flatten().collect();
        to_records(&record, &blocks)
    });
    let answers = answers.collect::<Result<Vec<_>, _>>()?;
    same(case, &answers, case.expected.as_deref().unwrap_or_default())
}

/// From when to when batches are asked for.
fn queries(case: &Case, interval_ms: u64) -> Result<Vec<(i64, i64)>, Failure> {
    let first = i64::try_from(interval_ms).map_err(Failure::wrong)?;
    let from_zero = case.params.get("queries_ms").map(|queries| (queries, 0));
    let from_first = || Some((case.params.get("queries_ms_from_first_batch")?, first));
    let (queries, zero) = from_zero.or_else(from_first).ok_or_else(|| Failure::wrong("nothing is asked"))?;
    let query = |query: &Value| {
        let end = |index: usize| query.get(index)?.as_i64().map(|millis| zero + millis);
        end(0).zip(end(1)).ok_or_else(|| Failure::wrong(format!("{query} is no query")))
    };
    queries.as_array().into_iter().flatten().map(query).collect()
}
