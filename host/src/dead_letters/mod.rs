//! Dead letters on disk: files of JSON lines that are written, read, counted, and marked as replayed.
//!
//! A pipeline's letters are in `PIPELINE.N.jsonl`, a file after the other; N is the time of the first batch in it, in
//! milliseconds, so that the files sort by time. Lines are only ever added. Which of them were replayed is said
//! beside, in `PIPELINE.replayed`. Knows nothing of who sets a row aside, or why.

mod files;
mod letter;
mod read;
mod replayed;
mod select;
mod summary;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::remedy;

pub use files::LetterFiles;
pub use letter::Letter;
pub use read::{Found, Letters};
pub use replayed::Replayed;
pub use select::Selection;
pub use summary::{Group, summarize};
pub use write::LetterWriter;

/// Dead letters could not be kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LetterError {
    /// The file system refused.
    #[error("cannot {action} {}: {source}{}", path.display(), remedy(source))]
    Path {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process replays letters of this pipeline.
    #[error("another replay of these dead letters is under way, for it holds {}; wait for its end", path.display())]
    Replaying {
        /// The file that it holds.
        path: PathBuf,
    },
    /// An option that can't be used.
    #[error("{0}")]
    Option(String),
}

/// What failed, for `map_err`.
fn failure(action: &'static str, path: &Path) -> impl Fn(io::Error) -> LetterError {
    move |source| LetterError::Path { action, path: path.to_owned(), source }
}
