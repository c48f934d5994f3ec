//! What combines the values of a key: a plugin that reduces, or one that aggregates.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::{Opening, OperatorError, plugin_of};
use crate::plugin::{Plugin, Reducer};

/// What combines: a plugin that reduces, or one that aggregates.
pub(super) trait CombinePlugin: Send + Sync {
    /// The columns that values with the columns `values` are combined to.
    fn combined(&self, values: &SchemaRef) -> Result<SchemaRef, OperatorError>;

    /// Opens what combines values as they come in, with the columns `values`.
    fn first(&self, values: &SchemaRef) -> Result<Box<dyn Reducer>, OperatorError>;

    /// Opens what combines that again, where it is something else.
    fn again(&self, values: &SchemaRef) -> Result<Option<Box<dyn Reducer>>, OperatorError>;
}

/// A plugin that reduces.
pub(super) struct Reducing {
    plugin: Arc<dyn Plugin>,
    stream: String,
}

impl Reducing {
    pub(super) fn new(opening: &Opening<'_>) -> Result<Arc<Self>, OperatorError> {
        let plugin = Arc::clone(plugin_of(opening)?);
        Ok(Arc::new(Self { plugin, stream: opening.stream.to_owned() }))
    }
}

impl CombinePlugin for Reducing {
    fn combined(&self, values: &SchemaRef) -> Result<SchemaRef, OperatorError> {
        self.plugin.reducer(&self.stream, values)?;
        Ok(Arc::clone(values))
    }

    fn first(&self, values: &SchemaRef) -> Result<Box<dyn Reducer>, OperatorError> {
        Ok(self.plugin.reducer(&self.stream, values)?)
    }

    fn again(&self, _: &SchemaRef) -> Result<Option<Box<dyn Reducer>>, OperatorError> {
        Ok(None)
    }
}
