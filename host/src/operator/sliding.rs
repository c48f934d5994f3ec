//! A window that is changed by what enters and leaves it: for what has an inverse, and slides by less than its length.
//!
//! Each key has a total over the window, and a count of the partial results in it. At a slide, what leaves is taken
//! out of the totals of its keys, and what enters is combined with them; a key is forgotten with its last partial
//! result. Where that doesn't answer a key's total, it is made anew of what the window holds, which is what a window
//! without an inverse does at each slide: so an inverse changes what a slide costs, and not which rows are counted.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{filter_record_batch, interleave_record_batch};
use arrow::datatypes::{DataType, Field, Fields, Float64Type, Int64Type, Schema, SchemaRef};

use super::inverse::{Inverse, Rest, Subtract};
use super::sorted::{Waiting, of_rows};
use super::window::{by_key_group, keeping, merge};
use super::{Exchange, Factory, Opening, OperatorError, Output, Process, TaskInfo, Wide};
use crate::partition::{Groups, KeyEncoder};
use crate::state::{Entry, Kept, KeyedTable, Totals, Turn, Window};

/// As `windowed`, with an inverse of `again`. The first columns of `schema`, so many as `num_key_columns`, are the key.
pub(super) fn sliding(
    opening: &Opening<'_>,
    window: Window,
    schema: &SchemaRef,
    num_key_columns: usize,
    steps: [Arc<dyn Factory>; 3],
    inverse: Arc<dyn Inverse>,
    exchange: Exchange,
) -> Result<Wide, OperatorError> {
    let [before, after, again] = steps;
    let values: Fields = schema.fields().iter().skip(num_key_columns).cloned().collect();
    let state =
        [Field::new("parts", DataType::Int64, false), Field::new("is_whole", DataType::Boolean, false)];
    let totals: SchemaRef =
        Arc::new(Schema::new(values.iter().cloned().chain(state.map(Arc::new)).collect::<Fields>()));
    let kept = match opening.kept() {
        Some(kept) => kept,
        None => {
            Arc::new(Kept::try_new(opening.partitions, || KeyedTable::new(&totals, false).map(Totals::new))?)
        }
    };
    let keeping = Some(keeping(opening, window, "a window with totals", &kept));
    let factory = SlidingFactory {
        window,
        after,
        again,
        inverse,
        columns: Columns {
            schema: Arc::clone(schema),
            num_key_columns,
            values: Arc::new(Schema::new(values)),
            totals,
        },
        kept,
    };
    let exchange = by_key_group(exchange);
    Ok(Wide { before: Some(before), keeping, ..Wide::exchange(exchange, Some(Arc::new(factory))) })
}

/// Which columns are what.
#[derive(Clone)]
struct Columns {
    /// Of a partial result, and of what comes out: key, then values.
    schema: SchemaRef,
    num_key_columns: usize,
    values: SchemaRef,
    /// Of what is kept for a key: values, then how many partial results there are, and whether the values are known.
    totals: SchemaRef,
}

impl Columns {
    fn key<'a>(&self, block: &'a RecordBatch) -> &'a [ArrayRef] {
        block.columns().get(..self.num_key_columns).unwrap_or_default()
    }

    fn values(&self, block: &RecordBatch) -> Result<RecordBatch, OperatorError> {
        let values = block.columns().get(self.num_key_columns..).unwrap_or_default();
        Ok(RecordBatch::try_new(Arc::clone(&self.values), values.to_vec())?)
    }

    /// The values of totals, the counts of partial results, and whether the values are known.
    fn split(&self, totals: &RecordBatch) -> Result<(RecordBatch, Vec<i64>, BooleanArray), OperatorError> {
        let num_values = self.values.fields().len();
        let (values, state) = totals.columns().split_at_checked(num_values).unwrap_or_default();
        let values = RecordBatch::try_new(Arc::clone(&self.values), values.to_vec())?;
        let parts =
            state.first().map_or_else(Vec::new, |parts| parts.as_primitive::<Int64Type>().values().to_vec());
        let is_whole = state
            .last()
            .map_or_else(|| BooleanArray::from(vec![false; 0]), |whole| whole.as_boolean().clone());
        Ok((values, parts, is_whole))
    }
}

struct SlidingFactory {
    window: Window,
    after: Arc<dyn Factory>,
    again: Arc<dyn Factory>,
    inverse: Arc<dyn Inverse>,
    columns: Columns,
    kept: Arc<Kept<Totals>>,
}

impl Factory for SlidingFactory {
    fn make(&self) -> Result<Box<dyn Process>, OperatorError> {
        let key: Vec<_> =
            self.columns.schema.fields().iter().take(self.columns.num_key_columns).cloned().collect();
        Ok(Box::new(Sliding {
            window: self.window,
            after: self.after.make()?,
            again: self.again.make()?,
            inverse: self.inverse.make()?,
            encoder: KeyEncoder::new(&key)?,
            columns: self.columns.clone(),
            kept: Arc::clone(&self.kept),
        }))
    }
}

