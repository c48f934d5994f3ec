//! A method for each operator. Options that one doesn't take are given through [`StreamingContext::operator`].

use std::num::NonZeroUsize;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{PluginHandle, StreamHandle, StreamingContext};
use crate::operator::{
    AggregateByKey, Cogroup, Count, CountByValue, Filter, GroupByKey, How, Join, MapBatches, MapWithState,
    Reduce, ReduceByKey, Repartition, Scope, StateSnapshots, Transform, Union, UpdateStateByKey, WindowOf,
    WindowSpec,
};
use crate::record::{BatchTime, FunctionError, Partition, Period};

/// Rows as they come.
impl StreamingContext {
    /// Maps, filters or flat-maps with a plugin.
    pub fn transform(&mut self, name: &str, from: &StreamHandle, plugin: &PluginHandle) -> StreamHandle {
        self.operator(name, &[from], Transform { plugin: plugin.0.clone(), scope: Scope::Rows })
    }

    /// The same with a plugin that sees as much in one call as `scope` says.
    pub fn transform_whole(
        &mut self,
        name: &str,
        from: &StreamHandle,
        plugin: &PluginHandle,
        scope: Scope,
    ) -> StreamHandle {
        self.operator(name, &[from], Transform { plugin: plugin.0.clone(), scope })
    }

    /// Calls a function of the program once a batch, with its time and all of its rows, as blocks in order. It answers
    /// rows with the columns `schema`; its error stops the pipeline. What holds of plugins is up to it: the same batch
    /// should make the same rows.
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use std::time::Duration;
    /// # use arrow::array::RecordBatch;
    /// # use tidemill::context::StreamingContext;
    /// # use tidemill::record::{BatchTime, line_schema};
    /// # let mut context = StreamingContext::new("heads", Duration::from_secs(1)).unwrap();
    /// # let lines = context.socket_text("lines", "127.0.0.1:9999");
    /// let first_blocks = context.map_batch("heads", &lines, line_schema(), |_: BatchTime, rows: &[RecordBatch]| {
    ///     Ok::<_, Infallible>(rows.iter().take(1).cloned().collect())
    /// });
    /// ```
    pub fn map_batch<E: Into<FunctionError>>(
        &mut self,
        name: &str,
        from: &StreamHandle,
        schema: SchemaRef,
        function: impl Fn(BatchTime, &[RecordBatch]) -> Result<Partition, E> + Send + Sync + 'static,
    ) -> StreamHandle {
        self.map_batches(name, &[from], schema, move |time: BatchTime, batches: &[Partition]| {
            function(time, batches.first().map_or(&[], Vec::as_slice))
        })
    }

    /// The same with the batches of several streams, in the order of `from`.
    pub fn map_batches<E: Into<FunctionError>>(
        &mut self,
        name: &str,
        from: &[&StreamHandle],
        schema: SchemaRef,
        function: impl Fn(BatchTime, &[Partition]) -> Result<Partition, E> + Send + Sync + 'static,
    ) -> StreamHandle {
        self.operator(name, from, MapBatches::new(from.len(), schema, function))
    }

    /// Keeps the rows that a plugin chooses.
    pub fn filter(&mut self, name: &str, from: &StreamHandle, plugin: &PluginHandle) -> StreamHandle {
        self.operator(name, &[from], Filter { plugin: plugin.0.clone() })
    }

    /// The rows of several streams, stream after stream.
    pub fn union(&mut self, name: &str, from: &[&StreamHandle]) -> StreamHandle {
        self.operator(name, from, Union {})
    }

    /// The rows of a stream in `partitions` partitions.
    pub fn repartition(&mut self, name: &str, from: &StreamHandle, partitions: NonZeroUsize) -> StreamHandle {
        self.operator(name, &[from], Repartition { partitions })
    }
}

/// A batch by itself.
impl StreamingContext {
    /// How many rows each batch has.
    pub fn count(&mut self, name: &str, from: &StreamHandle) -> StreamHandle {
        self.operator(name, &[from], Count::default())
    }

