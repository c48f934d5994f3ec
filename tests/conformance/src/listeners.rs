//! Cases about what listeners hear: of each batch that it is submitted, that it starts, and that it is complete.

use std::sync::{Arc, Mutex, PoisonError};

use named::Record;
use serde_json::{Value, json};
use tidemill::batch::ManualClock;
use tidemill::context::{BatchReport, BatchStart, BatchSubmission, Listener, RunOptions};
use tidemill::record::BatchTime;
use tidemill::source::{Queue, Take};

use crate::rows::{schema, to_rows};
use crate::run::{Harness, advance, ended};
use crate::{Case, Failure, ensure};

/// What was heard, in order.
#[derive(Clone, Debug)]
enum Event {
    Submitted(BatchSubmission),
    Started(BatchStart),
    Completed(BatchReport),
}

/// Writes down what it hears.
#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<Event>>>);

impl Heard {
    fn push(&self, event: Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

impl Listener for Heard {
    fn batch_submitted(&mut self, batch: &BatchSubmission) {
        self.push(Event::Submitted(batch.clone()));
    }

    fn batch_started(&mut self, batch: &BatchStart) {
        self.push(Event::Started(*batch));
    }

    fn batch_completed(&mut self, report: &BatchReport) {
        self.push(Event::Completed(report.clone()));
    }
}

/// Runs a batch for each input; each is submitted, starts and is complete, with so many records and with its delays.
pub fn run(harness: &Harness, case: &Case) -> Result<(), Failure> {
    let interval_ms = case.batch_ms.unwrap_or(1000);
    let record = Record::of(&case.inputs.iter().flatten().flatten().collect::<Vec<_>>());
    let queue = Queue::new(schema(&record), Take::One);
    for batch in case.inputs.iter().flatten() {
        queue.push(to_rows(&record, batch)?).map_err(Failure::wrong)?;
    }
    let clock = Arc::new(ManualClock::new(0));
    let mut context = harness.context(interval_ms, &clock)?;
    let stream = context.queue_stream("queue", &queue);
    context.discard("nowhere", &stream);
    let heard = Heard::default();
    context.listener(heard.clone());
    let batches = case.inputs.len() as u64;
    let options = RunOptions { batches: Some(batches), ..RunOptions::default() };
    let running = context.start(&options).map_err(Failure::wrong)?;
    advance(&clock, batches * interval_ms);
    ended(&running)?.map_err(Failure::wrong)?;
    let events = heard.0.lock().unwrap_or_else(PoisonError::into_inner);
    let records = case.number("records_per_batch_event").and_then(|number| usize::try_from(number).ok());
    let mut counts = [0; 3];
    for batch in events.chunks(3) {
        let [Event::Submitted(submitted), Event::Started(started), Event::Completed(completed)] = batch
        else {
            return Err(Failure::wrong(format!("a batch is told as {batch:?}")));
        };
        counts.iter_mut().for_each(|count| *count += 1);
        let times: [BatchTime; 3] = [submitted.time, started.time, completed.time];
        ensure(times.iter().all(|time| *time == submitted.time), || format!("the times are {times:?}"))?;
        let known: Option<usize> = submitted.num_input_rows.iter().map(|(_, rows)| *rows).sum();
        ensure(known == records && Some(completed.num_rows_in()) == records, || {
            format!("{known:?} records, and then {}", completed.num_rows_in())
        })?;
        let total = completed.scheduling_delay + completed.processing_time;
        ensure(
            started.scheduling_delay == completed.scheduling_delay && completed.total_delay() == total,
            || format!("the delays are {started:?}, and then {completed:?}"),
        )?;
    }
    let expected: Option<&Value> = case.expected.as_ref().and_then(|expected| expected.first());
    ensure(expected == Some(&json!(counts)), || format!("{counts:?} events instead of {expected:?}"))
}
