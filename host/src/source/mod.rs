//! Where records come from: a file a kind, one trait, and the chooser.
//!
//! A source is described by its options, says its schema at once, and when the pipeline starts becomes a
//! *receiver*, which hands over blocks as they arrive, or a *replayable* reader, which is asked at each batch
//! time what there is and answers splits that worker threads read. What a source can't decode becomes dead
//! letters beside the rows; a source never drops anything. Knows nothing of batches, plans or plugins.

mod backlog;
mod columns;
mod csv;
mod directory;
mod format;
mod framed;
mod generate;
mod jsonl;
mod letters;
mod lines;
mod queue;
mod recovery;
mod rows_file;
mod selection;
mod socket;
mod split;
mod stdin;
#[cfg(test)]
mod testing;
mod unpacker;
mod value;
mod zipf;

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use tokio::sync::watch;

use crate::dead_letters::LetterError;
use crate::record::{BatchTime, DeadLetter};

pub use directory::Directory;
pub use format::Format;
pub use framed::Framed;
pub use generate::Generate;
pub use jsonl::jsonl_rows;
pub use letters::{LetterSource, Pick, Progress, Tally};
pub use queue::{Queue, Take};
pub use recovery::Recovery;
pub use rows_file::RowsFile;
pub use socket::Socket;
pub use stdin::Stdin;

/// The kinds of source, as manifests name them.
pub const KINDS: [&str; 5] = ["socket", "framed", "directory", "stdin", "generate"];

/// The source of kind `kind`, from its options in a manifest.
pub fn from_options<'de, D: Deserializer<'de>>(kind: &str, options: D) -> Result<Box<dyn Source>, D::Error> {
    Ok(match kind {
        "socket" => Box::new(Socket::deserialize(options)?),
        "framed" => Box::new(Framed::deserialize(options)?),
        "directory" => Box::new(Directory::deserialize(options)?),
        "stdin" => Box::new(Stdin::deserialize(options)?),
        "generate" => Box::new(Generate::deserialize(options)?),
        _ => return Err(D::Error::unknown_variant(kind, &KINDS)),
    })
}

/// A source by its options, before it runs.
pub trait Source: Debug + Send + Sync {
    /// The kind, as manifests name it.
    fn kind(&self) -> &'static str;

    /// The columns of its rows.
    fn schema(&self) -> SchemaRef;

    /// What becomes of its rows when the host crashes.
    fn recovery(&self) -> Recovery;

    /// The most rows a second that it may bring.
    fn max_rows_per_second(&self) -> Option<u64> {
        None
    }

    /// Whether what it receives is to be written to the checkpoint before it counts as received.
    fn is_logged(&self) -> bool {
        false
    }

    /// Whether its rows are the same in every run, so that how many of them batches took says how far it is. Its position
    /// is then this number.
    fn is_counted(&self) -> bool {
        false
    }

    /// Makes relative paths start at the manifest's folder.
    fn resolve(&mut self, _base: &Path) {}

    /// Whatever can be known to be wrong before anything starts.
    fn check(&self) -> Result<(), SourceError> {
        Ok(())
    }

    /// Begins to read.
    fn open(&self, opening: &Opening) -> Result<Reader, SourceError>;
}

/// How a source is begun.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The source's name in the manifest, for dead letters and the log.
    pub name: String,
    /// The time that counts as the start: what was there before it is old.
    pub time: BatchTime,
    /// Whether to take what is there and end, rather than wait for more.
    pub extent: Extent,
    /// How far it was read before, as `Replayable::position` said it.
    pub position: Option<Position>,
}

/// How far a source was read, in words of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position(Arc<serde_json::Value>);

impl Position {
    /// From what the source knows.
    pub fn new(known: &impl Serialize) -> Option<Self> {
        serde_json::to_value(known).ok().map(|value| Self(Arc::new(value)))
    }

    /// What the source knew.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, SourceError> {
        T::deserialize(&*self.0).map_err(|error| {
            SourceError::Option(format!("its position in the checkpoint can't be read: {error}"))
        })
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_json::Value::deserialize(deserializer).map(|value| Self(Arc::new(value)))
    }
}

/// How much a source reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Until it is stopped.
    Endless,
    /// What is there now, then it ends (`run --once`).
    Available,
}

/// A source that runs.
pub enum Reader {
    /// Hands over blocks as they arrive.
    Receiver(Box<dyn Receiver>),
    /// Is asked at each batch time.
    Replayable(Box<dyn Replayable>),
}

/// A long-running task that hands over blocks.
#[async_trait]
pub trait Receiver: Send {
    /// Runs until the data ends or `stop` is requested. Hands over all that it took from the outside.
    async fn run(self: Box<Self>, outlet: Arc<dyn Outlet>, stop: Stop) -> Result<(), SourceError>;
}

/// Where a receiver's blocks go. Bounded: waiting here is how a receiver is told to slow down.
#[async_trait]
pub trait Outlet: Send + Sync {
    /// Hands over a block, when there is room for it.
    async fn put(&self, block: Block) -> Result<(), Closed>;

    /// Hands over a block with which everything of `sender` up to `sequence` is there. Where blocks are logged, that is
    /// remembered with it.
    async fn put_from(&self, block: Block, _sender: &str, _sequence: u64) -> Result<(), Closed> {
        self.put(block).await
    }

