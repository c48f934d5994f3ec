//! `count_by_value`: each distinct row of a batch, with how often it is there.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema, SchemaRef};
use serde::Deserialize;

use super::count::COUNT;
use super::inverse::CountInverse;
use super::{
    Exchange, Factory, Opened, Opening, Operator, OperatorError, Output, Process, TaskInfo, WindowSpec,
};
use crate::partition::{Groups, KeyEncoder};

/// The options of `count_by_value`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountByValue {
    /// What it counts over, where that is more than a batch.
    pub window: Option<WindowSpec>,
}

impl Operator for CountByValue {
    fn kind(&self) -> &'static str {
        "count_by_value"
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let input = opening.input()?;
        if input.column_with_name(COUNT).is_some() {
            let problem =
                format!("its input has a column `{COUNT}` already, where the counts go; rename it first");
            return Err(OperatorError::Option { key: "from", problem });
        }
        let mut fields: Vec<FieldRef> = input.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(COUNT, DataType::Int64, false)));
        let num_key_columns = input.fields().len();
        let schema = Arc::new(Schema::new(fields));
        let make = |weight: Weight| -> Arc<dyn Factory> {
            Arc::new(CountByValueFactory { schema: Arc::clone(&schema), num_key_columns, weight })
        };
        let exchange = Exchange::ByKey((0..num_key_columns).collect());
        let steps = [Weight::One, Weight::Counted, Weight::Counted].map(make);
        let inverse = Some(Arc::new(CountInverse) as _);
        Opened::combining(opening, Arc::clone(&schema), self.window, steps, inverse, exchange)
    }
}

/// What a row adds to its value's count.
#[derive(Clone, Copy)]
enum Weight {
    /// One.
    One,
    /// What its last column says.
    Counted,
}

struct CountByValueFactory {
    schema: SchemaRef,
    num_key_columns: usize,
    weight: Weight,
}

impl Factory for CountByValueFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        let fields: Vec<_> = self.schema.fields().iter().take(self.num_key_columns).cloned().collect();
        Ok(Box::new(CountingByValue {
            schema: Arc::clone(&self.schema),
            num_key_columns: self.num_key_columns,
            weight: self.weight,
            encoder: KeyEncoder::new(&fields)?,
            groups: Groups::default(),
            counts: Vec::new(),
        }))
    }
}

struct CountingByValue {
    schema: SchemaRef,
    num_key_columns: usize,
    weight: Weight,
    encoder: KeyEncoder,
    groups: Groups,
    counts: Vec<i64>,
}

impl Process for CountingByValue {
    fn process(&mut self, block: &RecordBatch, _: &TaskInfo, _: &mut Output) -> Result<(), OperatorError> {
        let columns = block.columns().get(..self.num_key_columns).unwrap_or_default();
        let keys = self.encoder.encode(columns, block.num_rows())?;
        let weights = match self.weight {
            Weight::One => None,
            Weight::Counted => {
                block.columns().last().map(|counts| counts.as_primitive::<Int64Type>().values())
            }
        };
        let mut ids = Vec::new();
        self.groups.ids(&keys, &mut ids)?;
        self.counts.resize(self.groups.len(), 0);
        for (row, id) in ids.into_iter().enumerate() {
            if let Some(count) = self.counts.get_mut(id as usize) {
                *count += weights.and_then(|weights| weights.get(row)).copied().unwrap_or(1);
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        if self.groups.is_empty() {
            return Ok(());
        }
        let (offsets, data) = self.groups.take();
        let mut columns = self.encoder.decode(offsets, data)?;
        columns.push(Arc::new(Int64Array::from(std::mem::take(&mut self.counts))));
        out.blocks.push(RecordBatch::try_new(Arc::clone(&self.schema), columns)?);
        Ok(())
    }
}
