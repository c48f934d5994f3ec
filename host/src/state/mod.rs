//! What operators keep from batch to batch: tables of keys with their states, and what windows hold.
//!
//! Everything is kept by partition, and a partition owns the same key groups in every batch. What a batch did can be
//! undone until the next one begins, so that a batch may run again. Knows nothing of plugins or operators.

mod cells;
mod kept;
mod pieces;
mod table;
mod totals;
mod window;

pub use kept::Kept;
pub use pieces::{Changes, KeptState, LoadError, PieceKey, Save};
pub use table::{Followed, KeyedTable, StateSize};
pub use totals::Totals;
pub use window::{Entry, History, Turn, Window};
