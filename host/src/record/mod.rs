//! What flows: batches of rows as Arrow columns, their schemas and times, and the letters for the dead.
//!
//! A batch of a stream is a list of partitions, a partition a list of `arrow::array::RecordBatch`es, which
//! the rest of the code calls blocks. Knows nothing of where rows come from or go.

mod dead_letter;
mod ipc;
mod schema;
mod text;
mod time;
mod units;

pub use dead_letter::{DeadLetter, DeadLetterKind, PluginId};
pub use ipc::{decode_rows, encode_rows};
pub use schema::{DataType, DeclaredSchema, UTC, describe, describe_field, line_schema};
pub use text::{TextRows, json_rows, panic_text};
pub use time::{BatchTime, Interval};
pub use units::{Bytes, Period};

/// The rows of one partition, in order.
pub type Partition = Vec<arrow::array::RecordBatch>;

/// Why a function of the program failed.
pub type FunctionError = Box<dyn std::error::Error + Send + Sync>;

/// How many rows `blocks` hold.
pub fn num_rows(blocks: &[arrow::array::RecordBatch]) -> usize {
    blocks.iter().map(arrow::array::RecordBatch::num_rows).sum()
}
