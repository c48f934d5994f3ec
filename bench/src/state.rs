//! States of ten million keys: what a key takes, and what batches cost that touch one in a hundred, or all, or none.
//!
//! On one worker and with native functions, so that what is told is the cost of keeping states; and once through
//! Wasm. The states are 64-bit sums, the keys texts of 8 to 12 bytes.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use tidemill::context::BatchReport;
use tidemill::operator::{MapWithState, UpdateStateByKey};
use tidemill::plugin::{KeyedRows, NativeUpdater, PluginSpec, UpdateInput, Updated};
use tidemill::record::Period;
use tidemill::source::{Queue, Take};

use crate::batches;
use crate::figures::{Figures, Goal, median};
use crate::wordcount::plugin;

/// How many keys fill a batch.
const FILL_KEYS: usize = 1_000_000;
/// One key in so many is touched.
const ONE_IN: usize = 100;
/// How many batches touch all keys; the first of them also has the memory for it made.
const FULL: usize = 3;

/// What keeps the states.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeper {
    /// `update_state_by_key`, natively.
    EveryKey,
    /// `update_state_by_key` with the plugin `running_sum`.
    EveryKeyInWasm,
    /// `map_with_state`, natively, with a timeout that is not over yet.
    Touched,
}

/// The names of what is told of a keeper.
struct Names {
    bytes: &'static str,
    fill: &'static str,
    none: &'static str,
    few: &'static str,
    few_rows: &'static str,
    all: &'static str,
}

/// Measures with `num_keys` keys, `turns` batches of each kind.
pub fn measure(figures: &mut Figures, num_keys: usize, turns: usize) -> Result<()> {
    let every = Names {
        bytes: "state.update.bytes_per_key",
        fill: "state.update.new_keys_per_s",
        none: "state.update.none_touched_ms",
        few: "state.update.one_percent_ms",
        few_rows: "state.update.one_percent_rows_per_s",
        all: "state.update.all_keys_per_s",
    };
    let wasm = Names {
        bytes: "state.update_wasm.bytes_per_key",
        fill: "state.update_wasm.new_keys_per_s",
        none: "state.update_wasm.none_touched_ms",
        few: "state.update_wasm.one_percent_ms",
        few_rows: "state.update_wasm.one_percent_rows_per_s",
        all: "state.update_wasm.all_keys_per_s",
    };
    let touched = Names {
        bytes: "state.map.bytes_per_key",
        fill: "state.map.new_keys_per_s",
        none: "state.map.none_touched_ms",
        few: "state.map.one_percent_ms",
        few_rows: "state.map.one_percent_rows_per_s",
        all: "state.map.all_keys_per_s",
    };
    keep(figures, Keeper::EveryKey, &every, num_keys, turns)?;
    keep(figures, Keeper::EveryKeyInWasm, &wasm, num_keys, turns)?;
    keep(figures, Keeper::Touched, &touched, num_keys, turns)
}

fn keep(figures: &mut Figures, keeper: Keeper, names: &Names, num_keys: usize, turns: usize) -> Result<()> {
    let queue = Queue::new(schema(), Take::One);
    let fills = num_keys.div_ceil(FILL_KEYS);
    for fill in 0..fills {
        queue.push(block(fill * FILL_KEYS..num_keys.min((fill + 1) * FILL_KEYS), 1)?)?;
    }
    for turn in 0..turns {
        queue.push(block(0..0, 1)?)?;
        // Other keys each time, all over the table.
        queue.push(block(turn..num_keys, ONE_IN)?)?;
    }
    let full = block(0..num_keys, 1)?;
    for _ in 0..FULL {
        queue.push(full.clone())?;
    }
    let (reports, size) = run(keeper, &queue, 2 * turns + fills + FULL)?;
    ensure!(size.0 == num_keys as u64, "{} keys are known instead of {num_keys}", size.0);
    let seconds: Vec<f64> = reports.iter().map(|report| report.processing_time.as_secs_f64()).collect();
    let (filling, rest) = seconds.split_at(fills);
    let (turned, all) = rest.split_at(2 * turns);
    let of_kind = |kind: usize| median(turned.iter().skip(kind).step_by(2).map(|s| s * 1000.0).collect());
    figures.add(names.bytes, size.1 as f64 / num_keys as f64, "bytes", Some(Goal::AtMost(3.0 * 18.0 + 64.0)));
    figures.add(names.fill, num_keys as f64 / filling.iter().sum::<f64>(), "keys/s", None);
    figures.add(names.none, of_kind(0), "ms", None);
    figures.add(names.few, of_kind(1), "ms", None);
    let num_touched = num_keys.div_ceil(ONE_IN) as f64;
    figures.add(names.few_rows, num_touched / of_kind(1) * 1000.0, "rows/s", None);
    let goal = Some(Goal::AtLeast(3_000_000.0));
    figures.add(names.all, num_keys as f64 / median(all.to_vec()), "keys/s", goal);
    Ok(())
}

