//! Rust functions behind the same traits as plugins: for embedders, and to measure what the sandbox costs.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;

use super::error::{PluginError, PluginFailure};
use super::guest::Call;
use super::{Plugin, Reducer, TransformPlan, Transformed, Transformer};
use crate::record::{Bytes, PluginId};

/// Native code sees a partition's block as it is; there is no boundary to fit it through.
const MAX_INPUT: Bytes = Bytes::mib(1024);

type Process = dyn Fn(&[ArrayRef], usize) -> Result<Transformed, String> + Send + Sync;
type Combine = dyn Fn(&[u32], &RecordBatch) -> Result<RecordBatch, String> + Send + Sync;

/// A transform that is a Rust function.
#[derive(Clone)]
pub struct NativeTransformer {
    id: PluginId,
    plan: TransformPlan,
    process: Arc<Process>,
}

impl NativeTransformer {
    /// A transform called `name` with the given plan; `process` sees the columns that the plan reads and the
    /// number of rows. It is trusted: its answer is not checked.
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
}

impl NativeReducer {
    /// A reduction called `name`; `combine` sees the ends of the groups and the values, as `Reducer::reduce` does. It
    /// is trusted: its answer is not checked.
    pub fn new(
        name: &str,
        combine: impl Fn(&[u32], &RecordBatch) -> Result<RecordBatch, String> + Send + Sync + 'static,
    ) -> Self {
        Self { id: native_id(name), combine: Arc::new(combine) }
    }
}

fn native_id(name: &str) -> PluginId {
    PluginId { name: name.to_owned(), digest: "native".to_owned() }
}

fn error(id: &PluginId, stream: &str, failure: PluginFailure) -> PluginError {
    PluginError { plugin: id.name.clone(), stream: Some(stream.to_owned()), failure }
}

fn wrong_kind(id: &PluginId, stream: &str, is: &str) -> PluginError {
    error(
        id,
        stream,
        PluginFailure::Unsuitable(format!("it is a native {is}, and this operator calls another kind")),
    )
}

impl Plugin for NativeTransformer {
    fn id(&self) -> &PluginId {
        &self.id
    }

    fn transformer(&self, stream: &str, _input: &SchemaRef) -> Result<Box<dyn Transformer>, PluginError> {
        Ok(Box::new(Opened { plugin: self.clone(), stream: stream.to_owned() }))
    }

    fn reducer(&self, stream: &str, _value: &SchemaRef) -> Result<Box<dyn Reducer>, PluginError> {
        Err(wrong_kind(&self.id, stream, "transform"))
    }
}

impl Plugin for NativeReducer {
    fn id(&self) -> &PluginId {
        &self.id
    }

    fn transformer(&self, stream: &str, _input: &SchemaRef) -> Result<Box<dyn Transformer>, PluginError> {
        Err(wrong_kind(&self.id, stream, "reduction"))
    }

    fn reducer(&self, stream: &str, _value: &SchemaRef) -> Result<Box<dyn Reducer>, PluginError> {
        Ok(Box::new(Opened { plugin: self.clone(), stream: stream.to_owned() }))
    }
}

struct Opened<P> {
    plugin: P,
    stream: String,
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
        (self.plugin.process)(columns, num_rows)
            .map_err(|reason| error(&self.plugin.id, &self.stream, PluginFailure::Failed(reason)))
    }
}

impl Reducer for Opened<NativeReducer> {
    fn max_input(&self) -> Bytes {
        MAX_INPUT
    }

    fn reduce(&mut self, _: &Call, ends: &[u32], values: &RecordBatch) -> Result<RecordBatch, PluginError> {
        (self.plugin.combine)(ends, values)
            .map_err(|reason| error(&self.plugin.id, &self.stream, PluginFailure::Failed(reason)))
    }
}

impl std::fmt::Debug for NativeTransformer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("NativeTransformer").field(&self.id).finish()
    }
}

impl std::fmt::Debug for NativeReducer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("NativeReducer").field(&self.id).finish()
    }
}
