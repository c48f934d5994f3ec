//! Values taken out of totals again, by the plugins of the benchmarks in the languages that are compiled.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use tidemill::metrics::Metrics;
use tidemill::plugin::{Call, Engine, EngineOptions, Plugin, PluginSpec, WasmPlugin};
use tidemill::record::BatchTime;

use super::super::support::cache_folder;
use super::commands::{built, repository};

#[test]
fn compiled_languages_take_values_out_again() {
    let engine =
        Engine::new(&EngineOptions { cache: Some(cache_folder()), ..EngineOptions::default() }).unwrap();
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    let rows = |numbers: Vec<i64>| {
        RecordBatch::try_new(schema.clone(), vec![Arc::new(Int64Array::from(numbers))]).unwrap()
    };
    let call = Call { time: BatchTime::from_millis(0), partition: 0 };
    for language in ["go", "c", "cpp", "zig", "assemblyscript"] {
        let project = repository().join("bench/languages").join(language);
        let spec = PluginSpec::new(built(&project, &format!("{language}-words")));
        let plugin = WasmPlugin::load(&engine, "sum", &spec, &Metrics::new("test")).unwrap();
        let mut inverter = plugin.inverter("totals", &schema).unwrap().unwrap();
        let rest =
            inverter.subtract(&call, &rows(vec![7, i64::MIN, 9]), &[2, 2, 3], &rows(vec![1, -3, 9])).unwrap();
        assert_eq!(rest, rows(vec![9, i64::MIN, 0]), "{language}");
    }
}
