//! `reduce`: all rows of a batch become one, with a plugin; an empty batch stays empty.

use std::sync::Arc;

use serde::Deserialize;

use super::combine::CombineFactory;
use super::{Exchange, Factory, Opened, Opening, Operator, OperatorError, Shape, plugin_of};

/// The options of `reduce`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reduce {
    /// The plugin, by its name in the manifest.
    pub plugin: String,
}

impl Operator for Reduce {
    fn kind(&self) -> &'static str {
        "reduce"
    }

    fn plugin(&self) -> Option<&str> {
        Some(&self.plugin)
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let combine: Arc<dyn Factory> = Arc::new(CombineFactory::open(
            plugin_of(opening)?,
            opening.stream,
            opening.input()?,
            Vec::new(),
        )?);
        let shape = Shape::Wide {
            before: Some(Arc::clone(&combine)),
            exchange: Exchange::Gather,
            after: Some(combine),
        };
        Ok(Opened { schema: Arc::clone(opening.input()?), shape })
    }
}
