//! Writes the letters of a pipeline: adds to its last file, and begins another when that one is full.
//!
//! Whoever writes a file holds a lock on it, so that a second process begins a file of its own. What a crash left of
//! a line is cut off before anything is added: with a checkpoint the epoch has it still, and it is written anew.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::files::{LetterFile, list};
use super::letter::{beginning_of_lines, write_line};
use super::{LetterError, LetterFiles, failure};
use crate::disk::sync_directory;
use crate::failpoint::{Point, reach};
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
        self.write_lines(time, &self.lines(time, letters)?)
    }

    /// The letters of a batch as they are written, a line each.
    pub fn lines(&self, time: BatchTime, letters: &[DeadLetter]) -> Result<Vec<u8>, LetterError> {
        let mut lines = Vec::new();
        for letter in letters {
            write_line(&self.pipeline, time, letter, &mut lines)
                .map_err(|error| failure("write", &self.options.path)(error.into()))?;
        }
        Ok(lines)
    }

    /// Adds what `lines` answered. When it returns it is on disk.
    pub fn write_lines(&mut self, time: BatchTime, lines: &[u8]) -> Result<(), LetterError> {
        let (mut start, mut end) = (0, 0);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if self.is_full_with(end + line.len() - start) {
                self.append(time, lines.get(start..end).unwrap_or_default())?;
                self.current = None;
                start = end;
            }
            end += line.len();
        }
        self.append(time, lines.get(start..end).unwrap_or_default())
    }

    /// Adds those of a batch's lines that aren't there: a run that was killed may have written the first of them.
    pub fn complete(&mut self, time: BatchTime, lines: &[u8]) -> Result<(), LetterError> {
        let mut num_there = 0;
        for file in self.files()? {
            num_there += self.num_lines_of(time, &file)?;
        }
        let missing = lines.split_inclusive(|byte| *byte == b'\n').skip(num_there);
        self.write_lines(time, &missing.flatten().copied().collect::<Vec<_>>())
    }

    /// How many whole lines of the batch of time `time` are in `file`.
    fn num_lines_of(&self, time: BatchTime, file: &LetterFile) -> Result<usize, LetterError> {
        let path = self.options.path.join(file.name());
        let mut lines = BufReader::new(File::open(&path).map_err(failure("open", &path))?);
        let (beginning, mut line, mut num_lines) = (beginning_of_lines(&self.pipeline, time), Vec::new(), 0);
        while lines.read_until(b'\n', &mut line).map_err(failure("read", &path))? > 0 {
            num_lines += usize::from(line.starts_with(&beginning) && line.ends_with(b"\n"));
            line.clear();
        }
        Ok(num_lines)
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
        let written = reach(Point::Letters).and_then(|()| current.file.write_all(lines));
        let written =
            written.and_then(|()| current.file.sync_data()).and_then(|()| reach(Point::LettersWritten));
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
            tracing::warn!(%file, bytes = num_cut, "cut off the beginning of a dead letter that a crash had left");
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
