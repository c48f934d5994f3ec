//! What listeners hear of a run: receivers, batches, outputs, in order.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use tidemill::context::{
    BatchReport, BatchStart, BatchSubmission, Listener, OutputReport, ReceiverEvent, RunOptions,
};
use tidemill::record::{BatchTime, line_schema};
use tidemill::source::{
    Block, Directory, Extent, Opening, Outlet, Reader, Receiver, Recovery, Source, SourceError, Stop,
};

use super::super::support::Server;
use super::{clock, context, lines, queue, start};

/// Writes down what it hears, a line an event.
#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn push(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Listener for Heard {
    fn receiver_changed(&mut self, source: &str, event: &ReceiverEvent<'_>) {
        let event = match event {
            ReceiverEvent::Started => "started".to_owned(),
            ReceiverEvent::Stopped => "stopped".to_owned(),
            ReceiverEvent::Failed(error) => format!("failed: {error}"),
        };
        self.push(format!("{source} {event}"));
    }

    fn batch_submitted(&mut self, batch: &BatchSubmission) {
        self.push(format!("{} submitted with {:?}", batch.time.millis(), batch.num_input_rows));
    }

    fn batch_started(&mut self, batch: &BatchStart) {
        self.push(format!("{} started after {:?}", batch.time.millis(), batch.scheduling_delay));
    }

    fn output_started(&mut self, time: BatchTime, sink: &str) {
        self.push(format!("{} to {sink}", time.millis()));
    }

    fn output_completed(&mut self, report: &OutputReport) {
        self.push(format!("{} at {}: {}", report.time.millis(), report.sink, report.num_rows));
    }

    fn batch_completed(&mut self, report: &BatchReport) {
        assert_eq!(report.total_delay(), report.scheduling_delay + report.processing_time);
        self.push(format!("{} completed with {:?}", report.time.millis(), report.num_input_rows));
    }
}

#[test]
fn of_each_batch_they_hear_step_by_step() {
    let (clock, queue, heard) = (clock(), queue(), Heard::default());
    let folder = tempfile::tempdir().unwrap();
    let mut file = File::create(folder.path().join("a.txt")).unwrap();
    file.write_all(b"x\ny\nz\n").unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_millis(500)).unwrap();
    let mut context = context("heard", &clock);
    let queued = context.queue_stream("queued", &queue);
    let files = context.text_files("files", Directory { existing: true, ..Directory::new(folder.path()) });
    let both = context.union("both", &[&queued, &files]);
    context.discard("one", &both).discard("two", &queued);
    context.listener(heard.clone());
    queue.push(lines(&["a", "b"])).unwrap();
    let running = context.start(&RunOptions { batches: Some(1), ..RunOptions::default() }).unwrap();
    // Two seconds later than the first batch should begin.
    clock.advance(3000);
    running.await_termination().unwrap();
    assert_eq!(
        heard.lines(),
        [
            r#"1000 submitted with [("queued", Some(2)), ("files", None)]"#,
            "1000 started after 2s",
            "1000 to one",
            "1000 to two",
            "1000 at one: 5",
            "1000 at two: 2",
            r#"1000 completed with [("queued", 2), ("files", 3)]"#,
        ]
    );
}

/// A source whose receiver hands over a line and ends, or fails.
#[derive(Clone, Debug)]
struct Brief {
    fails: bool,
}

impl Source for Brief {
    fn kind(&self) -> &'static str {
        "brief"
    }

    fn schema(&self) -> SchemaRef {
        line_schema()
    }

    fn recovery(&self) -> Recovery {
        Recovery::Lost
    }

    fn open(&self, _: &Opening) -> Result<Reader, SourceError> {
        Ok(Reader::Receiver(Box::new(self.clone())))
    }
}

#[async_trait]
impl Receiver for Brief {
    async fn run(self: Box<Self>, outlet: Arc<dyn Outlet>, _: Stop) -> Result<(), SourceError> {
        let _ = outlet.put(Block { rows: lines(&["a"]), dead: vec![] }).await;
        if self.fails { Err(SourceError::Option("the wire is cut".to_owned())) } else { Ok(()) }
    }
}

/// What is heard of the receivers of a run to its end.
fn heard_of_receivers(fails: bool) -> (Vec<String>, bool) {
    let heard = Heard::default();
    let mut context = context("heard", &clock());
    let one = context.source("one", Brief { fails });
    context.discard("nowhere", &one);
    context.listener(heard.clone());
    let options = RunOptions { extent: Extent::Available, ..RunOptions::default() };
    let ended = context.start(&options).unwrap().await_termination();
    let of_receivers = heard.lines().into_iter().filter(|line| line.starts_with("one "));
    (of_receivers.collect(), ended.is_ok())
}

#[test]
fn receivers_start_and_stop_or_fail() {
    assert_eq!(heard_of_receivers(false), (vec!["one started".to_owned(), "one stopped".to_owned()], true));
    let failed = vec!["one started".to_owned(), "one failed: the wire is cut".to_owned()];
    assert_eq!(heard_of_receivers(true), (failed, false));
}

#[test]
fn a_receiver_that_is_given_up_has_stopped() {
    let (clock, heard) = (clock(), Heard::default());
    let server = Server::start();
    let mut context = context("heard", &clock);
    let one = context.socket_text("one", &server.address().to_string());
    context.discard("nowhere", &one);
    context.listener(heard.clone());
    drop(start(context));
    assert_eq!(heard.lines(), ["one started", "one stopped"]);
}
