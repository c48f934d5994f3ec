//! How batches become final: beside the next one where there is a checkpoint, in order always.

use std::path::Path;
use std::sync::{Arc, Mutex};

use arrow::array::{AsArray, RecordBatch};
use tidemill::batch::ManualClock;
use tidemill::context::{RunOptions, RunningContext, StopMode};
use tidemill::record::{BatchTime, Partition, line_schema};
use tidemill::sink::{Delivery, Opening, Sink, SinkError, Writer};

use super::super::support::{PATIENCE, wait_until};
use super::{clock, context, lines, queue};

/// What happened, in order: `ran a`, `staged 1000`, `published 1000`.
#[derive(Clone, Debug, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    fn push(&self, event: String) {
        self.0.lock().unwrap().push(event);
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Where in the order something is; none where it didn't happen.
    fn place(&self, event: &str) -> Option<usize> {
        self.all().iter().position(|one| one == event)
    }

    fn wait_for(&self, event: &str) {
        wait_until(event, || self.place(event).map(drop));
    }

    /// That all of these happened, in this order.
    fn assert_order(&self, events: &[&str]) {
        let places: Vec<Option<usize>> = events.iter().map(|event| self.place(event)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{events:?} in {:?}", self.all());
    }
}

/// A sink that publishes a batch once something has happened.
#[derive(Clone, Debug)]
struct Gate {
    events: Events,
    /// What the batch of a time waits for.
    waits: Vec<(i64, &'static str)>,
    /// The batch that can't be published.
    breaks: Option<i64>,
}

impl Sink for Gate {
    fn kind(&self) -> &'static str {
        "gate"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Nowhere
    }

    fn open(&self, _: &Opening) -> Result<Box<dyn Writer>, SinkError> {
        Ok(Box::new(self.clone()))
    }
}

impl Writer for Gate {
    fn stage(&mut self, time: BatchTime, _: &[Partition]) -> Result<(), SinkError> {
        self.events.push(format!("staged {}", time.millis()));
        Ok(())
    }

    fn publish(&mut self, time: BatchTime) -> Result<(), SinkError> {
        for (_, event) in self.waits.iter().filter(|(batch, _)| *batch == time.millis()) {
            self.events.wait_for(event);
        }
        if self.breaks == Some(time.millis()) {
            let source = std::io::Error::other("it is broken");
            return Err(SinkError::Path { action: "pass", path: "gate".into(), source });
        }
        self.events.push(format!("published {}", time.millis()));
        Ok(())
    }
}

/// A batch a second with one of the lines a, b, c each, of which the first three are due; `bad` fails.
fn run(
    checkpoint: Option<&Path>,
    gate: &Gate,
    bad: Option<&'static str>,
) -> (RunningContext, Arc<ManualClock>) {
    let (clock, queue) = (clock(), queue());
    for line in ["a", "b", "c"] {
        queue.push(lines(&[line])).unwrap();
    }
    let mut context = context("finishing", &clock);
    if let Some(path) = checkpoint {
        context.checkpoint(path);
    }
    let all = context.queue_stream("lines", &queue);
    let events = gate.events.clone();
    let seen = context.map_batch("seen", &all, line_schema(), move |_: BatchTime, rows: &[RecordBatch]| {
        for line in rows.iter().flat_map(|block| block.column(0).as_string::<i32>()).flatten() {
            events.push(format!("ran {line}"));
            if bad == Some(line) {
                return Err(std::io::Error::other("a bad line"));
            }
        }
        Ok(rows.to_vec())
    });
    context.sink("gate", &seen, gate.clone());
    let running = context.start(&RunOptions::default()).unwrap();
    clock.advance(3000);
    (running, clock)
}

fn gate(waits: &[(i64, &'static str)], breaks: Option<i64>) -> Gate {
    Gate { events: Events::default(), waits: waits.to_vec(), breaks }
}

/// What the run ended with, in words.
fn ended(running: &RunningContext) -> Result<u64, String> {
    let ended = running.await_termination_or_timeout(PATIENCE).expect("it ends");
    ended.map(|summary| summary.num_batches).map_err(|error| error.to_string())
}

#[test]
fn the_next_batch_runs_while_one_is_made_final_and_no_more_than_that() {
    let (folder, gate) = (tempfile::tempdir().unwrap(), gate(&[(1000, "ran b"), (2000, "ran c")], None));
    let (running, _) = run(Some(folder.path()), &gate, None);
    gate.events.wait_for("published 3000");
    running.stop(StopMode::Immediate);
    assert_eq!(ended(&running), Ok(3));
    let steps =
        ["staged 1000", "published 1000", "staged 2000", "published 2000", "staged 3000", "published 3000"];
    gate.events.assert_order(&steps);
    gate.events.assert_order(&["ran b", "published 1000", "ran c", "published 2000"]);
}

#[test]
fn without_a_checkpoint_a_batch_is_final_before_the_next_one_runs() {
    let gate = gate(&[], None);
    let (running, _) = run(None, &gate, None);
    gate.events.wait_for("published 3000");
    running.stop(StopMode::Immediate);
    assert_eq!(ended(&running), Ok(3));
    let expected = [("a", 1000), ("b", 2000), ("c", 3000)]
        .map(|(line, time)| [format!("ran {line}"), format!("staged {time}"), format!("published {time}")]);
    assert_eq!(gate.events.all(), expected.concat());
}

#[test]
fn a_sink_that_fails_ends_the_run_though_the_next_batch_is_not_due() {
    let (folder, gate) = (tempfile::tempdir().unwrap(), gate(&[], Some(3000)));
    // No later batch is ever due, as the clock stands still.
    let (running, _clock) = run(Some(folder.path()), &gate, None);
    assert_eq!(ended(&running), Err("sink `gate` failed: cannot pass gate: it is broken".to_owned()));
    assert_eq!(gate.events.place("published 3000"), None);
}

#[test]
fn the_end_waits_for_the_batch_that_is_made_final() {
    for mode in [StopMode::Immediate, StopMode::Graceful] {
        let (folder, gate) = (tempfile::tempdir().unwrap(), gate(&[(3000, "stopping")], None));
        let (running, _) = run(Some(folder.path()), &gate, None);
        gate.events.wait_for("staged 3000");
        running.stop(mode);
        gate.events.push("stopping".to_owned());
        assert_eq!(ended(&running), Ok(3), "{mode:?}");
        gate.events.assert_order(&["stopping", "published 3000"]);
    }
}

#[test]
fn a_batch_that_fails_leaves_the_one_before_it_final_and_what_failed_first_is_told() {
    let (folder, good) = (tempfile::tempdir().unwrap(), gate(&[(1000, "ran b")], None));
    let (running, _) = run(Some(folder.path()), &good, Some("b"));
    let error = ended(&running).unwrap_err();
    assert!(error.contains("1970-01-01T00:00:02Z failed") && error.contains("a bad line"), "{error}");
    good.events.assert_order(&["ran b", "published 1000"]);
    assert_eq!(good.events.place("staged 2000"), None);

    let (folder, broken) = (tempfile::tempdir().unwrap(), gate(&[(1000, "ran b")], Some(1000)));
    let (running, _) = run(Some(folder.path()), &broken, Some("b"));
    assert_eq!(ended(&running), Err("sink `gate` failed: cannot pass gate: it is broken".to_owned()));
}
