//! Write Tidemill operators as Rust functions.
//!
//! A plugin is a function and an attribute that says of what: of a row (`map`, `filter`, `flat_map`), of two
//! values to combine (`reduce`), of a key with its values and what is kept of it (`update_state`,
//! `map_with_state`), of the rows of two streams that share a key (`cogroup`); or it is an accumulator
//! of values (`aggregate`). Arguments are matched to input columns by name, the fields
//! of a [`Row`] become output columns, and everything between (schemas, columns, nulls, refusals) is
//! written by the attribute. The function stays as it is, so `cargo test` tests it like any other.
//!
//! ```
//! use tidemill_plugin::{Row, flat_map};
//!
//! #[derive(Row)]
//! struct Word<'a> {
//!     word: &'a str,
//!     n: i64,
//! }
//!
//! #[flat_map]
//! fn split_words(line: &str) -> impl Iterator<Item = Word<'_>> {
//!     line.split_whitespace().map(|word| Word { word, n: 1 })
//! }
//!
//! assert_eq!(split_words("to be or").count(), 3);
//! ```
//!
//! Who wants the columns implements [`Transform`], [`Reduce`], [`Aggregate`], [`UpdateState`] or [`Cogroup`] and
//! exports the type with [`export_transform!`] and the like; the attributes do the same. A plugin is built
//! for `wasm32-unknown-unknown` as a `cdylib`.

// So that the code which the attributes write, and the docs, can name this crate from within.
extern crate self as tidemill_plugin;

mod aggregate;
mod arithmetic;
mod bindings;
mod build;
mod cogroup;
mod column;
mod config;
mod emit;
mod export;
mod group;
mod log;
mod migrate;
mod read;
mod reduce;
mod row;
mod schema;
mod state;
pub mod testing;
mod timestamp;
mod transform;
mod update_state;
mod words;

pub use aggregate::{Accumulator, Aggregate, Aggregation};
pub use arithmetic::sums_of;
pub use bindings::{
    AggregatePlan, Batch, CogroupOutput, Column, DataType, Field, Output, Plan, RejectedRow, UpdateInput,
    UpdateOutput, UpdatePlan, Values, Varlen,
};
pub use build::{Builder, Cell, Push, VarlenBuilder};
pub use cogroup::{Cogroup, CogroupInput};
pub use config::{no_config, parse_config};
pub use group::{Groups, Rows};
pub use log::{Level, count, log};
pub use migrate::{MigrateState, Migrated};
pub use read::Read;
pub use reduce::{Invert, Reduce};
pub use row::{ReadRow, Row};
pub use schema::Schema;
pub use state::State;
pub use tidemill_plugin_macros::{
    Row, aggregate, cogroup, config, filter, flat_map, map, map_with_state, reduce, update_state,
};
pub use timestamp::{NoTimestamp, Timestamp};
pub use transform::{Reject, Transform};
pub use update_state::UpdateState;
pub use words::{ColumnWords, Words, words, words_of};

/// What the attributes and export macros write code against. Not for use by hand: it changes with them.
#[doc(hidden)]
pub mod __private {
    #[cfg(target_family = "wasm")]
    pub use crate::bindings::aggregator::exports::tidemill::plugin::aggregate;
    #[cfg(target_family = "wasm")]
    pub use crate::bindings::cogrouper::exports::tidemill::plugin::cogroup;
    #[cfg(target_family = "wasm")]
    pub use crate::bindings::inverter::exports::tidemill::plugin::inverse;
    #[cfg(target_family = "wasm")]
    pub use crate::bindings::migrator::exports::tidemill::plugin::migrate_state;
    #[cfg(target_family = "wasm")]
    pub use crate::bindings::reducer::exports::tidemill::plugin::reduce;
    #[cfg(target_family = "wasm")]
    pub use crate::bindings::transformer::exports::tidemill::plugin::transform;
    #[cfg(target_family = "wasm")]
    pub use crate::bindings::updater::exports::tidemill::plugin::update_state;
    pub use crate::bindings::{aggregator, cogrouper, inverter, migrator, reducer, transformer, updater};
    pub use crate::cogroup::{Sides, cogroup_each};
    pub use crate::emit::{Emit, Keep, null};
    #[cfg(target_family = "wasm")]
    pub use crate::export::Instance;
    pub use crate::migrate::{migrate_each, no_migration};
    pub use crate::reduce::{bind_all, fold, fold_back};
    pub use crate::row::{Unread, bind, next};
    pub use crate::state::{Keyed, map_each, update_each};
    pub use serde;
}
