//! Rust functions behind the same traits as plugins: for embedders, and to measure what the sandbox costs.
//!
//! They are trusted: what they answer is not checked. What they do with the values of keys is in `native/keyed.rs`.

mod keyed;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;

use super::error::{PluginError, PluginFailure};
use super::guest::Call;
use super::{Inverter, Plugin, Reducer, TransformPlan, Transformed, Transformer};
use crate::record::{Bytes, PluginId};

pub use keyed::{NativeAggregator, NativeCogrouper, NativeUpdater};

/// Native code sees a partition's block as it is; there is no boundary to fit it through.
const MAX_INPUT: Bytes = Bytes::mib(1024);

type Process = dyn Fn(&[ArrayRef], usize) -> Result<Transformed, String> + Send + Sync;
type Combine = dyn Fn(&[u32], &RecordBatch) -> Result<RecordBatch, String> + Send + Sync;
type Subtract = dyn Fn(&RecordBatch, &[u32], &RecordBatch) -> Result<RecordBatch, String> + Send + Sync;

/// A transform that is a Rust function.
#[derive(Clone)]
pub struct NativeTransformer {
    id: PluginId,
    plan: TransformPlan,
    process: Arc<Process>,
}

impl NativeTransformer {
    /// A transform called `name` with the given plan; `process` sees the columns that the plan reads and the
    /// number of rows.
    pub fn new(
        name: &str,
        plan: TransformPlan,
        process: impl Fn(&[ArrayRef], usize) -> Result<Transformed, String> + Send + Sync + 'static,
    ) -> Self {
        Self { id: native_id(name), plan, process: Arc::new(process) }
    }
}

/// A reduction that is a Rust function.
#[derive(Clone)]
pub struct NativeReducer {
    id: PluginId,
    combine: Arc<Combine>,
    subtract: Option<Arc<Subtract>>,
}

impl NativeReducer {
    /// A reduction called `name`; `combine` sees the ends of the groups and the values, as `Reducer::reduce` does.
    pub fn new(
        name: &str,
        combine: impl Fn(&[u32], &RecordBatch) -> Result<RecordBatch, String> + Send + Sync + 'static,
    ) -> Self {
        Self { id: native_id(name), combine: Arc::new(combine), subtract: None }
    }

    /// The same with its inverse; `subtract` sees totals, the ends of the groups and the values, as
    /// `Inverter::subtract` does.
    #[must_use]
    pub fn with_inverse(
        self,
        subtract: impl Fn(&RecordBatch, &[u32], &RecordBatch) -> Result<RecordBatch, String>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self { subtract: Some(Arc::new(subtract)), ..self }
    }
}

fn native_id(name: &str) -> PluginId {
    PluginId { name: name.to_owned(), digest: "native".to_owned() }
}

impl Plugin for NativeTransformer {
    fn id(&self) -> &PluginId {
        &self.id
    }

    fn transformer(&self, stream: &str, _input: &SchemaRef) -> Result<Box<dyn Transformer>, PluginError> {
        Ok(Box::new(Opened::new(self, stream)))
    }
}

impl Plugin for NativeReducer {
    fn id(&self) -> &PluginId {
        &self.id
    }

    fn reducer(&self, stream: &str, _value: &SchemaRef) -> Result<Box<dyn Reducer>, PluginError> {
        Ok(Box::new(Opened::new(self, stream)))
    }

    fn inverter(&self, stream: &str, _value: &SchemaRef) -> Result<Option<Box<dyn Inverter>>, PluginError> {
        Ok(self.subtract.as_ref().map(|_| Box::new(Opened::new(self, stream)) as _))
    }
}

/// A native plugin opened for one worker.
struct Opened<P> {
    plugin: P,
    stream: String,
}

impl<P: Plugin + Clone> Opened<P> {
    fn new(plugin: &P, stream: &str) -> Self {
        Self { plugin: plugin.clone(), stream: stream.to_owned() }
    }

    /// The answer of a function, with where it failed.
    fn answer<T>(&self, answer: Result<T, String>) -> Result<T, PluginError> {
        answer.map_err(|reason| PluginError {
            plugin: self.plugin.id().name.clone(),
            stream: Some(self.stream.clone()),
            failure: PluginFailure::Failed(reason),
        })
    }
}

impl Transformer for Opened<NativeTransformer> {
    fn plan(&self) -> &TransformPlan {
        &self.plugin.plan
    }

    fn max_input(&self) -> Bytes {
        MAX_INPUT
    }

    fn process(
        &mut self,
        _: &Call,
        columns: &[ArrayRef],
        num_rows: usize,
    ) -> Result<Transformed, PluginError> {
        self.answer((self.plugin.process)(columns, num_rows))
    }
}

impl Reducer for Opened<NativeReducer> {
    fn max_input(&self) -> Bytes {
        MAX_INPUT
    }

    fn reduce(&mut self, _: &Call, ends: &[u32], values: &RecordBatch) -> Result<RecordBatch, PluginError> {
        self.answer((self.plugin.combine)(ends, values))
    }
}

impl Inverter for Opened<NativeReducer> {
    fn max_input(&self) -> Bytes {
        MAX_INPUT
    }

    fn subtract(
        &mut self,
        _: &Call,
        totals: &RecordBatch,
        ends: &[u32],
        values: &RecordBatch,
    ) -> Result<RecordBatch, PluginError> {
        let none = || Err("it has no inverse".to_owned());
        self.answer(
            self.plugin.subtract.as_ref().map_or_else(none, |subtract| subtract(totals, ends, values)),
        )
    }
}

macro_rules! debug_by_id {
    ($($plugin:ident),*) => {$(
        impl std::fmt::Debug for $plugin {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($plugin)).field(&self.id).finish()
            }
        }
    )*};
}
use debug_by_id;

debug_by_id!(NativeTransformer, NativeReducer);
