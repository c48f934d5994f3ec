//! A function of the program for each batch: Spark's `foreachRDD`.
//!
//! Comes in: the time of a batch and its rows, partition by partition, also where there are none. The function is
//! called when the batch is published, on the thread that drives batches; its error stops the pipeline.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Delivery, Opening, Sink, SinkError, Writer};
use crate::record::{BatchTime, FunctionError, Partition, panic_text};

type Function = Arc<Mutex<dyn FnMut(BatchTime, &[Partition]) -> Result<(), FunctionError> + Send>>;

/// A sink that calls a function with the time and the partitions of each batch.
pub struct ForEach {
    function: Function,
}

impl ForEach {
    /// Calls `function` for each batch.
    pub fn new<E: Into<FunctionError>>(
        mut function: impl FnMut(BatchTime, &[Partition]) -> Result<(), E> + Send + 'static,
    ) -> Self {
        let function =
            move |time: BatchTime, partitions: &[Partition]| function(time, partitions).map_err(Into::into);
        Self { function: Arc::new(Mutex::new(function)) }
    }
}

impl fmt::Debug for ForEach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForEach").finish_non_exhaustive()
    }
}

impl Sink for ForEach {
    fn kind(&self) -> &'static str {
        "for_each_batch"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Again
    }

    fn open(&self, _opening: &Opening) -> Result<Box<dyn Writer>, SinkError> {
        Ok(Box::new(Calling { function: Arc::clone(&self.function), staged: None }))
    }
}

struct Calling {
    function: Function,
    staged: Option<Vec<Partition>>,
}

impl Writer for Calling {
    fn stage(&mut self, _time: BatchTime, partitions: &[Partition]) -> Result<(), SinkError> {
        self.staged = Some(partitions.to_vec());
        Ok(())
    }

    fn publish(&mut self, time: BatchTime) -> Result<(), SinkError> {
        let Some(partitions) = self.staged.take() else { return Ok(()) };
        let mut function = self.function.lock().unwrap_or_else(PoisonError::into_inner);
        // A panic is the program's, and should not read like one of the host's own.
        match catch_unwind(AssertUnwindSafe(|| function(time, &partitions))) {
            Ok(done) => done.map_err(SinkError::Function),
            Err(panic) => Err(SinkError::Function(format!("it panicked: {}", panic_text(&*panic)).into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use crate::record::line_schema;

    use super::*;

    const TIME: BatchTime = BatchTime::from_millis(1000);

    fn publish(sink: &ForEach) -> Result<(), SinkError> {
        let mut writer = sink.open(&Opening::new("p", "s", &line_schema())).unwrap();
        writer.stage(TIME, &[Partition::new(), Partition::new()]).unwrap();
        writer.publish(TIME)?;
        writer.publish(TIME)
    }

    #[test]
    fn it_is_called_once_a_batch_when_that_is_published() {
        let calls = Arc::<Mutex<Vec<(i64, usize)>>>::default();
        let heard = Arc::clone(&calls);
        let sink = ForEach::new(move |time, partitions: &[Partition]| {
            heard.lock().unwrap().push((time.millis(), partitions.len()));
            Ok::<(), Infallible>(())
        });
        let mut writer = sink.open(&Opening::new("p", "s", &line_schema())).unwrap();
        writer.stage(TIME, &[Partition::new()]).unwrap();
        assert!(calls.lock().unwrap().is_empty());
        publish(&sink).unwrap();
        assert_eq!(*calls.lock().unwrap(), [(1000, 2)]);
    }

    #[test]
    fn its_error_and_its_panic_are_errors_of_the_sink() {
        let failing = ForEach::new(|_, _: &[Partition]| Err("the table is gone"));
        assert!(publish(&failing).unwrap_err().to_string().ends_with("the table is gone"));
        let panicking = ForEach::new(|_, _: &[Partition]| -> Result<(), Infallible> { panic!("at {}", 7) });
        assert!(publish(&panicking).unwrap_err().to_string().ends_with("it panicked: at 7"));
    }
}