struct Sliding {
    window: Window,
    after: Box<dyn Process>,
    again: Box<dyn Process>,
    inverse: Box<dyn Subtract>,
    encoder: KeyEncoder,
    columns: Columns,
    kept: Arc<Kept<Totals>>,
}

impl Process for Sliding {
    fn process(
        &mut self,
        block: &RecordBatch,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        self.after.process(block, task, out)
    }

    fn finish(&mut self, task: &TaskInfo, out: &mut Output) -> Result<(), OperatorError> {
        self.after.finish(task, out)?;
        let blocks = std::mem::take(&mut out.blocks);
        let kept = Arc::clone(&self.kept);
        kept.with(task.partition, |held| self.slide(held, blocks, task, out)).unwrap_or(Ok(()))
    }
}

/// The keys that a slide changes, by their ids.
struct Changed {
    /// Key i is `data[offsets[i] .. offsets[i + 1]]`.
    offsets: Vec<i32>,
    data: Vec<u8>,
    /// Where each is kept.
    slots: Vec<Option<u32>>,
    /// What is kept of each before the slide.
    kept: RecordBatch,
    /// The values of that.
    totals: RecordBatch,
    is_whole: BooleanArray,
    /// How many partial results of each stay.
    staying: Vec<i64>,
    /// How many enter.
    entering: Vec<i64>,
}

impl Changed {
    fn ids(&self, mut wanted: impl FnMut(usize) -> bool) -> Vec<u32> {
        (0_u32..).zip(&self.staying).map(|(id, _)| id).filter(|&id| wanted(id as usize)).collect()
    }

    fn stays(&self, id: usize) -> bool {
        self.staying.get(id).is_some_and(|parts| *parts > 0)
    }

    fn enters(&self, id: usize) -> bool {
        self.entering.get(id).is_some_and(|parts| *parts > 0)
    }

    /// Whether a key has a total to go on with.
    fn goes_on(&self, id: usize) -> bool {
        self.stays(id) && id < self.is_whole.len() && self.is_whole.value(id)
    }
}

