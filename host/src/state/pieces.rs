//! What is kept, as pieces of bytes: so much of it as a batch changed, and back into what it was.
//!
//! Whoever keeps something says after a batch which pieces it wants written and which are of no use any more. All
//! pieces that are left, in the order of their keys, make what was kept again, exactly: also what can't be seen at
//! once, such as the order in which keys come out.

use std::any::Any;

use arrow::error::ArrowError;

use super::Kept;
use crate::record::BatchTime;

/// The name of a piece among those of its partition, in the order in which pieces are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceKey {
    /// What kind of piece it is.
    pub kind: u8,
    /// Its number among those of its kind.
    pub number: u64,
}

/// What a batch changed of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Pieces that are new or have other contents.
    pub put: Vec<(PieceKey, Vec<u8>)>,
    /// Pieces that aren't needed any more. None of these is put by the same batch.
    pub removed: Vec<PieceKey>,
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && self.removed.is_empty()
    }

    /// The bytes of the pieces that are new.
    pub fn num_bytes(&self) -> usize {
        self.put.iter().map(|(_, bytes)| bytes.len()).sum()
    }
}

/// Why pieces can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The rows in it are damaged, or have other columns.
    #[error("piece {}-{}: {error}", key.kind, key.number)]
    Rows {
        /// Which piece.
        key: PieceKey,
        /// Why.
        error: ArrowError,
    },
    /// It isn't what was written.
    #[error("piece {}-{} is damaged", key.kind, key.number)]
    Damaged {
        /// Which piece.
        key: PieceKey,
    },
}

/// Something kept for one partition that can be saved in pieces.
pub trait Save: Send + 'static {
    /// What changed since the last call, up to the batch of time `time`.
    fn changes(&mut self, time: BatchTime) -> Result<Changes, ArrowError>;

    /// Takes a piece up, of those that were saved. Pieces come in order, into what is empty.
    fn load(&mut self, key: PieceKey, bytes: &[u8]) -> Result<(), LoadError>;

    /// All pieces were loaded.
    fn loaded(&mut self) {}

    /// What was saved is gone: the next `changes` tell of all that there is.
    fn save_anew(&mut self);
}

/// What an operator keeps, partition by partition, whatever it is.
pub trait KeptState: Any + Send + Sync {
    /// How many partitions it has.
    fn num_partitions(&self) -> usize;

    /// What changed in a partition since the last call, up to the batch of time `time`.
    fn changes(&self, partition: usize, time: BatchTime) -> Result<Changes, ArrowError>;

    /// Takes up the pieces of a partition, in order.
    fn load(
        &self,
        partition: usize,
        pieces: &mut dyn Iterator<Item = (PieceKey, &[u8])>,
    ) -> Result<(), LoadError>;

    /// What was saved of all partitions is gone: the next `changes` tell of all that there is.
    fn save_anew(&self);
}

impl<T: Save> KeptState for Kept<T> {
    fn num_partitions(&self) -> usize {
        self.num_partitions()
    }

    fn changes(&self, partition: usize, time: BatchTime) -> Result<Changes, ArrowError> {
        self.with(partition, |kept| kept.changes(time)).unwrap_or_else(|| Ok(Changes::default()))
    }

    fn load(
        &self,
        partition: usize,
        pieces: &mut dyn Iterator<Item = (PieceKey, &[u8])>,
    ) -> Result<(), LoadError> {
        let loaded = self.with(partition, |kept| {
            let mut pieces = pieces.peekable();
            if pieces.peek().is_none() {
                // Nothing was ever saved; it begins as it is.
                return Ok(());
            }
            for (key, bytes) in pieces {
                kept.load(key, bytes)?;
            }
            kept.loaded();
            Ok(())
        });
        loaded.unwrap_or(Ok(()))
    }

    fn save_anew(&self) {
        self.each_mut(Save::save_anew);
    }
}
