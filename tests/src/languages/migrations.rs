//! States of earlier versions, carried over by the plugins of the cases: the first version kept a sum, the second a total
//! with a note.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use tidemill::metrics::Metrics;
use tidemill::plugin::{Call, Engine, EngineOptions, Interface, Plugin, PluginSpec, STACK_BYTES, WasmPlugin};
use tidemill::record::BatchTime;

use super::super::support::{cache_folder, shown};

/// Migrates states of both versions, and states that can't be migrated.
#[track_caller]
pub fn take_over_earlier_states(plugin: &Path) {
    let plugin = plugin.to_path_buf();
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    thread.spawn(move || migrate_all(&plugin)).unwrap().join().unwrap();
}

fn migrate_all(plugin: &Path) {
    let engine =
        Engine::new(&EngineOptions { cache: Some(cache_folder()), ..EngineOptions::default() }).unwrap();
    let plugin = WasmPlugin::load(&engine, "adds up", &PluginSpec::new(plugin), &Metrics::new("p")).unwrap();
    assert!(plugin.interfaces().contains(&Interface::MigrateState));
    let value = [Field::new("n", DataType::Int64, false), Field::new("note", DataType::Utf8, true)];
    let key = schema([Field::new("k", DataType::Utf8, false)]);
    let mut migrator = plugin.migrator("sums", &key, &schema(value)).unwrap().unwrap();
    let mut migrate = |fields: &[(&str, bool)], columns: Vec<ArrayRef>| {
        let fields = fields.iter().zip(&columns);
        let fields =
            fields.map(|((name, nullable), column)| Field::new(*name, column.data_type().clone(), *nullable));
        let states =
            RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns).unwrap();
        let call = Call { time: BatchTime::from_millis(0), partition: 0 };
        let migrated = migrator.migrate(&call, &states);
        migrated.map(|states| shown(&states).unwrap()).map_err(|error| error.to_string())
    };

    assert_eq!(
        migrate(&[("state", false)], vec![ints(&[7, i64::MAX])]).unwrap(),
        ["(7, null)", "(9223372036854775807, null)"]
    );
    let totals: ArrayRef = Arc::new(Float64Array::from(vec![-2.0, 3.0]));
    let notes: ArrayRef = Arc::new(StringArray::from(vec![Some("日"), None]));
    let columns = vec![notes.clone(), totals.clone()];
    assert_eq!(migrate(&[("note", true), ("total", false)], columns).unwrap(), ["(-2, 日)", "(3, null)"]);
    assert_eq!(migrate(&[("state", false)], vec![ints(&[])]).unwrap(), [""; 0]);

    let negative = migrate(&[("state", false)], vec![ints(&[1, -1])]).unwrap_err();
    assert!(negative.contains("the sum -1 is negative"), "{negative}");
    let unknown = migrate(&[("total", false), ("more", false)], vec![totals.clone(), totals]).unwrap_err();
    let wanted =
        "no earlier version is known with this state; the columns are: total: float64, more: float64";
    assert!(unknown.contains(wanted), "{unknown}");
    let missing: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let missing = migrate(&[("state", true)], vec![missing]).unwrap_err();
    assert!(missing.contains("holds no value"), "{missing}");
    // It is as it was.
    assert_eq!(migrate(&[("state", false)], vec![ints(&[5])]).unwrap(), ["(5, null)"]);
}

fn schema<const N: usize>(fields: [Field; N]) -> SchemaRef {
    Arc::new(Schema::new(fields.to_vec()))
}

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}
