//! `count`: how many rows a batch has, in one row; 0 for an empty batch.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use serde::Deserialize;

use super::{Exchange, Factory, Opened, Opening, Operator, OperatorError, Output, Process, Shape, TaskInfo};

/// The column that counts stand in.
pub(super) const COUNT: &str = "count";

/// The options of `count`: none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {}

impl Operator for Count {
    fn kind(&self) -> &'static str {
        "count"
    }

    fn open(&self, _: &Opening<'_>) -> Result<Opened, OperatorError> {
        let schema = Arc::new(Schema::new(vec![Field::new(COUNT, DataType::Int64, false)]));
        let make = |weigh: fn(&RecordBatch) -> i64| -> Arc<dyn Factory> {
            Arc::new(CountFactory { schema: Arc::clone(&schema), weigh })
        };
        let shape = Shape::Wide {
            before: Some(make(|rows| rows.num_rows() as i64)),
            exchange: Exchange::Gather,
            after: Some(make(|counts| counts.column(0).as_primitive::<Int64Type>().values().iter().sum())),
        };
        Ok(Opened { schema, shape })
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
