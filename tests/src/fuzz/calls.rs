//! Calls through every interface of the contract, and what must hold of each answer.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use tidemill::plugin::{
    Call, CogroupInput, Interface, KeyedRows, Plugin, PluginError, STACK_BYTES, UpdateInput, WasmPlugin,
};
use tidemill::record::BatchTime;

const CALL: Call = Call { time: BatchTime::from_millis(1000), partition: 0 };
const TURNS: usize = 2;

/// Opens the plugin as all that it exports, and calls it. How far it came is told by the error.
pub fn call_all(plugin: &WasmPlugin) -> Result<(), PluginError> {
    for interface in plugin.interfaces() {
        match interface {
            Interface::Transform => transform(plugin)?,
            Interface::Reduce => reduce(plugin)?,
            Interface::Inverse => subtract(plugin)?,
            Interface::Aggregate => aggregate(plugin)?,
            Interface::Cogroup => cogroup(plugin)?,
            Interface::UpdateState => update(plugin)?,
            Interface::MigrateState => migrate(plugin)?,
        }
    }
    Ok(())
}

fn rows() -> RecordBatch {
    let lines: ArrayRef = Arc::new(StringArray::from(vec!["to be", "", "or not"]));
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(i64::MAX)]));
    let schema =
        Schema::new(vec![Field::new("line", DataType::Utf8, false), Field::new("n", DataType::Int64, true)]);
    RecordBatch::try_new(Arc::new(schema), vec![lines, numbers]).unwrap()
}

/// Columns without nulls.
fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

/// As worker threads have it. Opening does without: tests have small stacks.
fn with_deep_stack<T: Send>(call: impl FnOnce() -> T + Send) -> T {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    std::thread::scope(|scope| thread.spawn_scoped(scope, call).unwrap().join().unwrap())
}

fn check(columns: &[ArrayRef], num_rows: usize) {
    for column in columns {
        assert_eq!(column.len(), num_rows);
        column.to_data().validate_full().unwrap();
    }
}

fn check_origins(origins: &[u32], num_rows: usize, end: usize) {
    assert_eq!(origins.len(), num_rows);
    assert!(origins.iter().all(|&origin| (origin as usize) < end));
}

fn check_keyed(answer: &KeyedRows, num_keys: usize) {
    check(answer.rows.columns(), answer.rows.num_rows());
    check_origins(&answer.origins, answer.rows.num_rows(), num_keys);
}

fn transform(plugin: &WasmPlugin) -> Result<(), PluginError> {
    let rows = rows();
    let mut opened = plugin.transformer("stream", &rows.schema())?;
    let read: Vec<ArrayRef> = opened.plan().reads.iter().map(|&i| Arc::clone(rows.column(i))).collect();
    assert!(opened.plan().carries.iter().all(|&i| i < rows.num_columns()));
    for _ in 0..TURNS {
        let answer = with_deep_stack(|| opened.process(&CALL, &read, rows.num_rows()))?;
        check(&answer.columns, answer.num_rows);
        match &answer.origins {
            Some(origins) => check_origins(origins, answer.num_rows, rows.num_rows()),
            None => assert_eq!(answer.num_rows, rows.num_rows()),
        }
        assert!(answer.rejects.iter().all(|reject| reject.row < rows.num_rows()));
    }
    Ok(())
}

fn reduce(plugin: &WasmPlugin) -> Result<(), PluginError> {
    let values = rows().project(&[1]).unwrap();
    let mut opened = plugin.reducer("stream", &values.schema())?;
    for _ in 0..TURNS {
        let answer = with_deep_stack(|| opened.reduce(&CALL, &[1, 3], &values))?;
        assert_eq!((answer.num_rows(), answer.schema()), (2, values.schema()));
        check(answer.columns(), 2);
    }
    Ok(())
}

fn subtract(plugin: &WasmPlugin) -> Result<(), PluginError> {
    let values = rows().project(&[1]).unwrap();
    let Some(mut opened) = plugin.inverter("stream", &values.schema())? else { return Ok(()) };
    for _ in 0..TURNS {
        let answer = with_deep_stack(|| opened.subtract(&CALL, &values, &[1, 1, 3], &values))?;
        assert_eq!((answer.num_rows(), answer.schema()), (3, values.schema()));
        check(answer.columns(), 3);
    }
    Ok(())
}

