//! Why a checkpoint can't be used.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::disk::remedy;
use crate::state::LoadError;

/// Why a checkpoint can't be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Another process has it open.
    #[error("checkpoint {}: another process uses it; stop that one, or give this pipeline a directory of its own", .0.display())]
    Locked(PathBuf),
    /// The store failed.
    #[error("checkpoint {}: cannot {action}: {problem}; what was committed before is safe", path.display())]
    Store {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the store said.
        problem: String,
    },
    /// What is in it can't be right.
    #[error(
        "checkpoint {}: {problem}; put a copy of the directory in its place, or start anew by moving it away: what it held is lost then",
        path.display()
    )]
    Damaged {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// It was written by another version of the program.
    #[error("checkpoint {}: its format is {found}, and this program reads {known}; use the program that wrote it", path.display())]
    Format {
        /// Where.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What this program writes.
        known: u32,
    },
    /// There is none.
    #[error("checkpoint {}: there is none; it is made by the first run", .0.display())]
    Missing(PathBuf),
    /// It belongs to another pipeline, or to one that has changed too much.
    #[error("checkpoint {}: {problem}; {remedy}", path.display())]
    Unfit {
        /// Where.
        path: PathBuf,
        /// What doesn't fit.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// What an operator kept can't be taken up.
    #[error("checkpoint {}: what `{stream}` kept is damaged: {error}; put a copy of the directory in its place, or leave it behind with --drop-state {stream}", path.display())]
    State {
        /// Where.
        path: PathBuf,
        /// The operator.
        stream: String,
        /// Why.
        error: LoadError,
    },
    /// The file of a plugin that ran can't be kept or read.
    #[error("checkpoint: {}, which a plugin runs: {source}", path.display())]
    Code {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Rows could not be made bytes, or bytes rows.
    #[error("checkpoint: cannot encode rows: {0}")]
    Rows(#[from] arrow::error::ArrowError),
}

/// Of the store in the checkpoint `path`: `error`, when `action` was tried.
pub(super) fn failure(path: &Path, action: &'static str, error: &fjall::Error) -> CheckpointError {
    let path = path.to_owned();
    match error {
        fjall::Error::Locked => CheckpointError::Locked(path),
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) if is_damage(error) => {
            let problem = format!("the store is damaged, cannot {action}: {error}");
            CheckpointError::Damaged { path, problem }
        }
        fjall::Error::Io(_) | fjall::Error::Storage(fjall::LsmError::Io(_)) | fjall::Error::Poisoned => {
            CheckpointError::Store { action, path, problem: problem(error) }
        }
        other => {
            let problem = format!("the store is damaged, cannot {action}: {}", problem(other));
            CheckpointError::Damaged { path, problem }
        }
    }
}

/// Whether it isn't the disk that failed, but something is missing or isn't what was written.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof | ErrorKind::InvalidData)
}

/// What is wrong, and what to do about it where more is known than that.
pub(super) fn problem(error: &fjall::Error) -> String {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => {
            format!("{error}{}", remedy(error))
        }
        fjall::Error::Poisoned => "an earlier write failed; look at the disk, then start again".to_owned(),
        error => format!("it says {error:?}"),
    }
}
