//! The life of contexts: what start, stop and waiting do, what a failed start leaves, what listeners hear, which batches
//! of the past can be asked for, and several contexts at the same time.

mod finishing;
mod life;
mod listeners;
mod several;
mod slices;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use tidemill::batch::ManualClock;
use tidemill::context::{RunOptions, RunningContext, StreamingContext};
use tidemill::record::line_schema;
use tidemill::source::{Queue, Take};

use super::support::engine;

/// A context with a batch a second by `clock`.
fn context(name: &str, clock: &Arc<ManualClock>) -> StreamingContext {
    let mut context = StreamingContext::new(name, Duration::from_secs(1)).unwrap();
    context.clock(Arc::clone(clock) as Arc<_>).workers(NonZeroUsize::MIN);
    context.engine(&engine());
    context
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(0))
}

fn start(context: StreamingContext) -> RunningContext {
    context.start(&RunOptions::default()).unwrap()
}

/// A queue of lines, of which a batch takes one block.
fn queue() -> Queue {
    Queue::new(line_schema(), Take::One)
}

/// A block of lines.
fn lines(lines: &[&str]) -> RecordBatch {
    let column: ArrayRef = Arc::new(StringArray::from(lines.to_vec()));
    RecordBatch::try_new(line_schema(), vec![column]).unwrap()
}
