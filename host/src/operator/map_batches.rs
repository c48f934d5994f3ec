//! A function of the program from whole batches to a batch: Spark's `transform` and `transformWith`.
//!
//! Comes in: for each stream all rows of its batch, as blocks in order, also where there are none. What the function
//! answers is cut anew. It is called once a batch, on a worker; its error stops the pipeline. The same batches should
//! make the same answer, and hold nothing from one call to the next.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{
    Exchange, Factory, Inputs, Opened, Opening, Operator, OperatorError, Output, Process, Shape, TaskInfo,
    Wide,
};
use crate::record::{BatchTime, FunctionError, Partition, describe, panic_text};

type Function = Arc<dyn Fn(BatchTime, &[Partition]) -> Result<Partition, FunctionError> + Send + Sync>;

/// A function from the batches of some streams to a batch.
#[derive(Clone)]
pub struct MapBatches {
    num_inputs: usize,
    schema: SchemaRef,
    function: Function,
}

impl MapBatches {
    /// Makes rows with the columns `schema` of the batches of `num_inputs` streams.
    pub fn new<E: Into<FunctionError>>(
        num_inputs: usize,
        schema: SchemaRef,
        function: impl Fn(BatchTime, &[Partition]) -> Result<Partition, E> + Send + Sync + 'static,
    ) -> Self {
        let function =
            move |time: BatchTime, batches: &[Partition]| function(time, batches).map_err(Into::into);
        Self { num_inputs, schema, function: Arc::new(function) }
    }
}

impl fmt::Debug for MapBatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapBatches").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Operator for MapBatches {
    fn kind(&self) -> &'static str {
        "map_batches"
    }

    fn inputs(&self) -> Inputs {
        match self.num_inputs {
            1 => Inputs::One,
            2 => Inputs::Two,
            _ => Inputs::Several,
        }
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let after = Arc::new(self.clone());
        let wide = Wide { spread: true, ..Wide::exchange(Exchange::GatherApart, Some(after)) };
        Ok(Opened { shape: Shape::Wide(wide), ..Opened::new(opening, Arc::clone(&self.schema)) })
    }
}

impl Factory for MapBatches {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        let batches = vec![Partition::new(); self.num_inputs];
        Ok(Box::new(Mapping {
            batches,
            schema: Arc::clone(&self.schema),
            function: Arc::clone(&self.function),
        }))
    }
}

struct Mapping {
    batches: Vec<Partition>,
    schema: SchemaRef,
    function: Function,
}

impl Process for Mapping {
    fn process(&mut self, block: &RecordBatch, task: &TaskInfo, _: &mut Output) -> Result<(), OperatorError> {
        self.batches.get_mut(task.input).into_iter().for_each(|batch| batch.push(block.clone()));
        Ok(())
    }

    fn finish(&mut self, task: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        let batches: Vec<Partition> = self.batches.iter_mut().map(std::mem::take).collect();
        // A panic is the program's, and should not read like one of the host's own.
        let answer = catch_unwind(AssertUnwindSafe(|| (self.function)(task.time, &batches)))
            .unwrap_or_else(|panic| Err(format!("it panicked: {}", panic_text(&*panic)).into()));
        let blocks = answer.map_err(OperatorError::Function)?;
        if let Some(other) = blocks.iter().find(|block| block.schema().fields() != self.schema.fields()) {
            let (wanted, got) = (describe(&self.schema), describe(&other.schema()));
            let problem = format!("it answers the columns ({got}), and was said to answer ({wanted})");
            return Err(OperatorError::Function(problem.into()));
        }
        out.blocks.extend(blocks.into_iter().filter(|block| block.num_rows() > 0));
        Ok(())
    }
}
