//! Writes the letters of a pipeline: adds to its last file, and begins another when that one is full.
//!
//! Whoever writes a file holds a lock on it, so that a second process begins a file of its own. What a crash left of
//! a line is cut off before anything is added: its batch was not published.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::files::{LetterFile, list};
use super::letter::write_line;
use super::{LetterError, LetterFiles, failure};
use crate::disk::sync_directory;
use crate::record::{BatchTime, DeadLetter};

/// Writes dead letters.
pub struct LetterWriter {
    options: LetterFiles,
    pipeline: String,
    current: Option<Current>,
}

/// The file that is being written.
struct Current {
    path: PathBuf,
    file: File,
    len: u64,
}

impl LetterWriter {
    /// For the letters of `pipeline`. Makes the directory, and mends what a crash left.
    pub fn open(options: &LetterFiles, pipeline: &str) -> Result<Self, LetterError> {
        options.check()?;
        fs::create_dir_all(&options.path).map_err(failure("create directory", &options.path))?;
        let mut writer = Self { options: options.clone(), pipeline: pipeline.to_owned(), current: None };
        for file in writer.files()? {
            writer.current = writer.take(&file)?;
        }
        Ok(writer)
    }

    /// Adds the letters of a batch. When it returns they are on disk.
    pub fn write(&mut self, time: BatchTime, letters: &[DeadLetter]) -> Result<(), LetterError> {
        let mut lines = Vec::new();
        for letter in letters {
            let start = lines.len();
            write_line(&self.pipeline, time, letter, &mut lines)
                .map_err(|error| failure("write", &self.options.path)(error.into()))?;
            if self.is_full_with(lines.len()) {
                let line = lines.split_off(start);
                self.append(time, &lines)?;
                self.current = None;
                lines = line;
            }
        }
        self.append(time, &lines)
    }

    /// Whether the file would hold more than it may with so many bytes more.
    fn is_full_with(&self, num_bytes: usize) -> bool {
        let len = self.current.as_ref().map_or(0, |current| current.len);
        len.saturating_add(num_bytes as u64) > self.options.max_file.0
    }

    fn append(&mut self, time: BatchTime, lines: &[u8]) -> Result<(), LetterError> {
        if lines.is_empty() {
            return Ok(());
        }
        let current = match self.current.take() {
            Some(current) => current,
            None => self.begin(time)?,
        };
        let current = self.current.insert(current);
        let written = current.file.write_all(lines).and_then(|()| current.file.sync_data());
        written.map_err(failure("write dead letters to", &current.path))?;
        current.len = current.len.saturating_add(lines.len() as u64);
        Ok(())
    }

    /// Opens `file`, with only whole lines in it. None where another process writes it.
    fn take(&self, file: &LetterFile) -> Result<Option<Current>, LetterError> {
        let path = self.options.path.join(file.name());
        let mut file =
            OpenOptions::new().read(true).append(true).open(&path).map_err(failure("open", &path))?;
        if !lock(&file) {
            return Ok(None);
        }
        let (len, num_cut) = mend(&mut file).map_err(failure("mend", &path))?;
        if num_cut > 0 {
            let file = path.display();
            tracing::warn!(%file, bytes = num_cut, "cut off the beginning of a dead letter that a crash had left; its batch was not published");
        }
        Ok(Some(Current { path, file, len }))
    }

    /// Begins the next file, and deletes what is not to be kept.
    fn begin(&self, time: BatchTime) -> Result<Current, LetterError> {
        let directory = &self.options.path;
        let least = self.files()?.last().map_or(i64::MIN, |last| last.number.saturating_add(1));
        let mut begun = LetterFile { pipeline: self.pipeline.clone(), number: time.millis().max(least) };
        let (path, file) = loop {
            let path = directory.join(begun.name());
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => break (path, file),
                // Another process was faster.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => begun.number += 1,
                Err(error) => return Err(failure("create", &path)(error)),
            }
        };
        lock(&file);
        sync_directory(directory).map_err(failure("sync directory", directory))?;
        self.delete_oldest()?;
        Ok(Current { path, file, len: 0 })
    }

    /// Deletes the files that are not to be kept.
    fn delete_oldest(&self) -> Result<(), LetterError> {
        let Some(keep) = self.options.keep else { return Ok(()) };
        let files = self.files()?;
        for file in files.iter().take(files.len().saturating_sub(keep.get())) {
            let path = self.options.path.join(file.name());
            fs::remove_file(&path).map_err(failure("delete", &path))?;
            let file = path.display();
            tracing::warn!(%file, "deleted the oldest dead letters, as `keep` of [dead_letters] asks");
        }
        Ok(())
    }

    fn files(&self) -> Result<Vec<LetterFile>, LetterError> {
        list(&self.options.path, Some(&self.pipeline))
    }
}

/// Locks `file` until it is closed; false where another process has. Where there are no locks nobody has.
pub(super) fn lock(file: &File) -> bool {
    !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Cuts off what stands behind the last line end. Answers how long the file is, and how much was cut.
pub(super) fn mend(file: &mut File) -> io::Result<(u64, u64)> {
    let len = file.metadata()?.len();
    let (mut end, mut piece) = (len, vec![0; 64 << 10]);
    while end > 0 {
        let start = end.saturating_sub(piece.len() as u64);
        let piece = piece.get_mut(..usize::try_from(end - start).unwrap_or(0)).unwrap_or_default();
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(piece)?;
        if let Some(line_end) = memchr::memrchr(b'\n', piece) {
            end = start + line_end as u64 + 1;
            break;
        }
        end = start;
    }
    if end < len {
        file.set_len(end)?;
        file.sync_all()?;
    }
    Ok((end, len.saturating_sub(end)))
}

#[cfg(test)]
mod tests;
