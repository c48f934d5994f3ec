//! A queue that the program fills itself: each batch takes what was put in, for tests and for programs that make
//! their rows.
//!
//! Comes in: blocks of rows, at any time and from any thread. Goes out: at each batch time the oldest block, or all of
//! them as one. Where the queue is empty, so is the batch. Nothing in it survives a restart.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;

use super::{
    Block, Extent, Interrupted, Opening, Reader, Recovery, Replayable, Room, Source, SourceError, Split,
};
use crate::record::BatchTime;

/// The least rows that are worth a split of their own.
const SPLIT_ROWS: usize = 4096;

/// A source that is a queue of blocks. Clones are the same queue, so one is kept to put blocks in.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{Int64Array, RecordBatch};
/// use tidemill::source::{Queue, Take};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let block = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1, 2])) as _)])?;
/// let queue = Queue::new(block.schema(), Take::One);
/// queue.push(block)?;
/// assert_eq!(queue.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Queue {
    schema: SchemaRef,
    take: Take,
    waiting: Arc<Mutex<Waiting>>,
}

/// What a batch takes of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Take {
    /// The oldest block.
    #[default]
    One,
    /// All blocks, as one; where that would be more rows than fit into a batch, the oldest ones.
    All,
}

#[derive(Debug, Default)]
struct Waiting {
    blocks: VecDeque<RecordBatch>,
    is_closed: bool,
}

impl Queue {
    /// An empty queue of rows with schema `schema`.
    pub fn new(schema: SchemaRef, take: Take) -> Self {
        Self { schema, take, waiting: Arc::default() }
    }

    /// Puts a block at the end. It must have the queue's schema.
    pub fn push(&self, block: RecordBatch) -> Result<(), SourceError> {
        if block.schema().fields() != self.schema.fields() {
            let problem = "a block has other columns than its queue; make both from one schema";
            return Err(SourceError::Option(problem.to_owned()));
        }
        self.waiting().blocks.push_back(block);
        Ok(())
    }

    /// Says that no more will come: the source ends once the queue is empty.
    pub fn close(&self) {
        self.waiting().is_closed = true;
    }

    /// How many blocks wait.
    pub fn len(&self) -> usize {
        self.waiting().blocks.len()
    }

    /// Whether no block waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next batch is made of, where it has room for so many rows. A block is never torn.
    fn next(&self, room: u64) -> Result<Option<RecordBatch>, SourceError> {
        let mut waiting = self.waiting();
        if self.take == Take::One {
            return Ok(waiting.blocks.pop_front());
        }
        let mut left = room;
        let fitting = waiting.blocks.iter().take_while(|block| {
            let has_room = left > 0;
            left = left.saturating_sub(block.num_rows() as u64);
            has_room
        });
        let num_blocks = fitting.count();
        let blocks: Vec<RecordBatch> = waiting.blocks.drain(..num_blocks).collect();
        drop(waiting);
        if blocks.is_empty() {
            return Ok(None);
        }
        Ok(Some(concat_batches(&self.schema, &blocks)?))
    }
}

impl Source for Queue {
    fn kind(&self) -> &'static str {
        "queue"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn recovery(&self) -> Recovery {
        Recovery::Lost
    }

    fn open(&self, opening: &Opening) -> Result<Reader, SourceError> {
        Ok(Reader::Replayable(Box::new(Queued { queue: self.clone(), extent: opening.extent })))
    }
}

/// A queue that is being read.
struct Queued {
    queue: Queue,
    extent: Extent,
}

impl Replayable for Queued {
    fn cut(
        &mut self,
        _: BatchTime,
        num_splits: usize,
        room: Room,
    ) -> Result<Vec<Arc<dyn Split>>, SourceError> {
        let Some(block) = self.queue.next(room.num_rows)? else { return Ok(Vec::new()) };
        let total = block.num_rows();
        let num_splits = (total / SPLIT_ROWS).clamp(1, num_splits.max(1));
        let start = |split: usize| total * split / num_splits;
        let splits = (0..num_splits).map(|split| {
            let rows = block.slice(start(split), start(split + 1) - start(split));
            Arc::new(QueueSplit(rows)) as Arc<dyn Split>
        });
        Ok(splits.collect())
    }

    fn has_more(&self) -> bool {
        self.queue.take == Take::All && !self.queue.is_empty()
    }

    fn needs_every_batch(&self) -> bool {
        self.queue.take == Take::One
    }

    fn is_finished(&self) -> bool {
        let waiting = self.queue.waiting();
        waiting.blocks.is_empty() && (waiting.is_closed || self.extent == Extent::Available)
    }
}

struct QueueSplit(RecordBatch);

impl Split for QueueSplit {
    fn num_rows(&self) -> Option<usize> {
        Some(self.0.num_rows())
    }

