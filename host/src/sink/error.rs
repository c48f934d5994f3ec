//! Why sinks fail.

use std::path::PathBuf;

use crate::disk::remedy;
use crate::record::FunctionError;

/// Why a sink failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// An option that can't be used.
    #[error("{key}: {problem}")]
    Option {
        /// Which, as manifests name it.
        key: &'static str,
        /// What is wrong with it, and what to do.
        problem: String,
    },
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
    /// A database refused.
    #[error("cannot {action} {database}: {problem}")]
    Database {
        /// What was tried.
        action: &'static str,
        /// Which database, without a password.
        database: String,
        /// What it said, and what to do.
        problem: String,
    },
    /// The run was stopped at once while rows could not be written.
    #[error(
        "stopped while it waited for {peer}; with a checkpoint the next run writes these rows, else they are lost"
    )]
    Stopped {
        /// Whom it waited for.
        peer: String,
    },
    /// Standard output refused.
    #[error("cannot write to standard output: {0}")]
    Stdout(#[source] std::io::Error),
    /// What waits for connections could not be started.
    #[error("cannot prepare for connections: {0}")]
    Runtime(#[source] std::io::Error),
    /// Rows could not be written in the format asked for.
    #[error("cannot write rows: {0}")]
    Format(#[from] arrow::error::ArrowError),
    /// The program's own function failed.
    #[error("the function that is called for each batch failed: {0}")]
    Function(#[source] FunctionError),
}

impl SinkError {
    /// The option `key` can't be used.
    pub(super) fn key(key: &'static str, problem: impl Into<String>) -> Self {
        Self::Option { key, problem: problem.into() }
    }
}
