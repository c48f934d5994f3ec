//! The folder of the store before it is opened: who else uses it, and what a first start left unfinished.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::error::CheckpointError;

/// The file that a process holds a lock on while it has the store open.
const LOCK: &str = "lock";

/// How often the lock is tried. A process that is being started has, for a moment, what the one has open that starts it.
const TRIES: usize = 10;

/// How long it is from one try to the next.
const PAUSE: Duration = Duration::from_millis(50);

/// The file that is written when the store has been made.
const MADE: &str = "version";

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

/// Removes a store that was never made to its end: nothing was written to it.
pub(super) fn clear_unfinished(folder: &Path) -> io::Result<()> {
    match folder.join(MADE).try_exists()? {
        true => Ok(()),
        false => fs::remove_dir_all(folder),
    }
}
