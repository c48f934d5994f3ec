//! Where the dead letters of a run go: to files, or to the log.

use crate::dead_letters::{LetterError, LetterWriter};
use crate::manifest::{DeadLetterSpec, Pipeline};
use crate::record::{BatchTime, DeadLetter};

/// How many of a batch's dead letters are logged one by one.
const LOGGED_A_BATCH: usize = 10;

/// Writes dead letters.
pub(super) enum DeadLetters {
    Log,
    Files(LetterWriter),
}

impl DeadLetters {
    pub(super) fn open(pipeline: &Pipeline) -> Result<Self, LetterError> {
        match pipeline.dead_letters() {
            DeadLetterSpec::Log => Ok(Self::Log),
            DeadLetterSpec::Files(files) => Ok(Self::Files(LetterWriter::open(&files, &pipeline.name)?)),
        }
    }

    pub(super) fn write(&mut self, time: BatchTime, letters: &[DeadLetter]) -> Result<(), LetterError> {
        match self {
            Self::Files(writer) => writer.write(time, letters)?,
            Self::Log => log(time, letters),
        }
        Ok(())
    }
}

fn log(time: BatchTime, letters: &[DeadLetter]) {
    for letter in letters.iter().take(LOGGED_A_BATCH) {
        let position = letter.position.as_deref();
        tracing::warn!(batch = %time, origin = %letter.origin, position, row = %letter.row, "row set aside: {}", letter.kept_reason());
    }
    if let Some(more) = letters.len().checked_sub(LOGGED_A_BATCH).filter(|more| *more > 0) {
        tracing::warn!(batch = %time, rows = more, "more rows set aside; [dead_letters] with kind = \"files\" and a path keeps them all");
    }
}
