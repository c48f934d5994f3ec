//! The folder of the store before it is opened: who else uses it, and what a first start left unfinished.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::error::CheckpointError;
use super::journal;

/// The file that a process holds a lock on while it has the store open.
const LOCK: &str = "lock";

/// How often the lock is tried. A process that is being started has, for a moment, what the one has open that starts it.
const TRIES: usize = 10;

/// How long it is from one try to the next.
const PAUSE: Duration = Duration::from_millis(50);

/// The file that is written, in two pieces, when the store has been made, and how many bytes it has then.
const MADE: (&str, u64) = ("version", 4);

/// Keeps other processes from the store in `folder` for as long as what it answers is there. Fails where one has it open.
pub(super) fn take(checkpoint: &Path, folder: &Path) -> Result<Option<File>, CheckpointError> {
    // Without the file nobody has it open.
    let Ok(lock) = File::options().read(true).write(true).open(folder.join(LOCK)) else { return Ok(None) };
    for _ in 0..TRIES {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            // Where there are no locks nobody has it open.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(Some(lock)),
        }
    }
    Err(CheckpointError::Locked(checkpoint.to_owned()))
}

/// Removes a store that was never made to its end. That one holds nothing: where a journal does, the file that says so
/// was lost, and nothing is removed.
pub(super) fn clear_unfinished(checkpoint: &Path, folder: &Path) -> Result<(), CheckpointError> {
    let failed = |error: io::Error| CheckpointError::Store {
        action: "look at what a start left unfinished",
        path: folder.to_owned(),
        problem: error.to_string(),
    };
    let made = folder.join(MADE.0);
    // A start that was killed may have made the file and not have filled it.
    if made.try_exists().map_err(failed)? && fs::metadata(&made).map_err(failed)?.len() >= MADE.1 {
        return Ok(());
    }
    if !journal::are_empty(folder).map_err(failed)? {
        let problem = format!("{} is gone or too short", made.display());
        return Err(CheckpointError::Damaged { path: checkpoint.to_owned(), problem });
    }
    fs::remove_dir_all(folder).map_err(failed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// What becomes of a store whose journal holds `journal`, and whose mark `mark`.
    fn cleared(mark: Option<&str>, journal: &[u8]) -> Result<bool, CheckpointError> {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        fs::create_dir(&store).unwrap();
        fs::write(store.join("0.jnl"), journal).unwrap();
        mark.into_iter().for_each(|mark| fs::write(store.join(MADE.0), mark).unwrap());
        clear_unfinished(folder.path(), &store)?;
        Ok(!store.exists())
    }

    #[test]
    fn what_was_never_made_is_removed_and_what_holds_something_never_is() {
        assert!(cleared(None, &[]).unwrap());
        assert!(cleared(Some(""), &[0; 100]).unwrap());
        assert!(cleared(Some("FJL"), &[0; 100]).unwrap());
        assert!(!cleared(Some("FJL\u{3}"), &[]).unwrap());
        assert!(!cleared(Some("FJL\u{3}"), b"x").unwrap());
        for mark in [None, Some(""), Some("FJL")] {
            assert!(matches!(cleared(mark, b"\0x"), Err(CheckpointError::Damaged { .. })));
        }
    }
}
