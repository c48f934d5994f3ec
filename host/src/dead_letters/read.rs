//! Reads letters, file after file, as they were when the reading began.
//!
//! What is added meanwhile is not read, so that a replay ends even where it makes letters anew. A line without an end is
//! still being written, or was cut short by a crash; either way it is none yet.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Take};
use std::path::{Path, PathBuf};

use super::files::{LetterFile, list};
use super::letter::Letter;
use super::replayed::Lines;
use super::{LetterError, failure};

/// A letter and where it stands.
#[derive(Clone, Debug)]
pub struct Found {
    /// The letter.
    pub letter: Letter,
    /// The letter as it is written, without the line end.
    pub text: String,
    /// The number of its file.
    pub file: i64,
    /// Its line, counted from 1.
    pub line: u64,
    /// Whether it was replayed.
    pub replayed: bool,
}

/// Letters one after the other.
pub struct Letters {
    directory: PathBuf,
    /// The files to come, the next one last, with their lengths.
    files: Vec<(LetterFile, u64)>,
    current: Option<Current>,
    num_broken: u64,
}

struct Current {
    path: PathBuf,
    file: LetterFile,
    input: BufReader<Take<File>>,
    /// Of the lines read so far.
    num_lines: u64,
    replayed: Lines,
}

impl Letters {
    /// The letters in `directory`, of one pipeline or of all.
    pub fn open(directory: &Path, pipeline: Option<&str>) -> Result<Self, LetterError> {
        let mut files = Vec::new();
        for file in list(directory, pipeline)?.into_iter().rev() {
            let path = directory.join(file.name());
            match path.metadata() {
                Ok(found) => files.push((file, found.len())),
                // The pipeline keeps only so many, and says what it deletes.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(failure("look at", &path)(error)),
            }
        }
        Ok(Self { directory: directory.to_owned(), files, current: None, num_broken: 0 })
    }

    /// How many lines so far are no letters.
    pub fn num_broken(&self) -> u64 {
        self.num_broken
    }

    fn read(&mut self) -> Result<Option<Found>, LetterError> {
        loop {
            if self.current.is_none() {
                let Some((file, len)) = self.files.pop() else { return Ok(None) };
                self.current = Some(Current::open(&self.directory, file, len)?);
            }
            match self.current.as_mut().map(Current::read).transpose()?.flatten() {
                Some(Some(found)) => return Ok(Some(found)),
                Some(None) => self.num_broken += 1,
                None => self.current = None,
            }
        }
    }
}

impl Iterator for Letters {
    type Item = Result<Found, LetterError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

impl Current {
    fn open(directory: &Path, file: LetterFile, len: u64) -> Result<Self, LetterError> {
        let path = directory.join(file.name());
        let opened = File::open(&path).map_err(failure("open", &path))?;
        let replayed = Lines::read(directory, &file.pipeline)?;
        Ok(Self { path, file, input: BufReader::new(opened.take(len)), num_lines: 0, replayed })
    }

    /// The next line: none where there is none, none in it where it is no letter.
    fn read(&mut self) -> Result<Option<Option<Found>>, LetterError> {
        let mut line = Vec::new();
        self.input.read_until(b'\n', &mut line).map_err(failure("read", &self.path))?;
        if line.pop() != Some(b'\n') {
            return Ok(None);
        }
        self.num_lines += 1;
        let letter =
            String::from_utf8(line).ok().and_then(|text| Some((serde_json::from_str(&text).ok()?, text)));
        let Some((letter, text)) = letter else { return Ok(Some(None)) };
        let replayed = self.replayed.contain(&self.file, self.num_lines);
        Ok(Some(Some(Found { letter, text, file: self.file.number, line: self.num_lines, replayed })))
    }
}

#[cfg(test)]
mod tests;
