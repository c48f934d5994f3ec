//! How rows are spread over partitions: cut by number, or brought together by the hash of their key.
//!
//! Everything here follows from the rows alone, never from the number of workers or from timing. Knows
//! nothing of operators or threads.

mod cut;
mod form;
mod groups;
mod keys;
mod shuffle;
mod slots;

pub use cut::{MIN_ROWS, concatenate, cut, cut_into, num_partitions};
pub use groups::{Groups, TooManyKeys};
pub use keys::{KeyEncoder, Keys, NUM_KEY_GROUPS, common_key_fields, key_group, key_hash};
pub use shuffle::{Buckets, into_buckets, merge_buckets};
