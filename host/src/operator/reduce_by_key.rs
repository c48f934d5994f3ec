//! `reduce_by_key`: the rows of each key become one, with a plugin that sees the columns beside the key.

use serde::Deserialize;

use super::combine::{Combining, values_of};
use super::combiner::Reducing;
use super::inverse::plugin_inverse;
use super::{Exchange, Opened, Opening, Operator, OperatorError, WindowSpec, key_columns};

/// The options of `reduce_by_key`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReduceByKey {
    /// The plugin, by its name in the manifest.
    pub plugin: String,
    /// What it reduces over, where that is more than a batch.
    pub window: Option<WindowSpec>,
    /// Whether the window is changed by what enters and leaves it, with the plugin's inverse; by default where it has one.
    pub inverse: Option<bool>,
    /// The columns that make the key.
    pub key: Vec<String>,
}

impl Operator for ReduceByKey {
    fn kind(&self) -> &'static str {
        "reduce_by_key"
    }

    fn plugin(&self) -> Option<&str> {
        Some(&self.plugin)
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let input = opening.input()?;
        let key = key_columns(&self.key, input)?;
        if key.len() == input.fields().len() {
            let problem =
                "no column is left to reduce; leave one out of the key, or use `op = \"count_by_value\"`"
                    .to_owned();
            return Err(OperatorError::Option { key: "key", problem });
        }
        let inverse = plugin_inverse(opening, &values_of(input, &key)?, self.window, self.inverse)?;
        let Combining { before, after, again } = Combining::open(opening, key, Reducing::new(opening)?)?;
        let schema = after.output();
        let exchange = Exchange::ByKey((0..self.key.len()).collect());
        Opened::combining(opening, schema, self.window, [before, after, again], inverse, exchange)
    }
}