impl Sliding {
    fn slide(
        &mut self,
        held: &mut Totals,
        blocks: Vec<RecordBatch>,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<(), OperatorError> {
        let (window, number) = (self.window, self.window.number(task.batch));
        held.history.add(window, number, blocks);
        if let Some(entry) = held.history.waiting(window, number) {
            let blocks = merge(self.again.as_mut(), entry.blocks.iter(), task, out)?;
            held.history.replace(Entry { blocks, ..entry });
        }
        let Some(turn) = held.history.turn(window, number) else { return Ok(()) };
        held.table.begin(task.time)?;
        let in_doubt = if held.may_doubt { self.in_doubt(&held.table)? } else { Vec::new() };
        held.may_doubt = !in_doubt.is_empty();
        let mut groups = Groups::default();
        let mut leaving = Waiting::new(Arc::clone(&self.columns.values));
        let changed = self.changed(&held.table, &turn, &in_doubt, &mut groups, &mut leaving)?;
        if let Some(changed) = changed {
            let is_whole = self.change(held, &turn, &changed, &mut groups, leaving, task, out)?;
            held.may_doubt |= !is_whole;
        }
        self.put_out(&held.table, out)
    }

    /// The slots of the keys whose totals are not known.
    fn in_doubt(&self, totals: &KeyedTable) -> Result<Vec<u32>, OperatorError> {
        let slots = totals.all();
        let kept = totals.states(&slots.iter().copied().map(Some).collect::<Vec<_>>())?;
        let (_, _, is_whole) = self.columns.split(&kept)?;
        let doubtful = slots.into_iter().zip(is_whole.iter()).filter(|(_, whole)| *whole != Some(true));
        Ok(doubtful.map(|(slot, _)| slot).collect())
    }

    fn ids(
        &self,
        groups: &mut Groups,
        key: &[ArrayRef],
        num_rows: usize,
        ids: &mut Vec<u32>,
    ) -> Result<(), OperatorError> {
        Ok(groups.ids(&self.encoder.encode(key, num_rows)?, ids)?)
    }

    /// The keys that leave, enter or are in doubt, numbered by `groups`, with what leaves put into `leaving`.
    fn changed(
        &self,
        totals: &KeyedTable,
        turn: &Turn,
        in_doubt: &[u32],
        groups: &mut Groups,
        leaving: &mut Waiting,
    ) -> Result<Option<Changed>, OperatorError> {
        for block in &turn.leaving {
            self.ids(groups, self.columns.key(block), block.num_rows(), &mut leaving.ids)?;
            leaving.blocks.push(self.columns.values(block)?);
        }
        let mut entering_ids = Vec::new();
        for block in &turn.entering {
            self.ids(groups, self.columns.key(block), block.num_rows(), &mut entering_ids)?;
        }
        if !in_doubt.is_empty() {
            let (offsets, data) = totals.keys(in_doubt.iter().copied());
            self.ids(groups, &self.encoder.decode(offsets, data)?, in_doubt.len(), &mut Vec::new())?;
        }
        if groups.is_empty() {
            return Ok(None);
        }
        let (offsets, data) = groups.keys();
        let slots = totals.find(&offsets, &data);
        let kept = totals.states(&slots)?;
        let (values, parts, is_whole) = self.columns.split(&kept)?;
        let mut staying = parts;
        let mut entering = vec![0; staying.len()];
        for &id in &leaving.ids {
            staying.get_mut(id as usize).into_iter().for_each(|parts| *parts -= 1);
        }
        for &id in &entering_ids {
            entering.get_mut(id as usize).into_iter().for_each(|parts| *parts += 1);
        }
        Ok(Some(Changed { offsets, data, slots, kept, totals: values, is_whole, staying, entering }))
    }

    /// Changes the totals, and answers whether all of them are known.
    #[allow(clippy::too_many_arguments, reason = "all that one slide is about")]
    fn change(
        &mut self,
        held: &mut Totals,
        turn: &Turn,
        changed: &Changed,
        groups: &mut Groups,
        mut leaving: Waiting,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<bool, OperatorError> {
        let num_keys = changed.staying.len();
        let mut goes_on: Vec<bool> = (0..num_keys).map(|id| changed.goes_on(id)).collect();
        // Where each key's total is: in the first block what it was, in the second what is left of it, and from the
        // third on what it is combined to.
        let mut places: Vec<(usize, usize)> = (0..num_keys).map(|id| (0, id)).collect();
        let rest = self.subtract(changed, &mut leaving, &mut goes_on, &mut places, task)?;
        let left = interleave_record_batch(&[&changed.totals, &rest], &places)?;
        let combined = self.combine(held, turn, changed, &goes_on, &left, task, out)?;
        let mut is_known: Vec<bool> = (0..num_keys).map(|id| goes_on_alone(changed, &goes_on, id)).collect();
        let mut places: Vec<(usize, usize)> = (0..num_keys).map(|id| (0, id)).collect();
        for (index, block) in combined.iter().enumerate() {
            let mut ids = Vec::new();
            self.ids(groups, self.columns.key(block), block.num_rows(), &mut ids)?;
            for (row, id) in ids.into_iter().enumerate() {
                if let (Some(place), Some(known)) =
                    (places.get_mut(id as usize), is_known.get_mut(id as usize))
                {
                    (*place, *known) = ((index + 1, row), true);
                }
            }
        }
        let combined: Vec<RecordBatch> =
            combined.iter().map(|block| self.columns.values(block)).collect::<Result<_, _>>()?;
        let sources: Vec<&RecordBatch> = std::iter::once(&left).chain(&combined).collect();
        let values = interleave_record_batch(&sources, &places)?;
        let parts: Vec<i64> =
            changed.staying.iter().zip(&changed.entering).map(|(stays, enters)| stays + enters).collect();
        let kept: Vec<bool> = parts.iter().map(|parts| *parts > 0).collect();
        let is_whole = kept.iter().zip(&is_known).all(|(kept, known)| *known || !kept);
        let mut columns = values.columns().to_vec();
        columns.push(Arc::new(Int64Array::from(parts)));
        columns.push(Arc::new(BooleanArray::from(is_known)));
        let states = RecordBatch::try_new(Arc::clone(&self.columns.totals), columns)?;
        let keys = (changed.offsets.as_slice(), changed.data.as_slice());
        held.table.update(keys, &changed.slots, &changed.kept, &states, &kept, task.time)?;
        Ok(is_whole)
    }

    /// Takes what leaves out of the totals that go on, and says in `places` which these are, and in `goes_on` of which
    /// that can't be done.
    fn subtract(
        &mut self,
        changed: &Changed,
        leaving: &mut Waiting,
        goes_on: &mut [bool],
        places: &mut [(usize, usize)],
        task: &TaskInfo,
    ) -> Result<RecordBatch, OperatorError> {
        let nothing = || RecordBatch::new_empty(Arc::clone(&self.columns.values));
        let Some(leaving) = leaving.take_sorted(changed.staying.len())? else { return Ok(nothing()) };
        let (leaving, _) = leaving.partition(|id| changed.goes_on(id as usize))?;
        if leaving.keys.is_empty() {
            return Ok(nothing());
        }
        let totals = of_rows(changed.totals.columns(), &leaving.keys)?;
        let totals = RecordBatch::try_new(Arc::clone(&self.columns.values), totals)?;
        let Rest { places: done, totals: rest } = self.inverse.subtract(task, &totals, &leaving)?;
        for &id in &leaving.keys {
            goes_on.get_mut(id as usize).into_iter().for_each(|goes_on| *goes_on = false);
        }
        let is_usable = finite(&rest);
        for (row, (place, is_usable)) in done.into_iter().zip(is_usable).enumerate() {
            let Some(id) = leaving.keys.get(place).map(|id| *id as usize) else { continue };
            goes_on.get_mut(id).into_iter().for_each(|goes_on| *goes_on = is_usable);
            places.get_mut(id).into_iter().for_each(|place| *place = (1, row));
        }
        Ok(rest)
    }

    /// Combines what enters with the totals `left` that go on, and with what stays of the keys whose don't.
    #[allow(clippy::too_many_arguments, reason = "all that one slide is about")]
    fn combine(
        &mut self,
        held: &Totals,
        turn: &Turn,
        changed: &Changed,
        goes_on: &[bool],
        left: &RecordBatch,
        task: &TaskInfo,
        out: &mut Output,
    ) -> Result<Vec<RecordBatch>, OperatorError> {
        let goes_on = |id: usize| goes_on.get(id) == Some(&true);
        let mut blocks = Vec::new();
        let rows = changed.ids(|id| goes_on(id) && changed.enters(id));
        if !rows.is_empty() {
            let keys = self.encoder.decode(changed.offsets.clone(), changed.data.clone())?;
            let mut columns = of_rows(&keys, &rows)?;
            columns.extend(of_rows(left.columns(), &rows)?);
            blocks.push(RecordBatch::try_new(Arc::clone(&self.columns.schema), columns)?);
        }
        let anew = changed.ids(|id| changed.stays(id) && !goes_on(id));
        if !anew.is_empty() {
            let number = self.window.number(task.batch);
            let mut chosen = Groups::default();
            let keys = self.encoder.decode(changed.offsets.clone(), changed.data.clone())?;
            self.ids(&mut chosen, &of_rows(&keys, &anew)?, anew.len(), &mut Vec::new())?;
            for block in held.history.staying(self.window, number) {
                blocks.push(self.only(&block, &chosen)?);
            }
        }
        blocks.extend(turn.entering.iter().cloned());
        blocks.retain(|block| block.num_rows() > 0);
        match blocks.is_empty() {
            true => Ok(blocks),
            false => merge(self.again.as_mut(), blocks.iter(), task, out),
        }
    }

    /// The rows of `block` whose key is one of `chosen`.
    fn only(&self, block: &RecordBatch, chosen: &Groups) -> Result<RecordBatch, OperatorError> {
        let mut is_chosen = Vec::with_capacity(block.num_rows());
        let keys = self.encoder.encode(self.columns.key(block), block.num_rows())?;
        keys.for_each(|key| is_chosen.push(chosen.get(key).is_some()));
        Ok(filter_record_batch(block, &BooleanArray::from(is_chosen))?)
    }

    /// All totals, in the order of their slots.
    fn put_out(&self, totals: &KeyedTable, out: &mut Output) -> Result<(), OperatorError> {
        let slots = totals.all();
        if slots.is_empty() {
            return Ok(());
        }
        let kept = totals.states(&slots.iter().copied().map(Some).collect::<Vec<_>>())?;
        let (values, _, is_whole) = self.columns.split(&kept)?;
        let (offsets, data) = totals.keys(slots.into_iter());
        let mut columns = self.encoder.decode(offsets, data)?;
        columns.extend(values.columns().iter().cloned());
        let rows = RecordBatch::try_new(Arc::clone(&self.columns.schema), columns)?;
        let rows = if is_whole.true_count() < rows.num_rows() {
            filter_record_batch(&rows, &is_whole)?
        } else {
            rows
        };
        if rows.num_rows() > 0 {
            out.blocks.push(rows);
        }
        Ok(())
    }
}

/// Whether the total of a key is known without anything that enters.
fn goes_on_alone(changed: &Changed, goes_on: &[bool], id: usize) -> bool {
    !changed.enters(id) && goes_on.get(id) == Some(&true)
}

/// Which rows have nothing but finite numbers. An infinity that was added can't be taken out.
fn finite(rows: &RecordBatch) -> Vec<bool> {
    let mut is_finite = vec![true; rows.num_rows()];
    for column in rows.columns() {
        let Some(numbers) = column.as_primitive_opt::<Float64Type>() else { continue };
        for (is_finite, number) in is_finite.iter_mut().zip(numbers) {
            *is_finite &= number.is_none_or(f64::is_finite);
        }
    }
    is_finite
}
