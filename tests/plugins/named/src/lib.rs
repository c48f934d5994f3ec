//! The functions that the conformance cases name, and the records they work on.
//!
//! A case speaks of records as JSON: `3`, `"a"`, `["a", 3]`. A stream holds them in columns: a lone value in `v`, a pair
//! in `k` and `v`. `Record` says how records of a stream stand in its columns, `Step` which function is applied and
//! how. The plugins of the cases and their harness share this, so that both know the type of every stream.

mod columns;
mod function;
mod keyed;
mod record;
mod state;
mod step;

pub use columns::{read, write};
pub use function::{combine, is_function};
pub use keyed::{KeyCall, Keyed};
pub use record::{Cell, Column, Record};
pub use state::{is_stateful, map_with_state, mapped, update};
pub use step::{Form, Step};
