//! What one call counts, kept until the call is known to have gone well: a call that fails may be made again.

use std::collections::BTreeMap;

use crate::metrics::{Counters, MAX_NAME_BYTES, OTHER};

/// More names than this go to `OTHER`. More than the metrics keep, so that they notice, and bounded.
const MAX_NAMES: usize = 200;

/// Counts by name.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<String, u64>);

impl Tally {
    /// Adds to the count `name`.
    pub(super) fn count(&mut self, name: &str, delta: u64) {
        // A byte too long is as wrong as a megabyte.
        let name = name.get(..name.floor_char_boundary(MAX_NAME_BYTES + 4)).unwrap_or(name);
        if let Some(count) = self.0.get_mut(name) {
            *count = count.saturating_add(delta);
            return;
        }
        let name = if self.0.len() < MAX_NAMES { name } else { OTHER };
        let count = self.0.entry(name.to_owned()).or_default();
        *count = count.saturating_add(delta);
    }

    /// Forgets all counts.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds all counts to `counters`, and forgets them.
    pub(super) fn add_to(&mut self, counters: &Counters) {
        std::mem::take(&mut self.0).into_iter().for_each(|(name, count)| counters.add(&name, count));
    }
}
