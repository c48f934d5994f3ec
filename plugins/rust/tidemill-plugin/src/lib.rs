//! Write Tidemill operators as Rust functions.
//!
//! A plugin is a function of a row, or of two values to combine, and an attribute that says which; see
//! `map`, `filter`, `flat_map` and `reduce`. Arguments are matched to input columns by name, the fields
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
//! Who wants the columns implements [`Transform`] or [`Reduce`] and exports the type with
//! [`export_transform!`] or [`export_reduce!`]; the attributes do the same. A plugin is built for
//! `wasm32-unknown-unknown` as a `cdylib`.

// So that the code which the attributes write, and the docs, can name this crate from within.
extern crate self as tidemill_plugin;

mod bindings;
mod build;
mod column;
mod config;
mod emit;
mod export;
mod log;
mod read;
mod reduce;
mod row;
mod schema;
pub mod testing;
mod timestamp;
mod transform;

pub use bindings::{Batch, Column, DataType, Field, Output, Plan, RejectedRow, Values, Varlen};
pub use build::{Builder, Cell, Push, VarlenBuilder};
pub use config::{no_config, parse_config};
pub use log::{Level, count, log};
pub use read::Read;
pub use reduce::{Groups, Reduce};
pub use row::{ReadRow, Row};
pub use schema::Schema;
pub use tidemill_plugin_macros::{Row, config, filter, flat_map, map, reduce};
pub use timestamp::{NoTimestamp, Timestamp};
pub use transform::{Reject, Transform};

/// What the attributes and export macros write code against. Not for use by hand: it changes with them.
#[doc(hidden)]
pub mod __private {
    #[cfg(target_family = "wasm")]
    pub use crate::bindings::reducer::exports::tidemill::plugin::reduce;
    #[cfg(target_family = "wasm")]
    pub use crate::bindings::transformer::exports::tidemill::plugin::transform;
    pub use crate::bindings::{reducer, transformer};
    pub use crate::emit::{Emit, Keep, null};
    #[cfg(target_family = "wasm")]
    pub use crate::export::Instance;
    pub use crate::reduce::fold;
    pub use crate::row::{bind, next};
    pub use serde;
}
