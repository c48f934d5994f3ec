//! Batches of the past, of streams that are remembered.

use std::time::Duration;

use tidemill::context::{RunningContext, StreamHandle};
use tidemill::operator::WindowSpec;
use tidemill::record::BatchTime;

use super::super::support::{Kept, shown};
use super::{clock, context, lines, queue, start};

/// The times and rows that `running` answers.
fn slice(running: &RunningContext, stream: &StreamHandle, from: i64, to: i64) -> Vec<(i64, Vec<String>)> {
    let batches = running.slice(stream, BatchTime::from_millis(from), BatchTime::from_millis(to)).unwrap();
    let rows = |partitions: Vec<Vec<_>>| {
        partitions.iter().flatten().flat_map(|block| shown(block).unwrap()).collect()
    };
    batches.into_iter().map(|(time, partitions)| (time.millis(), rows(partitions))).collect()
}

fn times(running: &RunningContext, stream: &StreamHandle, from: i64, to: i64) -> Vec<i64> {
    slice(running, stream, from, to).into_iter().map(|(time, _)| time).collect()
}

#[test]
fn batches_between_two_times_are_answered_for_as_long_as_they_are_remembered() {
    let (clock, kept, queue) = (clock(), Kept::default(), queue());
    let mut context = context("sliced", &clock);
    let stream = context.queue_stream("lines", &queue);
    let seconds = Duration::from_secs;
    let window = WindowSpec::sliding(seconds(4), seconds(2));
    let counts = context.count_by_window("counts", &stream, window);
    context.remember(&stream, seconds(3)).remember(&counts, seconds(60)).sink("kept", &stream, kept.clone());
    let running = start(context);
    for text in ["a", "b", "c", "d", "e"] {
        queue.push(lines(&[text])).unwrap();
    }
    clock.advance(5000);
    kept.wait_for(5);
    running.stop(tidemill::context::StopMode::Immediate);
    running.await_termination_or_timeout(Duration::from_secs(60)).expect("it ends").unwrap();

    let rows = |time: i64, text: &str| (time, vec![text.to_owned()]);
    assert_eq!(slice(&running, &stream, 0, 9000), [rows(3000, "c"), rows(4000, "d"), rows(5000, "e")]);
    assert_eq!(times(&running, &stream, 4000, 4000), [4000]);
    assert_eq!(times(&running, &stream, 4000, 5000), [4000, 5000]);
    assert_eq!(times(&running, &stream, 4999, 5999), [4000, 5000], "the batch before it reaches up to 4999");
    assert!(times(&running, &stream, 5001, 4000).is_empty());
    // Behind a window there is a batch every two seconds.
    assert_eq!(slice(&running, &counts, 0, 9000), [rows(2000, "2"), rows(4000, "4")]);
    assert_eq!(times(&running, &counts, 3000, 9000), [2000, 4000]);
}

#[test]
fn a_stream_that_is_not_remembered_has_no_slices_and_one_is_remembered_once() {
    let clock = clock();
    let mut plain = context("plain", &clock);
    let stream = plain.queue_stream("lines", &queue());
    plain.discard("nowhere", &stream);
    let running = start(plain);
    let time = BatchTime::from_millis(0);
    let error = running.slice(&stream, time, time).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the batches of `lines` are not kept; call `remember` for it before the start"
    );

    let mut twice = context("twice", &clock);
    let stream = twice.queue_stream("lines", &queue());
    twice.remember(&stream, Duration::from_secs(1)).remember(&stream, Duration::from_secs(2));
    let error = twice.start(&tidemill::context::RunOptions::default()).err().expect("it is refused");
    assert!(error.to_string().contains("lines_remembered: the name is given twice"), "{error}");
}
