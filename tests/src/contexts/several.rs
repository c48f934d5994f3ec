//! Several contexts in one process, at the same time.

use std::sync::Arc;

use tidemill::batch::ManualClock;
use tidemill::context::{RunningContext, StopMode};
use tidemill::operator::{OnError, Tolerance};
use tidemill::plugin::{Engine, PluginSpec};
use tidemill::source::Queue;

use super::super::support::{Kept, PATIENCE, plugin};
use super::{clock, context, engine, lines, queue, start};

/// A pipeline that does what its lines say, and ends at the first failure.
struct One {
    clock: Arc<ManualClock>,
    queue: Queue,
    kept: Kept,
    running: RunningContext,
}

fn run(name: &str, engine: &Engine) -> One {
    let (clock, queue, kept) = (clock(), queue(), Kept::default());
    let mut context = context(name, &clock);
    context.engine(engine);
    let stream = context.queue_stream("lines", &queue);
    let misbehave = context.plugin("misbehave", PluginSpec::new(plugin("misbehave")));
    let passed = context.transform("passed", &stream, &misbehave);
    context.tolerance(&passed, Tolerance { on_error: OnError::Stop, ..Tolerance::default() });
    context.sink("kept", &passed, kept.clone());
    One { clock, queue, kept, running: start(context) }
}

impl One {
    /// Runs a batch of `text`.
    fn batch(&self, text: &str) {
        self.queue.push(lines(&[text])).unwrap();
        self.clock.advance(1000);
    }

    fn rows(&self, num_batches: usize) -> Vec<Vec<String>> {
        self.kept.wait_for(num_batches).into_iter().map(|(_, rows)| rows).collect()
    }
}

#[test]
fn one_fails_and_the_others_go_on_with_numbers_of_their_own() {
    let engine = engine();
    let [good, bad, third] = ["good", "bad", "third"].map(|name| run(name, &engine));
    good.batch("before");
    bad.batch("before");
    assert_eq!(
        (good.rows(1), bad.rows(1)),
        (vec![vec!["before".to_owned()]], vec![vec!["before".to_owned()]])
    );

    bad.batch("panic");
    let error = bad.running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap_err();
    assert!(error.to_string().contains("asked to by a line"), "{error}");
    third.running.stop(StopMode::Immediate);
    third.running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap();

    good.batch("after");
    assert_eq!(good.rows(2), [["before"], ["after"]]);
    let (text, bad_text) = (good.running.metrics().text(), bad.running.metrics().text());
    assert!(text.contains("tidemill_batches_total{pipeline=\"good\"} 2"), "{text}");
    assert!(!text.contains("bad") && !text.contains("trap"), "{text}");
    assert!(bad_text.contains("tidemill_batches_total{pipeline=\"bad\"} 1"), "{bad_text}");
    good.running.stop(StopMode::Graceful);
    assert_eq!(good.running.await_termination().unwrap().num_rows_in, 2);
    assert_eq!((bad.kept.batches().len(), third.kept.batches().len()), (1, 0));
}
