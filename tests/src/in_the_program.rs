//! Pipelines whose both ends are in the program: a queue that it fills, a function that it is called back with.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use tidemill::batch::ManualClock;
use tidemill::context::{RunOptions, RunningContext, StreamingContext};
use tidemill::record::{BatchTime, Partition};
use tidemill::source::{Extent, Queue, Take};

use super::support::{PATIENCE, engine};

fn block(values: &[i64]) -> RecordBatch {
    RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(values.to_vec())) as ArrayRef)]).unwrap()
}

/// What the function is called with: the time and the numbers.
type Calls = Arc<Mutex<Vec<(i64, Vec<i64>)>>>;

/// A pipeline from `queue` to a function that fails on the number 13, with ten batches due.
fn start(queue: &Queue, options: &RunOptions) -> (Calls, RunningContext) {
    let (calls, clock) = (Calls::default(), Arc::new(ManualClock::new(0)));
    let mut context = StreamingContext::new("in_the_program", Duration::from_secs(1)).unwrap();
    context.engine(&engine());
    // The clock moves by many batches at a time, of which each is looked at.
    context.clock(Arc::clone(&clock) as Arc<_>).merge_late(false);
    let numbers = context.queue_stream("numbers", queue);
    let heard = Arc::clone(&calls);
    context.for_each_batch("function", &numbers, move |time: BatchTime, partitions: &[Partition]| {
        let blocks = partitions.iter().flatten();
        let numbers: Vec<i64> =
            blocks.flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
        if numbers.contains(&13) {
            return Err("13 is unlucky");
        }
        heard.lock().unwrap().push((time.millis(), numbers));
        Ok(())
    });
    let running = context.start(options).unwrap();
    clock.advance(10_000);
    (calls, running)
}

#[test]
fn blocks_come_back_batch_by_batch_and_empty_batches_too() {
    let queue = Queue::new(block(&[]).schema(), Take::One);
    for numbers in [&[1, 2][..], &[], &[3]] {
        queue.push(block(numbers)).unwrap();
    }
    let options = RunOptions { batches: Some(4), ..RunOptions::default() };
    let (calls, running) = start(&queue, &options);
    running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap();
    let expected = [(1000, vec![1, 2]), (2000, vec![]), (3000, vec![3]), (4000, vec![])];
    assert_eq!(*calls.lock().unwrap(), expected);
}

#[test]
fn an_error_of_the_function_stops_the_pipeline_and_reaches_the_waiter() {
    let queue = Queue::new(block(&[]).schema(), Take::One);
    for number in [12, 13, 14] {
        queue.push(block(&[number])).unwrap();
    }
    let (calls, running) = start(&queue, &RunOptions::default());
    let error = running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap_err().to_string();
    assert!(error.contains("sink `function` failed") && error.ends_with("13 is unlucky"), "{error}");
    assert_eq!(*calls.lock().unwrap(), [(1000, vec![12])]);
    assert_eq!(queue.len(), 1);
}

#[test]
fn a_queue_that_is_closed_ends_the_pipeline_and_so_does_one_of_which_only_what_is_there_is_read() {
    for extent in [Extent::Endless, Extent::Available] {
        let queue = Queue::new(block(&[]).schema(), Take::All);
        queue.push(block(&[1])).unwrap();
        queue.push(block(&[2])).unwrap();
        if extent == Extent::Endless {
            queue.close();
        }
        let (calls, running) = start(&queue, &RunOptions { extent, ..RunOptions::default() });
        running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap();
        assert_eq!(*calls.lock().unwrap(), [(1000, vec![1, 2])], "{extent:?}");
    }
}
