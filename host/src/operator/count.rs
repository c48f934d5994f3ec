//! `count`: how many rows a batch has, in one row; 0 for an empty batch.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use serde::Deserialize;

use super::inverse::CountInverse;
use super::{
    Exchange, Factory, Opened, Opening, Operator, OperatorError, Output, Process, TaskInfo, WindowSpec,
};

/// The column that counts stand in.
pub(super) const COUNT: &str = "count";

/// The options of `count`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// What it counts over, where that is more than a batch.
    pub window: Option<WindowSpec>,
}

impl Operator for Count {
    fn kind(&self) -> &'static str {
        "count"
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let schema = Arc::new(Schema::new(vec![Field::new(COUNT, DataType::Int64, false)]));
        let make = |weigh: fn(&RecordBatch) -> i64| -> Arc<dyn Factory> {
            Arc::new(CountFactory { schema: Arc::clone(&schema), weigh })
        };
        let before = make(|rows| rows.num_rows() as i64);
        let after = make(|counts| counts.column(0).as_primitive::<Int64Type>().values().iter().sum());
        let steps = [before, Arc::clone(&after), after];
        let inverse = Some(Arc::new(CountInverse) as _);
        Opened::combining(opening, schema, self.window, steps, inverse, Exchange::Gather)
    }
}

struct CountFactory {
    schema: SchemaRef,
    weigh: fn(&RecordBatch) -> i64,
}

impl Factory for CountFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        Ok(Box::new(Counting { schema: Arc::clone(&self.schema), weigh: self.weigh, count: 0 }))
    }
}

struct Counting {
    schema: SchemaRef,
    weigh: fn(&RecordBatch) -> i64,
    count: i64,
}

impl Process for Counting {
    fn process(&mut self, block: &RecordBatch, _: &TaskInfo, _: &mut Output) -> Result<(), OperatorError> {
        self.count += (self.weigh)(block);
        Ok(())
    }

    fn finish(&mut self, _: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        let count = Int64Array::from(vec![std::mem::take(&mut self.count)]);
        out.blocks.push(RecordBatch::try_new(Arc::clone(&self.schema), vec![Arc::new(count)])?);
        Ok(())
    }
}
