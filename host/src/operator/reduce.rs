//! `reduce`: all rows of a batch become one, with a plugin; an empty batch stays empty.

use std::sync::Arc;

use serde::Deserialize;

use super::combine::Combining;
use super::combiner::Reducing;
use super::inverse::plugin_inverse;
use super::{Exchange, Opened, Opening, Operator, OperatorError, WindowSpec};

/// The options of `reduce`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reduce {
    /// The plugin, by its name in the manifest.
    pub plugin: String,
    /// What it reduces over, where that is more than a batch.
    pub window: Option<WindowSpec>,
    /// Whether the window is changed by what enters and leaves it, with the plugin's inverse; by default where it has one.
    pub inverse: Option<bool>,
}

impl Operator for Reduce {
    fn kind(&self) -> &'static str {
        "reduce"
    }

    fn plugin(&self) -> Option<&str> {
        Some(&self.plugin)
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let Combining { before, after, again } =
            Combining::open(opening, Vec::new(), Reducing::new(opening)?)?;
        let schema = Arc::clone(opening.input()?);
        let inverse = plugin_inverse(opening, &schema, self.window, self.inverse)?;
        Opened::combining(opening, schema, self.window, [before, after, again], inverse, Exchange::Gather)
    }
}
