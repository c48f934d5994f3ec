//! The rows of one or two inputs, brought together by key.
//!
//! Blocks come in, each from one of the inputs; out come the keys in the order in which they first appeared, and for
//! each input its values sorted by key, those of a key in arrival order. Knows nothing of what is done with them.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, Fields, Schema, SchemaRef};

use super::sorted::{Sorted, Waiting};
use super::{OperatorError, key_columns};
use crate::partition::{Groups, KeyEncoder, common_key_fields};

/// Which columns of the inputs make the key, and which are values.
#[derive(Clone, Debug)]
pub(super) struct SidesPlan {
    /// The fields of the key, named as in the first input, nullable where any input's is.
    pub(super) key: Vec<FieldRef>,
    /// Input by input.
    pub(super) sides: Vec<SidePlan>,
}

/// Which columns of an input make the key, and which are values.
#[derive(Clone, Debug)]
pub(super) struct SidePlan {
    pub(super) key: Vec<usize>,
    values: Vec<usize>,
    /// The schema of the values.
    pub(super) schema: SchemaRef,
}

impl SidesPlan {
    /// For inputs with the columns `inputs`, whose keys are the columns called `keys`.
    pub(super) fn new(inputs: &[SchemaRef], keys: &[&[String]]) -> Result<Self, OperatorError> {
        let mut sides = Vec::with_capacity(inputs.len());
        for (input, names) in inputs.iter().zip(keys) {
            let key = key_columns(names, input)?;
            let values: Vec<_> = (0..input.fields().len()).filter(|column| !key.contains(column)).collect();
            let schema = Arc::new(input.project(&values)?);
            sides.push(SidePlan { key, values, schema });
        }
        let keyed: Vec<_> =
            inputs.iter().map(Arc::as_ref).zip(sides.iter().map(|side| side.key.as_slice())).collect();
        let key =
            common_key_fields(&keyed).map_err(|problem| OperatorError::Option { key: "key", problem })?;
        Ok(Self { key, sides })
    }

    /// The key columns of each input.
    pub(super) fn keys(&self) -> Vec<Vec<usize>> {
        self.sides.iter().map(|side| side.key.clone()).collect()
    }

    /// The columns of the key, and then `more`.
    pub(super) fn output(
        &self,
        more: impl IntoIterator<Item = FieldRef>,
    ) -> Result<SchemaRef, OperatorError> {
        let fields: Fields = self.key.iter().cloned().chain(more).collect();
        for (i, field) in fields.iter().enumerate() {
            if fields.iter().skip(i + 1).any(|other| other.name() == field.name()) {
                let problem = format!(
                    "two columns of the answer would be called `{0}`; rename one of them before, or see `right_prefix`",
                    field.name()
                );
                return Err(OperatorError::Option { key: "from", problem });
            }
        }
        Ok(Arc::new(Schema::new(fields)))
    }
}

/// Rows of several inputs, sorted by key.
pub(super) struct ByKey {
    /// The columns of the keys.
    pub(super) keys: Vec<ArrayRef>,
    /// How many keys there are.
    pub(super) num_keys: usize,
    /// The values of each input; keys without any are left out.
    pub(super) sides: Vec<Sorted>,
}

/// Rows of a lone input, sorted by key.
pub(super) struct Encoded {
    /// Key i is `data[offsets[i] .. offsets[i + 1]]`.
    pub(super) offsets: Vec<i32>,
    pub(super) data: Vec<u8>,
    pub(super) rows: Sorted,
}

/// Rows of several inputs on their way.
pub(super) struct Sides {
    plan: SidesPlan,
    encoder: KeyEncoder,
    groups: Groups,
    waiting: Vec<Waiting>,
}

impl Sides {
    pub(super) fn new(plan: &SidesPlan) -> Result<Self, OperatorError> {
        Ok(Self {
            encoder: KeyEncoder::new(&plan.key)?,
            groups: Groups::default(),
            waiting: plan.sides.iter().map(|side| Waiting::new(Arc::clone(&side.schema))).collect(),
            plan: plan.clone(),
        })
    }

    /// Takes a block of input `input`.
    pub(super) fn add(&mut self, input: usize, block: &RecordBatch) -> Result<(), OperatorError> {
        let (Some(side), Some(waiting)) = (self.plan.sides.get(input), self.waiting.get_mut(input)) else {
            return Ok(());
        };
        let key: Vec<ArrayRef> =
            side.key.iter().filter_map(|&column| block.columns().get(column).cloned()).collect();
        let keys = self.encoder.encode(&key, block.num_rows())?;
        self.groups.ids(&keys, &mut waiting.ids)?;
        waiting.blocks.push(block.project(&side.values)?);
        Ok(())
    }

    /// All keys, and the rows of a lone input; none where there are no rows.
    pub(super) fn take_encoded(&mut self) -> Result<Option<Encoded>, OperatorError> {
        let num_keys = self.groups.len();
        let Some(side) = self.waiting.first_mut() else { return Ok(None) };
        let sorted = side.take_sorted(num_keys)?;
        side.give_back();
        let Some(sorted) = sorted else { return Ok(None) };
        let (offsets, data) = self.groups.take();
        Ok(Some(Encoded { offsets, data, rows: sorted }))
    }

    /// All rows by key; none where there are no rows.
    pub(super) fn take(&mut self) -> Result<Option<ByKey>, OperatorError> {
        let num_keys = self.groups.len();
        if num_keys == 0 {
            return Ok(None);
        }
        let sides = self.waiting.iter_mut().map(|waiting| {
            let nothing =
                Sorted { ends: vec![], keys: vec![], values: RecordBatch::new_empty(waiting.schema()) };
            let sorted = waiting.take_sorted(num_keys)?;
            waiting.give_back();
            Ok(sorted.unwrap_or(nothing))
        });
        let sides = sides.collect::<Result<_, OperatorError>>()?;
        let (offsets, data) = self.groups.take();
        Ok(Some(ByKey { keys: self.encoder.decode(offsets, data)?, num_keys, sides }))
    }
}

impl ByKey {
    /// Where the rows of each key end in the values of input `input`, for all keys.
    pub(super) fn ends(&self, input: usize) -> Vec<u32> {
        let mut ends = Vec::with_capacity(self.num_keys);
        let mut last = 0;
        if let Some(side) = self.sides.get(input) {
            for (&end, &key) in side.ends.iter().zip(&side.keys) {
                ends.resize(key as usize, last);
                ends.push(end);
                last = end;
            }
        }
        ends.resize(self.num_keys, last);
        ends
    }
}