fn aggregate(plugin: &WasmPlugin) -> Result<(), PluginError> {
    let values = rows().project(&[1]).unwrap();
    let mut opened = plugin.aggregator("stream", &values.schema())?;
    for _ in 0..TURNS {
        let collected = with_deep_stack(|| opened.accumulate(&CALL, &[1, 3], &values))?;
        check(collected.columns(), 2);
        let merged = with_deep_stack(|| opened.merge(&CALL, &[2], &collected))?;
        assert_eq!(merged.schema(), *opened.accumulator());
        check(merged.columns(), 1);
        let finished = with_deep_stack(|| opened.finish(&CALL, &merged))?;
        assert_eq!(finished.schema(), *opened.output());
        check(finished.columns(), 1);
    }
    Ok(())
}

fn cogroup(plugin: &WasmPlugin) -> Result<(), PluginError> {
    let keys = batch(vec![("client", Arc::new(StringArray::from(vec!["ann", "bob"])))]);
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let items: ArrayRef = Arc::new(StringArray::from(vec!["tea", "", "silk"]));
    let left = batch(vec![("number", numbers), ("item", items)]);
    let right = batch(vec![("paid", Arc::new(Float64Array::from(vec![0.5])))]);
    let mut opened = plugin.cogrouper("stream", &keys.schema(), &left.schema(), &right.schema())?;
    let input = CogroupInput { keys, left_ends: vec![0, 3], left, right_ends: vec![1, 1], right };
    for _ in 0..TURNS {
        let answer = with_deep_stack(|| opened.process(&CALL, &input))?;
        assert_eq!(answer.rows.schema(), *opened.output());
        check_keyed(&answer, 2);
    }
    Ok(())
}

fn migrate(plugin: &WasmPlugin) -> Result<(), PluginError> {
    let keys = batch(vec![("client", Arc::new(StringArray::from(vec!["ann", "bob"])))]);
    let values = batch(vec![("path", Arc::new(StringArray::from(vec!["/a"])))]);
    let Some(mut opened) = plugin.migrator("stream", &keys.schema(), &values.schema())? else {
        return Ok(());
    };
    for _ in 0..TURNS {
        let answer = with_deep_stack(|| opened.migrate(&CALL, &rows()))?;
        check(answer.columns(), rows().num_rows());
    }
    Ok(())
}

fn update(plugin: &WasmPlugin) -> Result<(), PluginError> {
    let clients: ArrayRef = Arc::new(StringArray::from(vec!["ann", "bob"]));
    let keys = batch(vec![("client", clients), ("port", Arc::new(Int64Array::from(vec![80, 81])))]);
    let values = batch(vec![("path", Arc::new(StringArray::from(vec!["/a", "/logout", "/b"])))]);
    let mut opened = plugin.updater("stream", &keys.schema(), &values.schema())?;
    let nobody = vec![false; 2];
    let mut input = UpdateInput {
        states: RecordBatch::new_empty(Arc::clone(opened.state())),
        keys,
        ends: vec![2, 3],
        values,
        known: nobody.clone(),
        timed_out: nobody,
    };
    for turn in 0..TURNS {
        if turn == 0 {
            // Whoever keeps no state has no row to give; a plugin must not need one.
            input.states = blank(&input.states, 2);
        }
        let answer = with_deep_stack(|| opened.update(&CALL, &input))?;
        assert_eq!(answer.states.schema(), *opened.state());
        check(answer.states.columns(), 2);
        assert_eq!(answer.kept.len(), 2);
        check_keyed(&answer.output, 2);
        (input.states, input.known) = (answer.states, answer.kept);
    }
    Ok(())
}

/// So many rows that mean nothing, of the columns of `like`.
fn blank(like: &RecordBatch, num_rows: usize) -> RecordBatch {
    let fields = like.schema();
    let columns = fields.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Arc::new(StringArray::from(vec![""; num_rows])) as ArrayRef,
        DataType::Binary => Arc::new(arrow::array::BinaryArray::from(vec![&b""[..]; num_rows])),
        DataType::Boolean => Arc::new(arrow::array::BooleanArray::from(vec![false; num_rows])),
        other => arrow::compute::cast(&Int64Array::from(vec![0; num_rows]), other).unwrap(),
    });
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(num_rows));
    RecordBatch::try_new_with_options(Arc::clone(&fields), columns.collect(), &options).unwrap()
}
