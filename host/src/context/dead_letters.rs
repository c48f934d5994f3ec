//! Where the dead letters of a run go: to files, or to the log.

use super::durable::Durable;
use super::running::RunError;
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

    /// Logs letters, or answers them as they are to be written once the batch is committed.
    pub(super) fn lines(&self, time: BatchTime, letters: &[DeadLetter]) -> Result<Vec<u8>, LetterError> {
        match self {
            Self::Files(writer) => writer.lines(time, letters),
            Self::Log => {
                log(time, letters);
                Ok(Vec::new())
            }
        }
    }

    /// Writes what `lines` answered.
    pub(super) fn write_lines(&mut self, time: BatchTime, lines: &[u8]) -> Result<(), LetterError> {
        match self {
            Self::Files(writer) => writer.write_lines(time, lines),
            Self::Log => Ok(()),
        }
    }

    /// Writes what a run before this one committed and didn't write.
    pub(super) fn recover(&mut self, durable: &mut Durable) -> Result<(), RunError> {
        for (time, lines) in durable.unwritten_letters()? {
            match self {
                Self::Files(writer) => writer.complete(time, &lines)?,
                Self::Log => tracing::warn!(
                    batch = %time,
                    "dead letters of a run that was killed are left behind, as [dead_letters] has no files now"
                ),
            }
            durable.letters_written(time);
        }
        Ok(())
    }

    /// Writes the letters of a batch.
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
