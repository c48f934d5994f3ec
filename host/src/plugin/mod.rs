//! User code: loading it, limiting it, calling it with columns, and checking everything that it answers.
//!
//! Files of Wasm come in; out come `Plugin`s, which make `Transformer`s, `Reducer`s and the like for worker threads.
//! Native code can stand behind the same traits. This is the only folder that names wasmtime; it knows
//! nothing of operators, and nothing that a guest does may panic it.

mod aggregate;
mod bindings;
mod cache;
mod caller;
mod check;
mod clock;
mod code;
mod cogroup;
mod compile;
mod convert;
mod engine;
mod error;
mod file;
mod guest;
mod instance;
mod interface;
mod inverse;
mod keyed;
mod limiter;
mod limits;
mod live;
mod load;
mod metered;
mod migrate_state;
mod native;
mod random;
mod ration;
mod reduce;
mod spec;
mod tally;
mod transform;
mod update_state;
mod voice;

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, SchemaRef};

use crate::record::{Bytes, PluginId};

pub use compile::{CompileRequest, Compiler, compile_plugin};
pub use convert::call_bytes;
pub use engine::{Engine, EngineError, EngineOptions, STACK_BYTES};
pub use error::{Limit, PluginError, PluginFailure};
pub use file::PluginFile;
pub use guest::Call;
pub use interface::Interface;
pub use keyed::{
    Aggregator, CogroupInput, Cogrouper, Inverter, KeyedRows, Migrator, UpdateInput, Updated, Updater,
};
pub use limits::{Limits, LimitsSpec, MAXIMUM};
pub use load::WasmPlugin;
pub use metered::Metered;
pub use native::{NativeAggregator, NativeCogrouper, NativeReducer, NativeTransformer, NativeUpdater};
pub use spec::{OnDifference, PluginSpec, Share};

/// Code that operators call, ready to be opened by any number of workers.
pub trait Plugin: Debug + Send + Sync {
    /// Its name, and the digest of its code.
    fn id(&self) -> &PluginId;

    /// The same code with the config and limits of `spec`; none where it has neither.
    fn with_spec(&self, _spec: &PluginSpec) -> Result<Option<Arc<dyn Plugin>>, PluginError> {
        Ok(None)
    }

    /// Opens it as a transform of rows with schema `input`, for the stream `stream`.
    fn transformer(&self, stream: &str, _input: &SchemaRef) -> Result<Box<dyn Transformer>, PluginError> {
        Err(self.is_another(stream, "transform"))
    }

    /// Opens it as a reduction of values with schema `value`, for the stream `stream`.
    fn reducer(&self, stream: &str, _value: &SchemaRef) -> Result<Box<dyn Reducer>, PluginError> {
        Err(self.is_another(stream, "reduce"))
    }

    /// Opens the inverse of its reduction; none where it has none.
    fn inverter(&self, _stream: &str, _value: &SchemaRef) -> Result<Option<Box<dyn Inverter>>, PluginError> {
        Ok(None)
    }

    /// Opens it as an aggregation of values with schema `value`, for the stream `stream`.
    fn aggregator(&self, stream: &str, _value: &SchemaRef) -> Result<Box<dyn Aggregator>, PluginError> {
        Err(self.is_another(stream, "aggregate"))
    }

    /// Opens it as a function of the rows of two sides that share a key, for the stream `stream`.
    fn cogrouper(
        &self,
        stream: &str,
        _key: &SchemaRef,
        _left: &SchemaRef,
        _right: &SchemaRef,
    ) -> Result<Box<dyn Cogrouper>, PluginError> {
        Err(self.is_another(stream, "cogroup"))
    }

    /// Opens it as a function of keys, their values and states, for the stream `stream`.
    fn updater(
        &self,
        stream: &str,
        _key: &SchemaRef,
        _value: &SchemaRef,
    ) -> Result<Box<dyn Updater>, PluginError> {
        Err(self.is_another(stream, "update-state"))
    }

    /// Opens what carries over the states of its earlier versions; none where it has none.
    fn migrator(
        &self,
        _stream: &str,
        _key: &SchemaRef,
        _value: &SchemaRef,
    ) -> Result<Option<Box<dyn Migrator>>, PluginError> {
        Ok(None)
    }

    /// The error of an operator that calls it as what it isn't.
    fn is_another(&self, stream: &str, wanted: &str) -> PluginError {
        let problem =
            format!("it doesn't export {wanted}, which this operator calls; use another operator or plugin");
        let (plugin, stream) = (self.id().name.clone(), Some(stream.to_owned()));
        PluginError { plugin, stream, failure: PluginFailure::Unsuitable(problem) }
    }
}

/// An opened transform. Holds no state that matters: it may be dropped and made again between any two calls.
pub trait Transformer: Send {
    /// What it does with the columns of its input.
    fn plan(&self) -> &TransformPlan;

    /// The most bytes of columns that one call may be given.
    fn max_input(&self) -> Bytes;

    /// Makes the next call run on a new instance, where there are instances.
    fn renew(&mut self) {}

    /// Processes the columns that the plan reads, in the plan's order, of `num_rows` rows. To be called on a thread
    /// with a stack of [`STACK_BYTES`].
    fn process(
        &mut self,
        call: &Call,
        columns: &[ArrayRef],
        num_rows: usize,
    ) -> Result<Transformed, PluginError>;
}

/// What a transform does with the columns of its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransformPlan {
    /// The input columns that it is given, by index.
    pub reads: Vec<usize>,
    /// The input columns that are passed on beside what it produces, by index.
    pub carries: Vec<usize>,
    /// The columns that it produces.
    pub produces: Vec<FieldRef>,
}

/// What became of the rows of one call. Checked: lengths agree and indices are in range.
#[derive(Debug)]
pub struct Transformed {
    /// The columns produced.
    pub columns: Vec<ArrayRef>,
    /// How many rows were produced.
    pub num_rows: usize,
    /// The input row of each row produced; none where row i comes from input row i.
    pub origins: Option<Vec<u32>>,
    /// The input rows refused, and why.
    pub rejects: Vec<Rejected>,
}

/// An input row that a transform refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its index in the input.
    pub row: usize,
    /// Why.
    pub reason: String,
}

/// An opened reduction. Holds no state that matters: it may be dropped and made again between any two calls.
pub trait Reducer: Send {
    /// The most bytes of columns that one call may be given.
    fn max_input(&self) -> Bytes;

    /// Makes the next call run on a new instance, where there are instances.
    fn renew(&mut self) {}

    /// Reduces rows `ends[i - 1] .. ends[i]` of `values` (from 0 where i is 0) to row i of the answer, which has
    /// the schema of `values`. To be called on a thread with a stack of [`STACK_BYTES`].
    fn reduce(&mut self, call: &Call, ends: &[u32], values: &RecordBatch)
    -> Result<RecordBatch, PluginError>;
}
