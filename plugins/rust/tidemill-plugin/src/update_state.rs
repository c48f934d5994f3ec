//! Keyed state: what is kept of a key from batch to batch, given columns.

use crate::{Schema, UpdateInput, UpdateOutput, UpdatePlan};

/// A plugin that updates the states of keys. The host keeps them; the plugin keeps none.
pub trait UpdateState: Sized + 'static {
    /// Reads the config (JSON, `null` where the manifest gives none) and looks at the schemas of keys
    /// and values.
    ///
    /// # Errors
    /// A text for the author of the manifest; the pipeline does not start.
    fn open(config: &str, key: &Schema, values: &Schema) -> Result<(Self, UpdatePlan), String>;

    /// Updates the states of some keys. A key may have no values.
    ///
    /// # Errors
    /// Where the whole call fails; the host finds the keys to blame by calling again with fewer.
    fn update(&self, input: UpdateInput) -> Result<UpdateOutput, String>;
}