    /// Up to which sequence number everything of `sender` is there for good; none where nothing is known of it.
    fn highest(&self, _sender: &str) -> Result<Option<u64>, SourceError> {
        Ok(None)
    }
}

/// Refuses a `max_rate` by which nothing would ever come.
fn check_max_rate(max_rate: Option<u64>) -> Result<(), SourceError> {
    match max_rate {
        Some(0) => Err(SourceError::Option(
            "`max_rate` must be at least 1 row a second; remove it for no limit".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Hands over `blocks` one after the other.
async fn put_all(outlet: &dyn Outlet, blocks: Vec<Block>) -> Result<(), Closed> {
    for block in blocks {
        outlet.put(block).await?;
    }
    Ok(())
}

/// Nobody takes blocks any more; the receiver should return.
#[derive(Debug)]
pub struct Closed;

/// Rows that arrived together, with what could not be decoded among them.
#[derive(Clone, Debug)]
pub struct Block {
    /// The rows, with the source's schema.
    pub rows: RecordBatch,
    /// What could not be decoded.
    pub dead: Vec<DeadLetter>,
}

impl Block {
    /// Takes the first `num_rows` rows off, with all that could not be decoded.
    pub(crate) fn split_off(&mut self, num_rows: usize) -> Self {
        let num_rows = num_rows.min(self.rows.num_rows());
        let first = self.rows.slice(0, num_rows);
        self.rows = self.rows.slice(num_rows, self.rows.num_rows() - num_rows);
        Self { rows: first, dead: std::mem::take(&mut self.dead) }
    }
}

/// How much a batch may take of a replayable source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// So many rows.
    pub num_rows: u64,
    /// What so many rows take by those of late, for a source that can't count rows before they are read.
    pub num_bytes: u64,
}

impl Room {
    /// For all that is there.
    pub const ENDLESS: Self = Self { num_rows: u64::MAX, num_bytes: u64::MAX };
}

/// A source that can be asked for the same data again.
pub trait Replayable: Send {
    /// What is new at `time`, about as much as there is `room` for, cut into at most `num_splits` pieces of about the same
    /// size, in order. What there is no room for comes with later batches. How it is cut follows from the data and the
    /// room alone. Called when what was cut before has been read.
    fn cut(
        &mut self,
        time: BatchTime,
        num_splits: usize,
        room: Room,
    ) -> Result<Vec<Arc<dyn Split>>, SourceError>;

    /// Whether more was there at the last `cut` than there was room for.
    fn has_more(&self) -> bool {
        false
    }

    /// How far it was read, once what was cut last has been read, so that another process can go on from there; none where
    /// that can't be said.
    fn position(&mut self) -> Option<Position> {
        None
    }

    /// Whether it has something of its own for each batch, so that none of them may be left out.
    fn needs_every_batch(&self) -> bool {
        false
    }

    /// Whether there will never be more.
    fn is_finished(&self) -> bool;
}

/// A piece of a replayable source's batch, read by a worker thread.
pub trait Split: Send + Sync {
    /// How many rows there are, where that is known before they are read.
    fn num_rows(&self) -> Option<usize> {
        None
    }

    /// How many bytes are read, where rows are not known before; about, until they were.
    fn num_bytes(&self) -> Option<u64> {
        None
    }

    /// Reads it all, in order.
    fn read(&self, into: &mut dyn FnMut(Block) -> Result<(), Interrupted>) -> Result<(), SourceError>;
}

/// Whoever takes the blocks has failed and wants no more; its own error says why.
#[derive(Debug)]
pub struct Interrupted;

/// The request to stop, as a receiver or a sink sees it.
#[derive(Clone, Debug)]
pub struct Stop(Option<watch::Receiver<bool>>);

impl Stop {
    /// A stop and the sender that requests it with `true`.
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(Some(receiver)))
    }

    /// What `sender` requests with `true`.
    pub fn of(sender: &watch::Sender<bool>) -> Self {
        Self(Some(sender.subscribe()))
    }

    /// A stop that nobody requests.
    pub const fn never() -> Self {
        Self(None)
    }

    /// Returns once a stop is requested, or whoever could request it is gone.
    pub async fn requested(&mut self) {
        let Some(receiver) = &mut self.0 else { return std::future::pending().await };
        while !*receiver.borrow_and_update() {
            if receiver.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Why a source failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// An option that can't be used.
    #[error("{0}")]
    Option(String),
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Path {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A record of a file that has to be read whole does not fit.
    #[error("{position}: {reason}")]
    Misfit {
        /// Where it stands.
        position: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Reading from standard input failed.
    #[error("cannot read standard input: {0}")]
    Stdin(#[source] std::io::Error),
    /// Dead letters could not be read again, or not marked.
    #[error(transparent)]
    Letters(#[from] LetterError),
    /// Rows could not be put into columns.
    #[error("cannot put rows into columns: {0}")]
    Columns(#[from] arrow::error::ArrowError),
    /// What was received could not be logged.
    #[error("cannot log what was received in {}: {problem}", path.display())]
    Log {
        /// The checkpoint.
        path: PathBuf,
        /// What the store said.
        problem: String,
    },
    /// Whoever takes the blocks gave up; its own error tells why.
    #[error("reading was interrupted")]
    Interrupted,
}

impl From<Interrupted> for SourceError {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}
