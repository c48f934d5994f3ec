//! Plugins that do nothing wrong beside those that do: their answers are to stay the same to the last byte.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use tidemill::metrics::Metrics;
use tidemill::plugin::{Plugin, PluginSpec, Reducer, Transformed, Transformer, WasmPlugin};

use super::super::support::plugin;
use super::{CALL, ENGINE};

/// The columns of lines, as a source of text has them.
pub fn line_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("line", DataType::Utf8, false)]))
}

/// The columns of numbers.
pub fn number_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]))
}

/// Lines as the columns of a call.
pub fn lines(lines: &[&str]) -> Vec<ArrayRef> {
    vec![Arc::new(StringArray::from(lines.to_vec()))]
}

/// Numbers as the values of a call.
pub fn numbers(numbers: &[i64]) -> RecordBatch {
    let column = Arc::new(Int64Array::from(numbers.to_vec()));
    RecordBatch::try_new(number_schema(), vec![column]).unwrap()
}

/// The texts of the first column.
pub fn texts(answer: &Transformed) -> Vec<&str> {
    answer.columns[0].as_string::<i32>().iter().map(|text| text.unwrap()).collect()
}

/// A transform and a reduction, opened before anything bad happened.
pub struct Witness {
    split: Box<dyn Transformer>,
    sum: Box<dyn Reducer>,
}

impl Witness {
    pub fn new() -> Self {
        let load = |name| {
            WasmPlugin::load(&ENGINE, name, &PluginSpec::new(plugin(name)), &Metrics::new("p")).unwrap()
        };
        Self {
            split: load("split_words").transformer("words", &line_schema()).unwrap(),
            sum: load("sum").reducer("sums", &number_schema()).unwrap(),
        }
    }

    /// Fails where an answer is another than it would be alone.
    #[track_caller]
    pub fn look(&mut self) {
        let words = self.split.process(&CALL, &lines(&["tide mill", "", "tide"]), 3).unwrap();
        assert_eq!(texts(&words), ["tide", "mill", "tide"]);
        assert_eq!(words.columns[1].as_primitive::<Int64Type>().values(), &[1, 1, 1]);
        assert_eq!(words.origins, Some(vec![0, 0, 2]));
        assert!(words.rejects.is_empty() && words.columns.iter().all(|column| column.null_count() == 0));
        let sums = self.sum.reduce(&CALL, &[2, 3], &numbers(&[40, 2, -7])).unwrap();
        assert_eq!(sums, numbers(&[42, -7]));
    }
}
