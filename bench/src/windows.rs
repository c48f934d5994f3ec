//! What a slide of a window costs: totals by key over the last minute, every second, with an inverse and without; and over
//! ten minutes, because with an inverse the length should not show.
//!
//! Each batch has 100,000 rows of 10,000 keys. One worker.

use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::Result;
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use tidemill::operator::{ReduceByKey, WindowSpec};
use tidemill::plugin::{NativeReducer, PluginSpec};
use tidemill::source::{Queue, Take};

use crate::batches::{INTERVAL, millis, run};
use crate::figures::{Figures, Goal, median};
use crate::native;
use crate::wordcount::plugin;

const ROWS: usize = 100_000;
const KEYS: usize = 10_000;
/// How many slides of a full window are measured.
const SLIDES: usize = 30;

/// What reduces.
#[derive(Clone, Copy)]
enum Sum {
    Native,
    Wasm,
}

/// Measures a slide of each kind of window.
pub fn measure(figures: &mut Figures) -> Result<()> {
    let batch = slide(Sum::Native, None, None)?;
    let inverse = slide(Sum::Native, Some(60), Some(true))?;
    let long = slide(Sum::Native, Some(600), Some(true))?;
    figures.add("windows.batch_ms", batch, "ms", None);
    figures.add("windows.inverse_60_ms", inverse, "ms", None);
    figures.add("windows.inverse_600_ms", long, "ms", None);
    figures.add("windows.inverse_600_over_60", long / inverse, "", Some(Goal::AtMost(1.25)));
    figures.add("windows.without_60_ms", slide(Sum::Native, Some(60), Some(false))?, "ms", None);
    figures.add("windows.inverse_60_wasm_ms", slide(Sum::Wasm, Some(60), Some(true))?, "ms", None);
    figures.add("windows.without_60_wasm_ms", slide(Sum::Wasm, Some(60), Some(false))?, "ms", None);
    Ok(())
}

/// How many milliseconds a batch takes once a window of `length` batches is full; without one, any batch.
fn slide(sum: Sum, length: Option<u32>, inverse: Option<bool>) -> Result<f64> {
    let warm = length.unwrap_or(1) as usize + 1;
    let blocks = (0..4).map(block).collect::<Result<Vec<_>>>()?;
    let queue = Queue::new(block(0)?.schema(), Take::One);
    for block in blocks.iter().cycle().take(warm + SLIDES) {
        queue.push(block.clone())?;
    }
    let (reports, _) = run(warm + SLIDES, NonZeroUsize::MIN, |context| {
        let rows = context.queue_stream("rows", &queue);
        match sum {
            Sum::Native => drop(context.native_plugin("sum", invertible())),
            Sum::Wasm => drop(context.plugin("sum", PluginSpec::new(plugin("sum")?))),
        }
        let window = length.map(|length| WindowSpec::of(INTERVAL * length));
        let op = ReduceByKey { plugin: "sum".to_owned(), key: vec!["key".to_owned()], window, inverse };
        let totals = context.operator("totals", &[&rows], op);
        context.discard("nowhere", &totals);
        Ok(())
    })?;
    Ok(median(millis(reports.get(warm..).unwrap_or_default())))
}

/// Rows of all keys, in another order for each `number`.
fn block(number: usize) -> Result<RecordBatch> {
    let key = |row: usize| format!("key{}", (row * 7919 + number * 4241) % KEYS);
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values((0..ROWS).map(key)));
    let ones: ArrayRef = Arc::new(Int64Array::from(vec![1; ROWS]));
    Ok(RecordBatch::try_from_iter([("key", keys), ("n", ones)])?)
}

/// The native sum with its inverse.
fn invertible() -> NativeReducer {
    native::sum().with_inverse(|totals, ends, values| {
        let column = values.column(0).as_primitive::<Int64Type>().values();
        let mut start = 0;
        let totals_before = totals.column(0).as_primitive::<Int64Type>().values();
        let rest = totals_before.iter().zip(ends).map(|(total, &end)| {
            let group = column.get(start..end as usize).unwrap_or_default();
            start = end as usize;
            total - group.iter().sum::<i64>()
        });
        let rest: ArrayRef = Arc::new(rest.collect::<Int64Array>());
        RecordBatch::try_new(totals.schema(), vec![rest]).map_err(|error| error.to_string())
    })
}