    /// Each distinct row of a batch, and how often it is there.
    pub fn count_by_value(&mut self, name: &str, from: &StreamHandle) -> StreamHandle {
        self.operator(name, &[from], CountByValue::default())
    }

    /// All rows of a batch as one, combined by a plugin.
    pub fn reduce(&mut self, name: &str, from: &StreamHandle, plugin: &PluginHandle) -> StreamHandle {
        self.operator(name, &[from], Reduce { plugin: plugin.0.clone(), window: None, inverse: None })
    }

    /// The rows of each key as one, combined by a plugin. `key` names the columns that make the key.
    pub fn reduce_by_key(
        &mut self,
        name: &str,
        from: &StreamHandle,
        key: &[&str],
        plugin: &PluginHandle,
    ) -> StreamHandle {
        let reduce = ReduceByKey { plugin: plugin.0.clone(), key: owned(key), window: None, inverse: None };
        self.operator(name, &[from], reduce)
    }

    /// The rows of each key as one of other columns, collected by a plugin.
    pub fn aggregate_by_key(
        &mut self,
        name: &str,
        from: &StreamHandle,
        key: &[&str],
        plugin: &PluginHandle,
    ) -> StreamHandle {
        let aggregate = AggregateByKey { plugin: plugin.0.clone(), key: owned(key), window: None };
        self.operator(name, &[from], aggregate)
    }

    /// Each key of a batch with all its values, a JSON list in the column `values`.
    pub fn group_by_key(&mut self, name: &str, from: &StreamHandle, key: &[&str]) -> StreamHandle {
        self.operator(name, &[from], GroupByKey { key: owned(key), window: None })
    }

    /// Each key of two streams with its values in either, JSON lists in the columns `left` and `right`. The columns
    /// `key` are those of both.
    pub fn cogroup(
        &mut self,
        name: &str,
        left: &StreamHandle,
        right: &StreamHandle,
        key: &[&str],
    ) -> StreamHandle {
        self.operator(name, &[left, right], Cogroup { plugin: None, key: owned(key), right_key: None })
    }

    /// What a plugin makes of all rows of each key of two streams. The columns `key` are those of both.
    pub fn cogroup_with(
        &mut self,
        name: &str,
        left: &StreamHandle,
        right: &StreamHandle,
        key: &[&str],
        plugin: &PluginHandle,
    ) -> StreamHandle {
        let cogroup = Cogroup { plugin: Some(plugin.0.clone()), key: owned(key), right_key: None };
        self.operator(name, &[left, right], cogroup)
    }

    /// The rows of two streams that share a key, each with each; `how` says which keys are kept that only one of them
    /// has. The columns `key` are those of both; no other name may be in both.
    pub fn join(
        &mut self,
        name: &str,
        left: &StreamHandle,
        right: &StreamHandle,
        key: &[&str],
        how: How,
    ) -> StreamHandle {
        let join = Join { key: owned(key), right_key: None, how, right_prefix: String::new() };
        self.operator(name, &[left, right], join)
    }
}

/// The last batches together. The first windows are shorter.
impl StreamingContext {
    /// All rows of the window.
    pub fn window(&mut self, name: &str, from: &StreamHandle, window: WindowSpec) -> StreamHandle {
        self.operator(name, &[from], WindowOf { length: window.length, slide: window.slide })
    }

    /// How many rows the window has.
    pub fn count_by_window(&mut self, name: &str, from: &StreamHandle, window: WindowSpec) -> StreamHandle {
        self.operator(name, &[from], Count { window: Some(window) })
    }

    /// Each distinct row of the window, and how often it is there.
    pub fn count_by_value_and_window(
        &mut self,
        name: &str,
        from: &StreamHandle,
        window: WindowSpec,
    ) -> StreamHandle {
        self.operator(name, &[from], CountByValue { window: Some(window) })
    }

    /// All rows of the window as one, combined by a plugin.
    pub fn reduce_by_window(
        &mut self,
        name: &str,
        from: &StreamHandle,
        plugin: &PluginHandle,
        window: WindowSpec,
    ) -> StreamHandle {
        self.operator(name, &[from], Reduce { plugin: plugin.0.clone(), window: Some(window), inverse: None })
    }

