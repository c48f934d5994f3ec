//! `join`: the rows of two streams that share a key, each with each, batch by batch.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{Field, FieldRef, SchemaRef};
use serde::Deserialize;

use super::sides::{ByKey, Sides, SidesPlan};
use super::{
    Exchange, Factory, Inputs, Opened, Opening, Operator, OperatorError, Output, Process, Shape, TaskInfo,
    Wide,
};

/// About how many rows a block of the answer has.
const BLOCK_ROWS: usize = 64 * 1024;
/// The most rows that a partition of a batch may make; more would be a mistake in the key, and the end of memory.
const MAX_ROWS: usize = 1 << 27;

/// The options of `join`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The columns that make the key, in both streams, or in the first where `right_key` is given.
    pub key: Vec<String>,
    /// The columns that make the key in the second stream, in the same order.
    pub right_key: Option<Vec<String>>,
    /// Which keys are kept that only one stream has.
    #[serde(default)]
    pub how: How,
    /// What is put before the names of the second stream's columns.
    #[serde(default)]
    pub right_prefix: String,
}

/// Which keys a join keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Those that both streams have.
    #[default]
    Inner,
    /// Those of the first stream.
    Left,
    /// Those of the second stream.
    Right,
    /// All.
    Full,
}

impl How {
    fn keeps_left(self) -> bool {
        matches!(self, Self::Left | Self::Full)
    }

    fn keeps_right(self) -> bool {
        matches!(self, Self::Right | Self::Full)
    }
}

impl Operator for Join {
    fn kind(&self) -> &'static str {
        "join"
    }

    fn inputs(&self) -> Inputs {
        Inputs::Two
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let right_key = self.right_key.as_ref().unwrap_or(&self.key);
        let plan = SidesPlan::new(opening.inputs, &[&self.key, right_key])?;
        let side = |input: usize| plan.sides.get(input).into_iter().flat_map(|side| side.schema.fields());
        let left = side(0).map(|field| nullable(field, String::new(), self.how.keeps_right()));
        let right = side(1).map(|field| nullable(field, self.right_prefix.clone(), self.how.keeps_left()));
        let schema = plan.output(left.chain(right).collect::<Vec<_>>())?;
        let exchange = Exchange::ByKeyGroup(plan.keys());
        let factory = JoinFactory { plan, schema: Arc::clone(&schema), how: self.how };
        let wide = Wide::exchange(exchange, Some(Arc::new(factory)));
        Ok(Opened { shape: Shape::Wide(wide), ..Opened::new(opening, schema) })
    }
}

fn nullable(field: &FieldRef, prefix: String, becomes: bool) -> FieldRef {
    let is_nullable = field.is_nullable() || becomes;
    Arc::new(Field::new(prefix + field.name(), field.data_type().clone(), is_nullable))
}

struct JoinFactory {
    plan: SidesPlan,
    schema: SchemaRef,
    how: How,
}

impl Factory for JoinFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        Ok(Box::new(Joining {
            sides: Sides::new(&self.plan)?,
            schema: Arc::clone(&self.schema),
            how: self.how,
        }))
    }
}

struct Joining {
    sides: Sides,
    schema: SchemaRef,
    how: How,
}

impl Process for Joining {
    fn process(&mut self, block: &RecordBatch, task: &TaskInfo, _: &mut Output) -> Result<(), OperatorError> {
        self.sides.add(task.input, block)
    }

    fn finish(&mut self, _: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        let Some(by_key) = self.sides.take()? else { return Ok(()) };
        let (left_ends, right_ends) = (by_key.ends(0), by_key.ends(1));
        let mut pairs = Pairs::default();
        let (mut left_start, mut right_start, mut num_rows) = (0, 0, 0);
        for (key, (&left_end, &right_end)) in (0_u32..).zip(left_ends.iter().zip(&right_ends)) {
            let (left, right) = (left_start..left_end, right_start..right_end);
            (left_start, right_start) = (left_end, right_end);
            let rights = |pairs: &mut Pairs, left: Option<u32>| {
                right.clone().for_each(|right| pairs.push(key, left, Some(right)));
            };
            match (left.is_empty(), right.is_empty()) {
                (true, _) if self.how.keeps_right() => rights(&mut pairs, None),
                (_, true) if self.how.keeps_left() => left.for_each(|left| pairs.push(key, Some(left), None)),
                (false, false) => {
                    for left in left {
                        rights(&mut pairs, Some(left));
                        if pairs.keys.len() >= BLOCK_ROWS {
                            num_rows += pairs.keys.len();
                            if num_rows > MAX_ROWS {
                                return Err(OperatorError::TooManyPairs(MAX_ROWS));
                            }
                            out.blocks.push(pairs.take(&by_key, &self.schema)?);
                        }
                    }
                }
                _ => {}
            }
        }
        if !pairs.keys.is_empty() {
            out.blocks.push(pairs.take(&by_key, &self.schema)?);
        }
        Ok(())
    }
}

/// Rows of the answer: the key, and the rows of both sides, where they are there.
#[derive(Default)]
struct Pairs {
    keys: Vec<u32>,
    left: Vec<Option<u32>>,
    right: Vec<Option<u32>>,
}

impl Pairs {
    fn push(&mut self, key: u32, left: Option<u32>, right: Option<u32>) {
        self.keys.push(key);
        self.left.push(left);
        self.right.push(right);
    }

    /// The rows as a block, and forgets them.
    fn take(&mut self, by_key: &ByKey, schema: &SchemaRef) -> Result<RecordBatch, OperatorError> {
        let Self { keys, left, right } = std::mem::take(self);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        let keys = UInt32Array::from(keys);
        for column in &by_key.keys {
            columns.push(take(column, &keys, None)?);
        }
        for (side, rows) in by_key.sides.iter().zip([left, right]) {
            let rows = UInt32Array::from(rows);
            for column in side.values.columns() {
                columns.push(take(column, &rows, None)?);
            }
        }
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }
}
