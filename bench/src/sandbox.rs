//! What the sandbox costs a row: the same operators on the same blocks, in Wasm and native, copies and checks included.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use tidemill::metrics::Metrics;
use tidemill::plugin::{Call, Engine, EngineOptions, Plugin, PluginSpec, WasmPlugin};
use tidemill::record::{BatchTime, line_schema};

use crate::figures::{Figures, median};
use crate::{native, wordcount};

/// The lines of a block, as sources cut them.
const LINES: usize = 5000;
/// The words of a line.
const WORDS: usize = 8;
/// The values of a reduction.
const VALUES: usize = 128 * 1024;
/// The rows of a key.
const ROWS_A_KEY: usize = 8;
/// Calls a turn.
const CALLS: usize = 50;

/// Measures split and sum, in `turns` turns.
pub fn measure(figures: &mut Figures, turns: usize) -> Result<()> {
    let engine = Engine::new(&EngineOptions::from_env())?;
    let (split, sum) = (load(&engine, "split_words")?, load(&engine, "sum")?);
    let lines = lines();
    let values = Values::new()?;
    let mut nanos: [Vec<f64>; 4] = Default::default();
    for _ in 0..turns.max(1) {
        let turn = [
            split_nanos(&split, &lines)?,
            split_nanos(&native::split_words(), &lines)?,
            values.sum_nanos(&sum)?,
            values.sum_nanos(&native::sum())?,
        ];
        nanos.iter_mut().zip(turn).for_each(|(all, one)| all.push(one));
    }
    let medians: Vec<f64> = nanos.into_iter().map(median).collect();
    let [split_wasm, split_native, sum_wasm, sum_native] = medians.as_slice() else { return Ok(()) };
    figures.add("sandbox.split_ns_a_word", *split_wasm, "ns", None);
    figures.add("sandbox.split_native_ns_a_word", *split_native, "ns", None);
    figures.add("sandbox.split_over_native", split_wasm / split_native, "", None);
    figures.add("sandbox.reduce_ns_a_row", *sum_wasm, "ns", None);
    figures.add("sandbox.reduce_native_ns_a_row", *sum_native, "ns", None);
    figures.add("sandbox.reduce_over_native", sum_wasm / sum_native, "", None);
    figures.add("sandbox.empty_call_ns", empty_call_nanos(&split)?, "ns", None);
    Ok(())
}

/// A plugin that ships, loaded.
pub fn load(engine: &Engine, name: &str) -> Result<WasmPlugin> {
    let spec = PluginSpec::new(wordcount::plugin(name)?);
    Ok(WasmPlugin::load(engine, name, &spec, &Metrics::new("bench"))?)
}

/// A block of lines to split.
pub fn lines() -> ArrayRef {
    let line =
        |row: usize| (0..WORDS).map(|i| format!("word{}", row * 31 % (97 + i))).collect::<Vec<_>>().join(" ");
    Arc::new(StringArray::from_iter_values((0..LINES).map(line)))
}

pub const CALL: Call = Call { time: BatchTime::from_millis(0), partition: 0 };

/// How long `plugin` takes for a word of `lines`.
pub fn split_nanos(plugin: &dyn Plugin, lines: &ArrayRef) -> Result<f64> {
    let mut transformer = plugin.transformer("words", &line_schema())?;
    let columns = [Arc::clone(lines)];
    transformer.process(&CALL, &columns, LINES)?;
    let begun = Instant::now();
    for _ in 0..CALLS {
        std::hint::black_box(transformer.process(&CALL, &columns, LINES)?);
    }
    Ok(begun.elapsed().as_nanos() as f64 / (CALLS * LINES * WORDS) as f64)
}

/// Values of keys, eight a key.
pub struct Values {
    ends: Vec<u32>,
    values: RecordBatch,
}

impl Values {
    /// As many as a partition may have.
    pub fn new() -> Result<Self> {
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..VALUES as i64));
        let ends = (1..=VALUES / ROWS_A_KEY).map(|key| (key * ROWS_A_KEY) as u32).collect();
        Ok(Self { ends, values: RecordBatch::try_new(schema, vec![values])? })
    }

    /// How long `plugin` takes for one of them.
    pub fn sum_nanos(&self, plugin: &dyn Plugin) -> Result<f64> {
        let mut reducer = plugin.reducer("counts", self.values.schema_ref())?;
        reducer.reduce(&CALL, &self.ends, &self.values)?;
        let begun = Instant::now();
        for _ in 0..CALLS {
            std::hint::black_box(reducer.reduce(&CALL, &self.ends, &self.values)?);
        }
        Ok(begun.elapsed().as_nanos() as f64 / (CALLS * VALUES) as f64)
    }
}

fn empty_call_nanos(plugin: &dyn Plugin) -> Result<f64> {
    let mut transformer = plugin.transformer("words", &line_schema())?;
    let columns: [ArrayRef; 1] = [Arc::new(StringArray::from(vec![""]))];
    transformer.process(&CALL, &columns, 1)?;
    let begun = Instant::now();
    for _ in 0..CALLS * 100 {
        std::hint::black_box(transformer.process(&CALL, &columns, 1)?);
    }
    Ok(begun.elapsed().as_nanos() as f64 / (CALLS * 100) as f64)
}
