//! Memory, tables and instances of one guest, counted against its plugin's limits.

use wasmtime::ResourceLimiter;

use super::error::Limit;
use super::limits::Limits;

/// Refuses memory and tables beyond the limits, and remembers what it refused last.
pub(super) struct Limiter {
    limits: Limits,
    memory: usize,
    table_elements: usize,
    /// The limit that the current call has met; what it fails of next is a consequence.
    pub(super) refused: Option<Limit>,
}

impl Limiter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { limits: *limits, memory: 0, table_elements: 0, refused: None }
    }

    /// Whether so much of the limit is in use that the instance should make way for a new one.
    pub(super) fn is_nearly_full(&self) -> bool {
        self.memory > self.limits.memory.as_usize() / 4 * 3
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.memory.saturating_add(desired.saturating_sub(current));
        if wanted > self.limits.memory.as_usize() {
            self.refused = Some(Limit::Memory(self.limits.memory));
            return Ok(false);
        }
        // Beyond what the module itself allows its memory, growing fails whatever is answered here.
        if maximum.is_none_or(|maximum| desired <= maximum) {
            self.memory = wanted;
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.table_elements.saturating_add(desired.saturating_sub(current));
        if wanted > self.limits.table_elements as usize {
            self.refused = Some(Limit::TableElements(self.limits.table_elements));
            return Ok(false);
        }
        if maximum.is_none_or(|maximum| desired <= maximum) {
            self.table_elements = wanted;
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.limits.instances as usize
    }

    fn tables(&self) -> usize {
        self.limits.tables as usize
    }

    fn memories(&self) -> usize {
        self.limits.memories as usize
    }
}
