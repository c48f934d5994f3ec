//! Cases about the life of a context: steps that are taken one after the other, with what holds after each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use named::{Cell, Record};
use serde_json::{Map, Value, json};
use tidemill::batch::ManualClock;
use tidemill::context::{RunError, RunOptions, RunningContext, StopMode, StreamingContext, Summary};
use tidemill::operator::OnError;
use tidemill::source::{Queue, Take};

use crate::case::StepSpec;
use crate::pipeline::Stream;
use crate::receivers::{Manner, Received};
use crate::rows::{schema, to_rows};
use crate::run::{BatchEnds, Collected, Harness, PATIENCE, advance};
use crate::{Case, Failure, ensure};

type Step = Map<String, Value>;

/// How long to wait for what should not come.
const A_MOMENT: Duration = Duration::from_millis(20);

/// Takes the steps of `case`.
pub fn run(harness: &Harness, case: &Case) -> Result<(), Failure> {
    let mut life = Life {
        harness,
        case,
        clock: Arc::new(ManualClock::new(0)),
        fuse: Fuse::of(case),
        context: None,
        running: None,
        ended: None,
        ends: None,
    };
    for step in case.steps.iter().flatten() {
        life.take(step)?;
        life.check(step)?;
    }
    Ok(())
}

/// What fails in the run of a case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fuse {
    Nothing,
    /// A function of a plugin.
    Function,
    /// What makes a batch.
    Batch,
}

impl Fuse {
    fn of(case: &Case) -> Self {
        let wants_error = |step: &Step| step.contains_key("error_contains");
        if !case.steps.iter().flatten().any(wants_error) {
            Self::Nothing
        } else if case.id.contains("job generation") {
            Self::Batch
        } else {
            Self::Function
        }
    }
}

struct Life<'a> {
    harness: &'a Harness,
    case: &'a Case,
    clock: Arc<ManualClock>,
    fuse: Fuse,
    context: Option<StreamingContext>,
    running: Option<RunningContext>,
    ended: Option<Result<Summary, RunError>>,
    ends: Option<BatchEnds>,
}

