//! Where a stream's rows go: a file a kind, one trait, and the chooser.
//!
//! A batch reaches a sink in two steps. `stage` takes the rows and may fail; nothing of them can be seen
//! outside yet. After the batch is committed `publish` makes them visible, and may be called again for the same
//! batch after a crash. A sink that survives its process either stages outside, as files do, or is given the rows again
//! and says itself which batches it has, as databases do. Knows nothing of plans or plugins.

mod error;
mod delivery;
mod encode;
mod waiting;
mod table;
mod fit;
mod sql;
mod console;
mod discard;
mod files;
mod for_each;
mod remember;
mod sqlite;
mod tcp;
mod postgres;

use std::fmt::Debug;
use std::path::Path;

use arrow::datatypes::SchemaRef;
use serde::de::{Deserialize, Deserializer, Error};

use crate::record::{BatchTime, Partition};
use crate::source::Stop;

pub use crate::record::FunctionError;
pub use console::Console;
pub use delivery::Delivery;
pub use discard::Discard;
pub use encode::RowFormat;
pub use error::SinkError;
pub use files::Files;
pub use for_each::ForEach;
pub use postgres::{Address, Postgres};
pub use remember::{Remember, TimedBatch};
pub use sqlite::Sqlite;
pub use table::WriteMode;
pub use tcp::Tcp;

/// The kinds of sink, as manifests name them.
pub const KINDS: [&str; 6] = ["console", "files", "sqlite", "postgres", "tcp", "discard"];

/// The sink of kind `kind`, from its options in a manifest.
pub fn from_options<'de, D: Deserializer<'de>>(kind: &str, options: D) -> Result<Box<dyn Sink>, D::Error> {
    Ok(match kind {
        "console" => Box::new(Console::deserialize(options)?),
        "files" => Box::new(Files::deserialize(options)?),
        "sqlite" => Box::new(Sqlite::deserialize(options)?),
        "postgres" => Box::new(Postgres::deserialize(options)?),
        "tcp" => Box::new(Tcp::deserialize(options)?),
        "discard" => Box::new(Discard::deserialize(options)?),
        _ => return Err(D::Error::unknown_variant(kind, &KINDS)),
    })
}

/// A sink by its options, before it runs.
pub trait Sink: Debug + Send + Sync {
    /// The kind, as manifests name it.
    fn kind(&self) -> &'static str;

    /// What becomes of the rows of a batch that it is given again after a crash.
    fn delivery(&self) -> Delivery;

    /// Makes relative paths start at the manifest's folder.
    fn resolve(&mut self, _base: &Path) {}

    /// Whatever can be known to be wrong before anything starts, for a stream with schema `schema`.
    fn check(&self, _schema: &SchemaRef) -> Result<(), SinkError> {
        Ok(())
    }

    /// Begins to write a stream.
    fn open(&self, opening: &Opening) -> Result<Box<dyn Writer>, SinkError>;
}

/// How a sink is begun.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The pipeline's name.
    pub pipeline: String,
    /// The sink's name in the manifest.
    pub name: String,
    /// The columns of its rows.
    pub schema: SchemaRef,
    /// The id of the checkpoint: batches that come again after a crash come with the same one, in the order of their
    /// times. None where nothing comes again.
    pub checkpoint: Option<String>,
    /// Asked for when nobody waits any more for what can't be written now.
    pub stop: Stop,
}

impl Opening {
    /// For the sink `name` of `pipeline`, with rows of `schema`, without a checkpoint.
    pub fn new(pipeline: &str, name: &str, schema: &SchemaRef) -> Self {
        Self {
            pipeline: pipeline.to_owned(),
            name: name.to_owned(),
            schema: SchemaRef::clone(schema),
            checkpoint: None,
            stop: Stop::never(),
        }
    }
}

/// A sink that runs.
pub trait Writer: Send {
    /// Takes the rows of a batch, in order, without making them visible. Called for empty batches too.
    fn stage(&mut self, time: BatchTime, partitions: &[Partition]) -> Result<(), SinkError>;

    /// Makes what was staged for `time` visible; a second call changes nothing.
    fn publish(&mut self, time: BatchTime) -> Result<(), SinkError>;

    /// Whether a batch of time `time` was published before, so that another one of that time would be taken for
    /// it and not be seen. False where a sink can't tell batches apart.
    fn is_published(&mut self, _time: BatchTime) -> Result<bool, SinkError> {
        Ok(false)
    }

    /// Whether what is staged survives a crash, so that another process can publish it. Where it doesn't, the rows of a
    /// batch are kept in the checkpoint until they are published.
    fn stages_outside(&self) -> bool {
        false
    }

    /// After a restart: the batch of time `last` was committed, and none after it. Publishes what is staged for it, and
    /// removes what is staged for others.
    fn recover(&mut self, _last: Option<BatchTime>) -> Result<(), SinkError> {
        Ok(())
    }

    /// Flushes and ends.
    fn close(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}
