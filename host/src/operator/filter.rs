//! `filter`: a transform that carries every column, produces none, and so only chooses rows.

use serde::Deserialize;

use super::scope::Scope;
use super::transform::{Transform, not_a_filter};
use super::{Opened, Opening, Operator, OperatorError, plugin_of};

/// The options of `filter`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// The plugin, by its name in the manifest.
    pub plugin: String,
}

impl Operator for Filter {
    fn kind(&self) -> &'static str {
        "filter"
    }

    fn plugin(&self) -> Option<&str> {
        Some(&self.plugin)
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let opened = Transform { plugin: self.plugin.clone(), scope: Scope::Rows }.open(opening)?;
        if opened.schema.fields() != opening.input()?.fields() {
            return Err(not_a_filter(plugin_of(opening)?.as_ref(), opening.stream));
        }
        Ok(opened)
    }
}