pub fn schema() -> SchemaRef {
    let fields = vec![Field::new("key", DataType::Utf8, false), Field::new("n", DataType::Int64, false)];
    Arc::new(Schema::new(fields))
}

/// A row for each of the keys of these numbers, from one to the next so many.
pub fn block(numbers: std::ops::Range<usize>, step: usize) -> Result<RecordBatch> {
    // An odd factor gives different numbers different products, in no order.
    let key = |number: usize| format!("k{}", (number as u32).wrapping_mul(0x9e37_79b1));
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(numbers.step_by(step).map(key)));
    let ones: ArrayRef = Arc::new(Int64Array::from(vec![1; keys.len()]));
    Ok(RecordBatch::try_new(schema(), vec![keys, ones])?)
}

/// What became of the batches in `queue`, and how many keys and bytes there are in the end.
fn run(keeper: Keeper, queue: &Queue, num_batches: usize) -> Result<(Vec<BatchReport>, (u64, u64))> {
    let (reports, text) = batches::run(num_batches, NonZeroUsize::MIN, |context| {
        let rows = context.queue_stream("rows", queue);
        let (plugin_name, key) = ("sum".to_owned(), vec!["key".to_owned()]);
        match keeper {
            Keeper::EveryKeyInWasm => drop(context.plugin("sum", PluginSpec::new(plugin("running_sum")?))),
            Keeper::EveryKey | Keeper::Touched => drop(context.native_plugin("sum", running_sum())),
        }
        let states = match keeper {
            Keeper::Touched => {
                let timeout = Some(Period(Duration::from_secs(1_000_000)));
                let map = MapWithState { plugin: plugin_name, key, timeout, initial_state: None };
                context.operator("states", &[&rows], map)
            }
            Keeper::EveryKey | Keeper::EveryKeyInWasm => {
                let update = UpdateStateByKey { plugin: plugin_name, key, initial_state: None };
                context.operator("states", &[&rows], update)
            }
        };
        context.discard("nowhere", &states);
        Ok(())
    })?;
    let size = |what: &str| -> Result<u64> {
        let name = format!("tidemill_state_{what}{{");
        let line = text.lines().find(|line| line.starts_with(&name)).context("a metric is missing")?;
        Ok(line.rsplit(' ').next().context("a metric has no value")?.parse()?)
    };
    Ok((reports, (size("keys")?, size("bytes")?)))
}

/// Adds the values of each key to its state.
pub fn running_sum() -> NativeUpdater {
    let state: SchemaRef = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    NativeUpdater::new("sum", Arc::clone(&state), Arc::new(Schema::empty()), move |_, input: &UpdateInput| {
        let (old, new) = (input.states.column(0).as_primitive::<Int64Type>(), input.values.column(0));
        let (old, new) = (old.values(), new.as_primitive::<Int64Type>().values());
        let mut start = 0;
        let sums = input.ends.iter().zip(&input.known).zip(old).map(|((&end, &known), &old)| {
            let values = new.get(start..end as usize).unwrap_or_default();
            start = end as usize;
            values.iter().sum::<i64>() + if known { old } else { 0 }
        });
        let sums: ArrayRef = Arc::new(sums.collect::<Int64Array>());
        let states =
            RecordBatch::try_new(Arc::clone(&state), vec![sums]).map_err(|error| error.to_string())?;
        let output =
            KeyedRows { rows: RecordBatch::new_empty(Arc::new(Schema::empty())), origins: Vec::new() };
        Ok(Updated { kept: vec![true; states.num_rows()], states, output })
    })
}
