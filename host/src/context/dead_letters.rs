//! Where dead letters go: a file of JSON lines a pipeline, or the log.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::manifest::DeadLetterSpec;
use crate::record::{BatchTime, DeadLetter};

/// How many of a batch's dead letters are logged one by one.
const LOGGED_A_BATCH: usize = 10;

/// Writes dead letters.
pub(super) struct DeadLetters {
    pipeline: String,
    file: Option<(PathBuf, File)>,
}

#[derive(Serialize)]
struct Line<'a> {
    pipeline: &'a str,
    batch_time: String,
    #[serde(flatten)]
    letter: &'a DeadLetter,
}

/// Dead letters could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot write dead letters to {}: {source}", path.display())]
pub struct DeadLetterError {
    path: PathBuf,
    source: io::Error,
}

impl DeadLetters {
    pub(super) fn open(spec: &DeadLetterSpec, pipeline: &str) -> Result<Self, DeadLetterError> {
        let file = match spec {
            DeadLetterSpec::Log => None,
            DeadLetterSpec::Files { path } => {
                let failed = |source| DeadLetterError { path: path.clone(), source };
                std::fs::create_dir_all(path).map_err(failed)?;
                let path = path.join(format!("{pipeline}.jsonl"));
                Some((path.clone(), append_to(&path).map_err(failed)?))
            }
        };
        Ok(Self { pipeline: pipeline.to_owned(), file })
    }

    pub(super) fn write(&mut self, time: BatchTime, letters: &[DeadLetter]) -> Result<(), DeadLetterError> {
        if letters.is_empty() {
            return Ok(());
        }
        match &mut self.file {
            Some((path, file)) => write_lines(&self.pipeline, file, time, letters)
                .map_err(|source| DeadLetterError { path: path.clone(), source }),
            None => {
                log(time, letters);
                Ok(())
            }
        }
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn write_lines(pipeline: &str, file: &mut File, time: BatchTime, letters: &[DeadLetter]) -> io::Result<()> {
    let mut writer = BufWriter::new(&mut *file);
    for letter in letters {
        serde_json::to_writer(&mut writer, &Line { pipeline, batch_time: time.to_string(), letter })?;
        writer.write_all(b"\n")?;
    }
    writer.flush()?;
    drop(writer);
    file.sync_data()
}

fn log(time: BatchTime, letters: &[DeadLetter]) {
    for letter in letters.iter().take(LOGGED_A_BATCH) {
        let position = letter.position.as_deref();
        tracing::warn!(batch = %time, origin = %letter.origin, position, row = %letter.row, "row set aside: {}", letter.reason);
    }
    if let Some(more) = letters.len().checked_sub(LOGGED_A_BATCH).filter(|more| *more > 0) {
        tracing::warn!(batch = %time, rows = more, "more rows set aside; [dead_letters] with kind = \"files\" and a path keeps them all");
    }
}
