//! Why a plugin can't be loaded or opened, or failed on a batch.

use std::path::PathBuf;
use std::time::Duration;

use crate::record::{Bytes, DeadLetterKind};

/// A plugin, and what went wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("plugin `{plugin}`: {failure}")]
pub struct PluginError {
    /// The plugin's name in the manifest.
    pub plugin: String,
    /// The stream whose operator it was called for, where it was.
    pub stream: Option<String>,
    /// What went wrong.
    #[source]
    pub failure: PluginFailure,
}

/// What went wrong with a plugin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginFailure {
    /// Its file can't be read.
    #[error("cannot read {}: {source}; correct the path or build the plugin", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Its file isn't the one pinned.
    #[error("{} has SHA-256 {found}, not {pinned} as `sha256` says; pin the new digest if the change is meant", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// The digest of the file.
        found: String,
        /// The digest in the manifest.
        pinned: String,
    },
    /// Its file isn't something we run.
    #[error("{0}")]
    Unsuitable(String),
    /// Its limits ask for too much.
    #[error("{0}")]
    LimitsTooHigh(String),
    /// It doesn't want the config or the schema.
    #[error("open refused: {0}")]
    Refused(String),
    /// It answered that the call failed.
    #[error("the call failed: {0}")]
    Failed(String),
    /// It trapped.
    #[error("it trapped: {0}")]
    Trapped(String),
    /// It reached a limit.
    #[error("{0}")]
    Limit(Limit),
    /// It answered what can't be.
    #[error("its answer is invalid: {0}")]
    InvalidAnswer(String),
    /// Two rows of a key don't fit into one call.
    #[error("two rows of one key have more than {0}, so that they can't be combined; raise `limits.input`")]
    KeyTooLarge(Bytes),
    /// The host could not do its part.
    #[error("{0}")]
    Host(String),
}

impl PluginFailure {
    /// The error of the plugin that the manifest calls `plugin`, which no stream was opened with.
    pub(super) fn of(self, plugin: &str) -> PluginError {
        PluginError { plugin: plugin.to_owned(), stream: None, failure: self }
    }

    /// The kind of dead letter that a row becomes which alone leads to this; none where no row can be to blame.
    pub const fn blames_rows(&self) -> Option<DeadLetterKind> {
        match self {
            Self::Trapped(_) | Self::Limit(Limit::Stack(_)) => Some(DeadLetterKind::Trap),
            Self::Failed(_) | Self::Limit(Limit::Input(_)) => Some(DeadLetterKind::Error),
            Self::Limit(Limit::Time(_)) => Some(DeadLetterKind::Timeout),
            Self::Limit(Limit::Memory(_) | Limit::TableElements(_)) => Some(DeadLetterKind::Memory),
            Self::InvalidAnswer(_)
            | Self::KeyTooLarge(_)
            | Self::Limit(Limit::Output(_) | Limit::OutputRows(_)) => Some(DeadLetterKind::InvalidOutput),
            Self::Limit(
                Limit::OpenTime(_)
                | Limit::Memories(_)
                | Limit::Tables(_)
                | Limit::Instances(_)
                | Limit::File(_)
                | Limit::CompileTime(_)
                | Limit::CompileMemory(_),
            )
            | Self::File { .. }
            | Self::Digest { .. }
            | Self::Unsuitable(_)
            | Self::LimitsTooHigh(_)
            | Self::Refused(_)
            | Self::Host(_) => None,
        }
    }
}

/// A limit reached, with the manifest key that raises it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// Memory of an instance.
    #[error("it wants more memory than {0}; raise `limits.memory` if it needs more")]
    Memory(Bytes),
    /// Memories of a component.
    #[error("it has more than {0} memories; raise `limits.memories` if it needs more")]
    Memories(u32),
    /// Tables of a component.
    #[error("it has more than {0} tables; raise `limits.tables` if it needs more")]
    Tables(u32),
    /// Elements in the tables of an instance.
    #[error("its tables want more than {0} elements; raise `limits.table_elements` if it needs more")]
    TableElements(u32),
    /// Instances of modules in a component.
    #[error("it makes more than {0} instances of modules; raise `limits.instances` if it needs more")]
    Instances(u32),
    /// The stack, which is the same for all plugins.
    #[error(
        "its calls nest more deeply than a stack of {0} holds; let it recurse less, or loop: this limit is fixed"
    )]
    Stack(Bytes),
    /// Time of a call.
    #[error("the call took longer than {0:?}; raise `limits.time` if it needs longer")]
    Time(Duration),
    /// Time of `open`.
    #[error("open took longer than {0:?}; raise `limits.open_time` if it needs longer")]
    OpenTime(Duration),
    /// Bytes into a call: a single row has more.
    #[error("a single row has more than {0}; raise `limits.input` to pass it")]
    Input(Bytes),
    /// Bytes out of a call.
    #[error("it answered more than {0}; raise `limits.output` if it needs more")]
    Output(Bytes),
    /// Rows out of a call.
    #[error("it answered more than {0} rows; raise `limits.output_rows` if it needs more")]
    OutputRows(u32),
    /// Size of the file.
    #[error("the file is larger than {0}; raise `limits.file` to load it")]
    File(Bytes),
    /// Time to compile it.
    #[error("compiling it took longer than {0:?}; raise `limits.compile_time` if it needs longer")]
    CompileTime(Duration),
    /// Memory to compile it.
    #[error("compiling it takes more memory than {0}; raise `limits.compile_memory` if it needs more")]
    CompileMemory(Bytes),
}