    /// The rows of each key of the window as one, combined by a plugin. A key is gone with its last row.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tidemill::context::StreamingContext;
    /// # use tidemill::plugin::PluginSpec;
    /// # use tidemill::operator::WindowSpec;
    /// # let mut context = StreamingContext::new("counts", Duration::from_secs(1)).unwrap();
    /// # let words = context.socket_text("words", "127.0.0.1:9999");
    /// # let sum = context.plugin("sum", PluginSpec::new("sum.wasm"));
    /// let last_minute = WindowSpec::sliding(Duration::from_secs(60), Duration::from_secs(10));
    /// let counts = context.reduce_by_key_and_window("counts", &words, &["word"], &sum, last_minute);
    /// ```
    pub fn reduce_by_key_and_window(
        &mut self,
        name: &str,
        from: &StreamHandle,
        key: &[&str],
        plugin: &PluginHandle,
        window: WindowSpec,
    ) -> StreamHandle {
        let reduce =
            ReduceByKey { plugin: plugin.0.clone(), key: owned(key), window: Some(window), inverse: None };
        self.operator(name, &[from], reduce)
    }

    /// Each key of the window with all its values, a JSON list in the column `values`.
    pub fn group_by_key_and_window(
        &mut self,
        name: &str,
        from: &StreamHandle,
        key: &[&str],
        window: WindowSpec,
    ) -> StreamHandle {
        self.operator(name, &[from], GroupByKey { key: owned(key), window: Some(window) })
    }
}

/// A state for each key, kept from batch to batch for as long as the pipeline runs.
impl StreamingContext {
    /// Calls a plugin in every batch for each key that has a state or values, and answers all states. States to begin
    /// with are given through [`StreamingContext::operator`]:
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use std::time::Duration;
    /// # use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    /// # use tidemill::context::StreamingContext;
    /// # use tidemill::plugin::PluginSpec;
    /// # use tidemill::operator::UpdateStateByKey;
    /// # let mut context = StreamingContext::new("totals", Duration::from_secs(1)).unwrap();
    /// # let words = context.socket_text("words", "127.0.0.1:9999");
    /// context.plugin("running_sum", PluginSpec::new("running_sum.wasm"));
    /// let words_so_far: ArrayRef = Arc::new(StringArray::from(vec!["to", "be"]));
    /// let counts_so_far: ArrayRef = Arc::new(Int64Array::from(vec![2, 2]));
    /// let initial = RecordBatch::try_from_iter([("word", words_so_far), ("n", counts_so_far)])?;
    /// let totals = UpdateStateByKey {
    ///     plugin: "running_sum".to_owned(),
    ///     key: vec!["word".to_owned()],
    ///     initial_state: Some(initial.into()),
    /// };
    /// let totals = context.operator("totals", &[&words], totals);
    /// # Ok::<(), arrow::error::ArrowError>(())
    /// ```
    pub fn update_state_by_key(
        &mut self,
        name: &str,
        from: &StreamHandle,
        key: &[&str],
        plugin: &PluginHandle,
    ) -> StreamHandle {
        let update = UpdateStateByKey { plugin: plugin.0.clone(), key: owned(key), initial_state: None };
        self.operator(name, &[from], update)
    }

    /// Calls a plugin for each key that has values, and once for one that had none for longer than `timeout`, whose
    /// state is dropped then. Answers the rows that the plugin puts out, behind their key.
    pub fn map_with_state(
        &mut self,
        name: &str,
        from: &StreamHandle,
        key: &[&str],
        plugin: &PluginHandle,
        timeout: Option<Duration>,
    ) -> StreamHandle {
        let timeout = timeout.map(Period);
        let plugin = plugin.0.clone();
        self.operator(name, &[from], MapWithState { plugin, key: owned(key), timeout, initial_state: None })
    }

    /// All keys and states that `from`, a stream made by `map_with_state` or `update_state_by_key`, keeps after a batch.
    pub fn state_snapshots(&mut self, name: &str, from: &StreamHandle) -> StreamHandle {
        self.operator(name, &[from], StateSnapshots {})
    }
}

fn owned(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|&column| column.to_owned()).collect()
}
