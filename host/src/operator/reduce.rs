//! `reduce`: all rows of a batch become one, with a plugin; an empty batch stays empty.

use std::sync::Arc;

use serde::Deserialize;

use super::combine::Combining;
use super::{Exchange, Opened, Opening, Operator, OperatorError, Shape};

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
        let Combining { before, after } = Combining::open(opening, Vec::new())?;
        let shape = Shape::Wide { before: Some(before), exchange: Exchange::Gather, after: Some(after) };
        Ok(Opened { schema: Arc::clone(opening.input()?), shape })
    }
}
