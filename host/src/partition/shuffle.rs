//! The shuffle: rows with the same key meet in one partition.
//!
//! Each task of the stage before sorts its rows into buckets by key group; when all are done, bucket i of every
//! task, in the order of the tasks, becomes partition i, or neighbouring buckets one partition where rows are few.

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::error::ArrowError;

use super::cut::num_partitions;
use super::keys::{KeyEncoder, NUM_KEY_GROUPS, key_group, key_hash};
use crate::record::{Partition, num_rows};

/// What one task hands to each partition of the next stage.
pub type Buckets = Vec<Partition>;

/// Sorts the rows of `block` into `num_buckets` buckets by the key in `columns`, keeping their order within a bucket.
pub fn into_buckets(
    block: &RecordBatch,
    columns: &[usize],
    encoder: &KeyEncoder,
    num_buckets: usize,
) -> Result<Buckets, ArrowError> {
    let key_columns: Vec<ArrayRef> =
        columns.iter().filter_map(|&column| block.columns().get(column).cloned()).collect();
    let mut rows_of = vec![Vec::new(); num_buckets];
    let mut row = 0_u32;
    encoder.encode(&key_columns, block.num_rows())?.for_each(|key| {
        let bucket = key_group(key_hash(key)) * num_buckets / NUM_KEY_GROUPS;
        if let Some(rows) = rows_of.get_mut(bucket) {
            rows.push(row);
        }
        row += 1;
    });
    let buckets = rows_of.into_iter().map(|rows| {
        if rows.is_empty() {
            Ok(Partition::new())
        } else {
            Ok(vec![take_record_batch(block, &UInt32Array::from(rows))?])
        }
    });
    buckets.collect()
}

/// Brings the buckets of all tasks together, in the order of the tasks, into as many partitions as their rows are
/// worth. All tasks have the same number of buckets.
pub fn merge_buckets(tasks: Vec<Buckets>) -> Vec<Partition> {
    let num_buckets = tasks.first().map_or(1, Vec::len);
    let total = tasks.iter().flatten().map(|bucket| num_rows(bucket)).sum();
    let num_partitions = num_partitions(total, num_buckets);
    let mut partitions = vec![Partition::new(); num_partitions];
    for buckets in tasks {
        for (bucket, blocks) in buckets.into_iter().enumerate() {
            if let Some(partition) = partitions.get_mut(bucket * num_partitions / num_buckets) {
                partition.extend(blocks);
            }
        }
    }
    partitions
}
