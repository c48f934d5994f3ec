//! Cutting rows into partitions of about the same number, in order.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use crate::record::{Partition, num_rows};

/// The least rows that are worth a partition of their own.
pub const MIN_ROWS: usize = 4096;

/// How many partitions `num_rows` rows make, where there may be at most `most`.
pub fn num_partitions(num_rows: usize, most: usize) -> usize {
    (num_rows / MIN_ROWS).clamp(1, most.max(1))
}

/// Cuts `blocks` into as many partitions as their rows are worth, at most `most`. No rows make one empty partition.
pub fn cut(blocks: &[RecordBatch], most: usize) -> Vec<Partition> {
    cut_into(blocks, num_partitions(num_rows(blocks), most))
}

/// Cuts `blocks` into exactly `num_partitions` partitions whose sizes differ by one row at most. Copies nothing.
pub fn cut_into(blocks: &[RecordBatch], num_partitions: usize) -> Vec<Partition> {
    let total = num_rows(blocks);
    let mut cut = Cutter { blocks, block: 0, row: 0 };
    let mut done = 0;
    let partitions = (1..=num_partitions).map(|i| {
        let end = total * i / num_partitions;
        let partition = cut.take(end - done);
        done = end;
        partition
    });
    partitions.collect()
}

/// One block of all the rows in `blocks`; none where there are no rows.
pub fn concatenate(schema: &SchemaRef, blocks: &[RecordBatch]) -> Result<Option<RecordBatch>, ArrowError> {
    match blocks {
        [] => Ok(None),
        [only] => Ok(Some(only.clone())),
        several => concat_batches(schema, several).map(Some),
    }
}

struct Cutter<'a> {
    blocks: &'a [RecordBatch],
    block: usize,
    row: usize,
}

impl Cutter<'_> {
    fn take(&mut self, mut wanted: usize) -> Partition {
        let mut partition = Partition::new();
        while wanted > 0 {
            let Some(block) = self.blocks.get(self.block) else { break };
            let here = wanted.min(block.num_rows() - self.row);
            if here > 0 {
                partition.push(block.slice(self.row, here));
            }
            wanted -= here;
            self.row += here;
            if self.row == block.num_rows() {
                (self.block, self.row) = (self.block + 1, 0);
            }
        }
        partition
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::Int64Type;

    use super::*;

    fn block(values: std::ops::Range<i64>) -> RecordBatch {
        let column: arrow::array::ArrayRef = Arc::new(Int64Array::from_iter_values(values));
        RecordBatch::try_from_iter([("n", column)]).unwrap()
    }

    fn values(partition: &Partition) -> Vec<i64> {
        partition.iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
    }

    #[test]
    fn rows_are_cut_evenly_and_in_order_across_blocks() {
        let blocks = [block(0..3), block(3..3), block(3..10)];
        let partitions: Vec<_> = cut_into(&blocks, 3).iter().map(values).collect();
        assert_eq!(partitions, [vec![0, 1, 2], vec![3, 4, 5], vec![6, 7, 8, 9]]);
    }

    #[test]
    fn a_small_batch_is_one_partition_and_a_large_one_is_bounded() {
        assert_eq!(num_partitions(0, 8), 1);
        assert_eq!(num_partitions(2 * MIN_ROWS - 1, 8), 1);
        assert_eq!(num_partitions(2 * MIN_ROWS, 8), 2);
        assert_eq!(num_partitions(1_000_000, 8), 8);
        assert_eq!(cut(&[], 8).len(), 1);
    }
}
