//! Start, stop and waiting.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use tidemill::context::{BatchReport, Control, RunError, RunOptions, StartError, StopMode, StreamingContext};
use tidemill::dead_letters::LetterFiles;
use tidemill::manifest::DeadLetterSpec;
use tidemill::record::{BatchTime, Partition, line_schema};
use tidemill::source::{Opening, Outlet, Reader, Receiver, Recovery, Source, SourceError, Stop};

use super::super::support::{Kept, PATIENCE, wait_until};
use super::{clock, context, lines, queue, start};

/// A source that holds something for as long as its receiver runs, or that can't be opened.
#[derive(Clone, Debug)]
struct Holding {
    what: Arc<()>,
    opens: bool,
}

impl Source for Holding {
    fn kind(&self) -> &'static str {
        "holding"
    }

    fn schema(&self) -> SchemaRef {
        line_schema()
    }

    fn recovery(&self) -> Recovery {
        Recovery::Lost
    }

    fn open(&self, _: &Opening) -> Result<Reader, SourceError> {
        match self.opens {
            true => Ok(Reader::Receiver(Box::new(self.clone()))),
            false => Err(SourceError::Option("it can't be opened".to_owned())),
        }
    }
}

#[async_trait]
impl Receiver for Holding {
    async fn run(self: Box<Self>, _: Arc<dyn Outlet>, mut stop: Stop) -> Result<(), SourceError> {
        stop.requested().await;
        drop(self.what);
        Ok(())
    }
}

/// Two sources of which the second one opens or doesn't, and a folder of dead letters.
fn two_sources(what: &Arc<()>, opens: bool, letters: &std::path::Path) -> StreamingContext {
    let mut context = context("two", &clock());
    let one = context.source("one", Holding { what: Arc::clone(what), opens: true });
    let two = context.source("two", Holding { what: Arc::clone(what), opens });
    let both = context.union("both", &[&one, &two]);
    context.discard("nowhere", &both);
    context.dead_letters(DeadLetterSpec::Files(LetterFiles::new(letters.to_owned())));
    context
}

#[test]
fn a_start_that_fails_leaves_nothing_running_and_the_next_one_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let what = Arc::new(());
    match two_sources(&what, false, folder.path()).start(&RunOptions::default()) {
        Err(StartError::Failed(RunError::Source { name, .. })) => assert_eq!(name, "two"),
        other => panic!("it is {:?}", other.map(drop)),
    }
    // The receiver of the first one is gone with all that it held.
    wait_until("the receiver's end", || (Arc::strong_count(&what) == 1).then_some(()));
    let running = start(two_sources(&what, true, folder.path()));
    assert!(Arc::strong_count(&what) > 1);
    running.stop(StopMode::Graceful);
    running.await_termination().unwrap();
    wait_until("the receivers' end", || (Arc::strong_count(&what) == 1).then_some(()));
}

#[test]
fn a_stop_may_be_asked_for_again_also_after_the_end_and_waiting_answers_each_time() {
    let (clock, kept, queue) = (clock(), Kept::default(), queue());
    let mut context = context("stopped", &clock);
    let stream = context.queue_stream("lines", &queue);
    context.sink("kept", &stream, kept.clone());
    let running = start(context);
    assert!(running.await_termination_or_timeout(Duration::ZERO).is_none());
    queue.push(lines(&["a"])).unwrap();
    clock.advance(1000);
    assert_eq!(kept.wait_for(1), [(1000, vec!["a".to_owned()])]);
    running.stop(StopMode::Immediate);
    running.stop(StopMode::Immediate);
    let first = running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap();
    running.stop(StopMode::Graceful);
    let again = running.await_termination_or_timeout(Duration::ZERO).expect("it has ended").unwrap();
    assert_eq!((first.num_batches, again), (1, first));
    assert_eq!(running.await_termination().unwrap(), first);
    assert_eq!(kept.batches().len(), 1, "nothing runs after the end");
}

#[test]
fn all_who_wait_hear_of_the_first_error() {
    let (clock, queue) = (clock(), queue());
    let mut context = context("failing", &clock);
    let stream = context.queue_stream("lines", &queue);
    context.for_each_batch("failing", &stream, |time: BatchTime, _: &[Partition]| {
        if time.millis() == 2000 { Err("the table is gone") } else { Ok(()) }
    });
    let running = start(context);
    clock.advance(5000);
    let texts = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let error = running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap_err();
                texts.lock().unwrap().push(error.to_string());
            });
        }
    });
    let texts = texts.into_inner().unwrap();
    assert_eq!(texts.len(), 3);
    assert!(
        texts.iter().all(|text| text.contains("sink `failing`") && text.ends_with("the table is gone")),
        "{texts:?}"
    );
    assert!(running.await_termination().unwrap_err().to_string().ends_with("the table is gone"));
}

#[test]
fn a_listener_may_stop_the_run() {
    let (clock, kept, control) = (clock(), Kept::default(), Arc::<OnceLock<Control>>::default());
    let mut context = context("stopped", &clock);
    let stream = context.queue_stream("lines", &queue());
    context.sink("kept", &stream, kept.clone());
    let stop = Arc::clone(&control);
    context.listener(move |report: &BatchReport| {
        if report.time.millis() == 2000 {
            stop.get().expect("it runs").stop(StopMode::Immediate);
        }
    });
    let running = start(context);
    control.set(running.control()).expect("it is set once");
    clock.advance(5000);
    assert_eq!(running.await_termination().unwrap().num_batches, 2);
    assert_eq!(kept.batches().len(), 2);
}
