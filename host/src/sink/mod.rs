//! Where a stream's rows go: a file a kind, one trait, and the chooser.
//!
//! A batch reaches a sink in two steps. `stage` takes the rows and may fail; nothing of them can be seen
//! outside yet. After the batch is committed `publish` makes them visible, and may be called again for the same
//! batch after a crash. Knows nothing of plans or plugins.

mod console;
mod discard;
mod files;
mod for_each;
mod remember;

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use serde::de::{Deserialize, Deserializer, Error};

use crate::disk::remedy;
use crate::record::{BatchTime, Partition};

pub use crate::record::FunctionError;
pub use console::Console;
pub use discard::Discard;
pub use files::{FileFormat, Files};
pub use for_each::ForEach;
pub use remember::{Remember, TimedBatch};

/// The kinds of sink, as manifests name them.
pub const KINDS: [&str; 3] = ["console", "files", "discard"];

/// The sink of kind `kind`, from its options in a manifest.
pub fn from_options<'de, D: Deserializer<'de>>(kind: &str, options: D) -> Result<Box<dyn Sink>, D::Error> {
    Ok(match kind {
        "console" => Box::new(Console::deserialize(options)?),
        "files" => Box::new(Files::deserialize(options)?),
        "discard" => Box::new(Discard::deserialize(options)?),
        _ => return Err(D::Error::unknown_variant(kind, &KINDS)),
    })
}

/// A sink by its options, before it runs.
pub trait Sink: Debug + Send + Sync {
    /// The kind, as manifests name it.
    fn kind(&self) -> &'static str;

    /// What is guaranteed of the rows it was given when the host crashes, in a few words for `check`.
    fn guarantee(&self) -> &'static str;

    /// Makes relative paths start at the manifest's folder.
    fn resolve(&mut self, _base: &Path) {}

    /// Whatever can be known to be wrong before anything starts, for a stream with schema `schema`.
    fn check(&self, _schema: &SchemaRef) -> Result<(), SinkError> {
        Ok(())
    }

    /// Begins to write a stream with schema `schema`.
    fn open(&self, schema: &SchemaRef) -> Result<Box<dyn Writer>, SinkError>;
}

/// A sink that runs.
pub trait Writer: Send {
    /// Takes the rows of a batch, in order, without making them visible. Called for empty batches too.
    fn stage(&mut self, time: BatchTime, partitions: &[Partition]) -> Result<(), SinkError>;

    /// Makes what was staged for `time` visible; a second call changes nothing.
    fn publish(&mut self, time: BatchTime) -> Result<(), SinkError>;

    /// Whether a batch of time `time` was published before, so that another one of that time would be taken for
    /// it and not be seen. False where a sink can't tell batches apart.
    fn is_published(&self, _time: BatchTime) -> Result<bool, SinkError> {
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

/// Why a sink failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// An option that can't be used.
    #[error("{0}")]
    Option(String),
    /// The file system refused.
    #[error("cannot {action} {}: {source}{}", path.display(), remedy(source))]
    Path {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Standard output refused.
    #[error("cannot write to standard output: {0}")]
    Stdout(#[source] std::io::Error),
    /// Rows could not be written in the format asked for.
    #[error("cannot write rows: {0}")]
    Format(#[from] arrow::error::ArrowError),
    /// The program's own function failed.
    #[error("the function that is called for each batch failed: {0}")]
    Function(#[source] FunctionError),
}
