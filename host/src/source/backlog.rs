//! Files that were selected and are still to be read, in order.
//!
//! Files come in as they are selected; pieces go out, as many bytes a batch as there is room for, so that a folder full of
//! files is worked off in batches that fit. A file may be read over many batches, a piece of whole records in each. How far it is
//! read survives a restart.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::SourceError;
use super::selection::{Found, Name};
use super::split::{Borders, Piece, Stopped};

/// Files that are still to be read.
#[derive(Default)]
pub struct Backlog {
    files: VecDeque<Waiting>,
    /// Where the piece of the first file ends that was given out last, where that is known only once it has been read.
    stopped: Option<Stopped>,
}

/// A file, as far as it is still to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiting {
    path: PathBuf,
    name: std::ffi::OsString,
    /// Up to where it was read.
    start: u64,
    /// Its length when it was selected.
    end: u64,
}

/// A file that waits, in a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    name: Name,
    start: u64,
    end: u64,
}

impl Backlog {
    /// More files, behind those that wait.
    pub fn add(&mut self, files: Vec<Found>) {
        self.files.extend(files.into_iter().map(|file| Waiting {
            path: file.path,
            name: file.name,
            start: 0,
            end: file.num_bytes,
        }));
    }

    /// Whether all is read.
    pub fn is_empty(&self) -> bool {
        match (&self.stopped, self.files.len()) {
            (_, 0) => true,
            // The first one is done, if it was read to its end.
            (Some(stopped), 1) => self.files.front().is_some_and(|file| stopped.at() >= file.end),
            _ => false,
        }
    }

    /// What of the files is still to be read, once what was given out has been.
    pub fn unread(&self) -> Vec<Unread> {
        let first = self.stopped.as_ref().map_or(0, Stopped::at);
        let unread = self.files.iter().enumerate().map(|(index, file)| Unread {
            name: file.name.clone().into(),
            start: if index == 0 { file.start.max(first) } else { file.start },
            end: file.end,
        });
        unread.filter(|file| file.start < file.end).collect()
    }

    /// Goes on from where another one was, in the folder `folder`.
    pub fn resume(&mut self, folder: &Path, unread: Vec<Unread>) {
        self.files.extend(unread.into_iter().map(|Unread { name, start, end }| {
            let name = std::ffi::OsString::from(name);
            Waiting { path: folder.join(&name), name, start, end }
        }));
    }

    /// The next pieces, about `room` bytes of them, where there is any at least a record.
    pub fn take(&mut self, room: u64, borders: Borders) -> Result<Vec<Piece>, SourceError> {
        if let (Some(stopped), Some(first)) = (self.stopped.take(), self.files.front_mut()) {
            first.start = first.start.max(stopped.at());
        }
        let (mut room, mut pieces) = (room, Vec::new());
        while let Some(file) = self.files.front_mut() {
            if file.start >= file.end || file.is_gone() {
                self.files.pop_front();
                continue;
            }
            if room == 0 {
                break;
            }
            if file.end - file.start <= room {
                room -= file.end - file.start;
                pieces.push(file.piece(file.end));
                self.files.pop_front();
                continue;
            }
            let upto = file.start.saturating_add(room);
            match borders {
                Borders::Lines => {
                    let border = borders.near(&file.piece(file.end), upto)?;
                    pieces.push(file.piece(border));
                    file.start = border;
                }
                Borders::Files => {
                    let (piece, stopped) = file.piece(file.end).up_to(upto);
                    pieces.push(piece);
                    self.stopped = Some(stopped);
                }
            }
            break;
        }
        Ok(pieces)
    }
}

impl Waiting {
    fn piece(&self, end: u64) -> Piece {
        Piece::new(self.path.clone(), self.name.to_string_lossy().into_owned(), self.start..end)
    }

    /// Whether it is gone, of which nothing was read: it is as if it had never been there. One that was begun fails when
    /// it is read.
    fn is_gone(&self) -> bool {
        let is_gone = self.start == 0
            && std::fs::metadata(&self.path).is_err_and(|error| error.kind() == ErrorKind::NotFound);
        if is_gone {
            tracing::warn!(path = %self.path.display(), "a file is gone before it was read; it is passed over");
        }
        is_gone
    }
}

#[cfg(test)]
mod tests;
