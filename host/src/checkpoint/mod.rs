//! What survives a restart: epochs in an embedded store.
//!
//! Each batch that changes anything ends with one *epoch*, one atomic, synced write: how far each source was read, what
//! operators changed of what they keep, and the rows of sinks that can't be staged outside (the *outbox*). Nothing
//! of a batch is seen outside before its epoch is written, and a batch without an epoch never was. A checkpoint
//! holds data, names and the files of plugins that ran, never compiled code. Knows nothing of how batches run.

mod code;
mod contents;
mod epoch;
mod error;
mod folder;
mod journal;
mod log;
mod outbox;
mod store;
mod versions;

pub use code::CodeFolder;
pub use contents::{Contents, Difference, StreamContents};
pub use epoch::{Epoch, SourcePosition};
pub use error::CheckpointError;
pub use log::{Logged, SourceLog};
pub use outbox::Undelivered;
pub use store::{Checkpoint, Commit, Report, StateReport};
pub use versions::{How, ShadowReport, ShadowSample, VersionChange};
