//! A source of the made-up batches.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tidemill::record::BatchTime;
use tidemill::source::{
    Block, Interrupted, Opening, Position, Reader, Recovery, Replayable, Room, Source, SourceError, Split,
};

use super::engine::INTERVAL;
use super::input::Input;
use super::plugins::{block, schema};

/// A source whose batches are known by their times, so that another run reads on where one ended.
#[derive(Clone, Debug)]
pub struct MadeUp {
    /// Which source of the input it is.
    pub source: usize,
    pub input: Arc<Input>,
}

impl Source for MadeUp {
    fn kind(&self) -> &'static str {
        "made_up"
    }

    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn recovery(&self) -> Recovery {
        Recovery::ReadAgain { from_start: true }
    }

    fn open(&self, _: &Opening) -> Result<Reader, SourceError> {
        Ok(Reader::Replayable(Box::new(Reading { made_up: self.clone(), read: 0 })))
    }
}

struct Reading {
    made_up: MadeUp,
    /// The number of the last batch.
    read: u64,
}

impl Replayable for Reading {
    fn cut(
        &mut self,
        time: BatchTime,
        num_splits: usize,
        _: Room,
    ) -> Result<Vec<Arc<dyn Split>>, SourceError> {
        let MadeUp { source, input } = &self.made_up;
        self.read = time.millis() as u64 / INTERVAL + 1 - input.first;
        let rows = input.rows(*source, self.read);
        let num_splits = (rows.len() / 3000).clamp(1, num_splits);
        let pieces = rows.chunks(rows.len().div_ceil(num_splits).max(1));
        Ok(pieces.map(|rows| Arc::new(Piece(block(rows))) as Arc<dyn Split>).collect())
    }

    fn position(&mut self) -> Option<Position> {
        Position::new(&self.read)
    }

    fn needs_every_batch(&self) -> bool {
        true
    }

    fn is_finished(&self) -> bool {
        false
    }
}

struct Piece(RecordBatch);

impl Split for Piece {
    fn num_rows(&self) -> Option<usize> {
        Some(self.0.num_rows())
    }

    fn read(&self, into: &mut dyn FnMut(Block) -> Result<(), Interrupted>) -> Result<(), SourceError> {
        Ok(into(Block { rows: self.0.clone(), dead: Vec::new() })?)
    }
}