    fn read(&self, into: &mut dyn FnMut(Block) -> Result<(), Interrupted>) -> Result<(), SourceError> {
        if self.0.num_rows() > 0 {
            into(Block { rows: self.0.clone(), dead: Vec::new() })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, Int64Array};
    use arrow::datatypes::Int64Type;

    use super::super::testing::opening;
    use super::*;

    fn block(values: std::ops::Range<i64>) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
        RecordBatch::try_from_iter([("n", column)]).unwrap()
    }

    fn open(queue: &Queue, extent: Extent) -> Box<dyn Replayable> {
        let Ok(Reader::Replayable(reader)) = queue.open(&opening(extent)) else { panic!("not replayable") };
        reader
    }

    /// The values of the next batch, split by split.
    fn cut(reader: &mut dyn Replayable, num_splits: usize) -> Vec<Vec<i64>> {
        cut_up_to(reader, num_splits, Room::ENDLESS)
    }

    fn cut_up_to(reader: &mut dyn Replayable, num_splits: usize, room: Room) -> Vec<Vec<i64>> {
        let splits = reader.cut(BatchTime::from_millis(0), num_splits, room).unwrap();
        let values = |split: Arc<dyn Split>| {
            let mut values = Vec::new();
            split
                .read(&mut |block| {
                    values.extend_from_slice(block.rows.column(0).as_primitive::<Int64Type>().values());
                    Ok(())
                })
                .unwrap();
            values
        };
        splits.into_iter().map(values).collect()
    }

    #[test]
    fn a_batch_takes_the_oldest_block_or_all_of_them() {
        for (take, expected) in
            [(Take::One, [vec![0, 1], vec![], vec![2]]), (Take::All, [vec![0, 1, 2], vec![], vec![]])]
        {
            let queue = Queue::new(block(0..0).schema(), take);
            for block in [block(0..2), block(0..0), block(2..3)] {
                queue.push(block).unwrap();
            }
            let mut reader = open(&queue, Extent::Endless);
            let batches = [(); 3].map(|()| cut(&mut *reader, 8).concat());
            assert_eq!(batches, expected, "{take:?}");
            assert!(queue.is_empty());
        }
    }

    #[test]
    fn a_batch_of_all_blocks_takes_whole_ones_until_there_is_no_more_room() {
        for (take, expected) in
            [(Take::All, [vec![], vec![0, 1, 2], vec![3]]), (Take::One, [vec![0, 1], vec![2], vec![3]])]
        {
            let queue = Queue::new(block(0..0).schema(), take);
            for block in [block(0..2), block(2..3), block(3..4)] {
                queue.push(block).unwrap();
            }
            let mut reader = open(&queue, Extent::Endless);
            let batches = [0, 3, 1].map(|num_rows| {
                let rows = cut_up_to(&mut *reader, 8, Room { num_rows, num_bytes: 0 }).concat();
                (rows, reader.has_more())
            });
            let has_more = [take == Take::All, take == Take::All, false];
            assert_eq!(batches.each_ref().map(|(_, has_more)| *has_more), has_more, "{take:?}");
            assert_eq!(batches.map(|(rows, _)| rows), expected, "{take:?}");
        }
    }

    #[test]
    fn a_large_block_is_cut_evenly_and_in_order() {
        let queue = Queue::new(block(0..0).schema(), Take::One);
        queue.push(block(0..20_000)).unwrap();
        queue.push(block(0..20_000)).unwrap();
        let mut reader = open(&queue, Extent::Endless);
        let splits = cut(&mut *reader, 8);
        assert_eq!(splits.iter().map(Vec::len).collect::<Vec<_>>(), [5000; 4]);
        assert_eq!(splits.concat(), (0..20_000).collect::<Vec<_>>());
        assert_eq!(cut(&mut *reader, 0).len(), 1);
    }

    #[test]
    fn it_ends_when_it_is_closed_and_empty_or_only_what_is_there_was_wanted() {
        let queue = Queue::new(block(0..0).schema(), Take::One);
        let endless = open(&queue, Extent::Endless);
        assert!(!endless.is_finished() && open(&queue, Extent::Available).is_finished());
        queue.push(block(0..1)).unwrap();
        queue.close();
        assert!(!endless.is_finished() && !open(&queue, Extent::Available).is_finished());
        queue.next(1).unwrap();
        assert!(endless.is_finished());
    }

    #[test]
    fn a_block_with_other_columns_is_refused() {
        let queue = Queue::new(block(0..0).schema(), Take::One);
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1));
        let other = RecordBatch::try_from_iter([("m", column)]).unwrap();
        assert!(queue.push(other).unwrap_err().to_string().contains("other columns"));
        assert!(queue.is_empty());
    }
}