impl Life<'_> {
    fn take(&mut self, step: &Step) -> Result<(), Failure> {
        let what = step.get("do").and_then(Value::as_str).unwrap_or_default();
        let words: Vec<&str> = what.split(' ').collect();
        match words.as_slice() {
            ["create"] => self.create(1),
            ["create", "two", "inputs,", "use", "one"] => self.create(2),
            ["start"] => self.start(),
            ["stop"] => self.stop(StopMode::Immediate),
            ["stop", "gracefully"] => self.stop(StopMode::Graceful),
            ["stop", "from", "another", "thread", ..] => self.stop_from_elsewhere(),
            ["wait", ..] => {
                advance(&self.clock, 1);
                Ok(())
            }
            ["run", number, "batches"] => self.run_batches(number.parse().map_err(Failure::wrong)?),
            ["await", ..] => self.wait(step),
            _ => Err(Failure::unsupported(format!("the step `{}`", Value::Object(step.clone())))),
        }
    }

    fn check(&mut self, step: &Step) -> Result<(), Failure> {
        match step.get("state").and_then(Value::as_str) {
            None => {}
            Some("INITIALIZED") => {
                ensure(self.context.is_some() && self.running.is_none(), || "it was started".to_owned())?;
            }
            Some("ACTIVE") => ensure(self.is_running(), || "it is not running".to_owned())?,
            Some("STOPPED") => {
                self.end(PATIENCE);
                ensure(!self.is_running(), || "it still runs".to_owned())?;
            }
            Some(other) => return Err(Failure::unsupported(format!("the state `{other}`"))),
        }
        if let Some(limit) = step.get("within_ms").and_then(Value::as_u64) {
            self.end(Duration::from_millis(limit));
            ensure(self.ended.is_some(), || format!("it runs on after {limit} ms"))?;
        }
        if let Some(wanted) = step.get("records_processed").and_then(Value::as_u64) {
            self.end(PATIENCE);
            let found = self.ended.as_ref().and_then(|ended| ended.as_ref().ok());
            let found = found.map(|summary| summary.num_rows_in);
            ensure(found == Some(wanted), || format!("{found:?} records were processed"))?;
        }
        Ok(())
    }

    fn create(&mut self, num_inputs: usize) -> Result<(), Failure> {
        let mut context = self.harness.context(self.case.batch_ms.unwrap_or(500), &self.clock)?;
        let record = Record::single(Cell::Int);
        let queue = Queue::new(schema(&record), Take::One);
        queue.push(to_rows(&record, &[json!(1)])?).map_err(Failure::wrong)?;
        let mut handle = match self.received(&record)? {
            Some(source) => context.source("received", source),
            None => context.queue_stream("queue", &queue),
        };
        if num_inputs > 1 {
            context.queue_stream("unused", &queue);
        }
        if self.fuse == Fuse::Function {
            let step: StepSpec = serde_json::from_value(json!({ "op": "map", "fn": "fail_always" }))
                .map_err(Failure::wrong)?;
            let stream = Stream { handle, record, slide_ms: 500 };
            let mut builder = self.harness.builder(&mut context, vec![stream.clone()]);
            builder.on_error = OnError::Stop;
            handle = builder.steps(stream, &[step])?.handle;
        }
        Collected::default().collect(&mut context, &handle);
        self.ends = Some(BatchEnds::of(&mut context));
        self.context = Some(context);
        Ok(())
    }

    /// A source of its own, where the case asks for one.
    fn received(&self, record: &Record) -> Result<Option<Received>, Failure> {
        let num_records = self.case.number("total_records").and_then(|n| usize::try_from(n).ok());
        let manner = match (self.fuse, num_records) {
            (Fuse::Batch, _) => Manner::Fails,
            (_, Some(_)) => Manner::HalfLate,
            _ => return Ok(None),
        };
        let block = to_rows(record, &[json!(1)])?;
        let blocks = vec![block; num_records.unwrap_or(0)];
        Ok(Some(Received { schema: schema(record), blocks, manner }))
    }

    fn start(&mut self) -> Result<(), Failure> {
        if self.running.is_some() {
            return Err(Failure::unsupported("a second start of a context"));
        }
        if self.context.is_none() {
            self.create(1)?;
        }
        let Some(context) = self.context.take() else { return Ok(()) };
        let running = context.start(&RunOptions::default()).map_err(Failure::wrong)?;
        if self.fuse != Fuse::Nothing {
            advance(&self.clock, self.case.batch_ms.unwrap_or(500));
        }
        self.running = Some(running);
        Ok(())
    }

    fn stop(&mut self, mode: StopMode) -> Result<(), Failure> {
        match &self.running {
            Some(running) => running.stop(mode),
            None => return Err(Failure::unsupported("a stop of a context that was not started")),
        }
        Ok(())
    }

    fn stop_from_elsewhere(&mut self) -> Result<(), Failure> {
        let Some(running) = &self.running else { return self.stop(StopMode::Immediate) };
        let control = running.control();
        std::thread::spawn(move || control.stop(StopMode::Immediate))
            .join()
            .map_err(|_| Failure::wrong("the other thread failed"))
    }

    fn run_batches(&mut self, number: u64) -> Result<(), Failure> {
        for _ in 0..number {
            advance(&self.clock, self.case.batch_ms.unwrap_or(500));
            self.ends.as_ref().map_or(Ok(()), BatchEnds::wait)?;
        }
        Ok(())
    }

    fn wait(&mut self, step: &Step) -> Result<(), Failure> {
        if step.get("returns") == Some(&json!(false)) {
            self.end(A_MOMENT);
            return ensure(self.ended.is_none(), || "it ended".to_owned());
        }
        // A receiver fails when it likes, and the next batch tells; so there are batches until the end.
        let until = Instant::now() + PATIENCE;
        while self.ended.is_none() && Instant::now() < until {
            if self.fuse != Fuse::Nothing {
                advance(&self.clock, self.case.batch_ms.unwrap_or(500));
            }
            self.end(A_MOMENT);
        }
        match (&self.ended, step.contains_key("error_contains")) {
            (None, _) => Err(Failure::wrong("it does not end")),
            (Some(Err(error)), true) => {
                ensure(error.to_string().contains("user error"), || format!("it says `{error}`"))
            }
            (Some(Ok(_)), true) => Err(Failure::wrong("it ends without an error")),
            (Some(Err(error)), false) => Err(Failure::wrong(error)),
            (Some(Ok(_)), false) => Ok(()),
        }
    }

    /// Waits for its end, for `limit`; the end is told once, and remembered.
    fn end(&mut self, limit: Duration) {
        if self.ended.is_none() {
            self.ended =
                self.running.as_ref().and_then(|running| running.await_termination_or_timeout(limit));
        }
    }

    fn is_running(&mut self) -> bool {
        self.end(Duration::ZERO);
        self.running.is_some() && self.ended.is_none()
    }
}
