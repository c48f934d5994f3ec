//! A join of a million rows with a million rows, batch by batch: once with a key for each row, once with ten rows of either
//! stream for each of a hundred thousand keys, so that ten million come out.

use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::{Result, ensure};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use tidemill::operator::How;
use tidemill::source::{Queue, Take};

use crate::batches::{millis, run};
use crate::figures::{Figures, median};

const ROWS: usize = 1_000_000;

/// Measures `turns` batches of each kind, on one worker and on two.
pub fn measure(figures: &mut Figures, turns: usize) -> Result<()> {
    let two = NonZeroUsize::MIN.saturating_add(1);
    let one = join(ROWS, NonZeroUsize::MIN, turns)?;
    figures.add("join.million_by_million_ms", one, "ms", None);
    figures.add("join.rows_per_s", 2.0 * ROWS as f64 / one * 1000.0, "rows/s", None);
    figures.add("join.million_by_million_2_ms", join(ROWS, two, turns)?, "ms", None);
    figures.add("join.ten_by_ten_ms", join(ROWS / 10, NonZeroUsize::MIN, turns.min(3))?, "ms", None);
    Ok(())
}

/// How many milliseconds a batch takes whose rows have so many keys.
fn join(num_keys: usize, workers: NonZeroUsize, turns: usize) -> Result<f64> {
    let (left, right) = (block("left", num_keys, 1)?, block("right", num_keys, 3)?);
    let queues = [&left, &right].map(|block| Queue::new(block.schema(), Take::One));
    for _ in 0..=turns {
        queues.iter().zip([&left, &right]).try_for_each(|(queue, block)| queue.push(block.clone()))?;
    }
    let [left, right] = &queues;
    let (reports, _) = run(turns + 1, workers, |context| {
        let (left, right) = (context.queue_stream("left", left), context.queue_stream("right", right));
        let pairs = context.join("pairs", &left, &right, &["key"], How::Inner);
        context.discard("nowhere", &pairs);
        Ok(())
    })?;
    let num_pairs = ROWS * (ROWS / num_keys);
    let rows_out = reports.first().and_then(|report| report.num_output_rows.first()).map(|(_, rows)| *rows);
    ensure!(rows_out == Some(num_pairs), "{rows_out:?} pairs came out instead of {num_pairs}");
    // The first batch finds memory that was never touched.
    Ok(median(millis(reports.get(1..).unwrap_or_default())))
}

/// A million rows over `num_keys` keys, in an order that `step` says.
fn block(column: &str, num_keys: usize, step: usize) -> Result<RecordBatch> {
    // Odd factors give different numbers different products, in no order.
    let key = |row: usize| format!("k{}", ((row * step % num_keys) as u32).wrapping_mul(0x9e37_79b1));
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values((0..ROWS).map(key)));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
    Ok(RecordBatch::try_from_iter([("key", keys), (column, numbers)])?)
}
