//! Makes a batch's folder where nobody looks, and shows it whole.
//!
//! `stage` leaves a complete, synced folder or none; `publish` renames it. What is staged or published is read
//! from the disk, so that another process can go on where this one ended.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Files, failure};
use crate::disk;
use crate::failpoint::{Point, reach};
use crate::record::{BatchTime, Partition, num_rows};
use crate::sink::encode::Encoder;
use crate::sink::{SinkError, Writer};

/// The sink while it runs.
pub(super) struct FilesWriter {
    directory: PathBuf,
    prefix: OsString,
    suffix: Option<String>,
    skip_empty: bool,
    encoder: Encoder,
    /// The batches staged and not yet published: for these a missing folder is an error.
    staged: BTreeSet<BatchTime>,
}

impl FilesWriter {
    /// For the options `files`, in `directory`, with names that begin with `prefix`.
    pub(super) fn new(files: &Files, directory: PathBuf, prefix: OsString, encoder: Encoder) -> Self {
        Self {
            directory,
            prefix,
            suffix: files.suffix.clone(),
            skip_empty: files.skip_empty,
            encoder,
            staged: BTreeSet::new(),
        }
    }
}

impl Writer for FilesWriter {
    fn stage(&mut self, time: BatchTime, partitions: &[Partition]) -> Result<(), SinkError> {
        let is_empty = partitions.iter().all(|blocks| num_rows(blocks) == 0);
        if is_empty && self.skip_empty {
            return Ok(());
        }
        let partitions = if is_empty { &[Partition::new()] } else { partitions };
        let staging = self.staging_folder(time);
        remove_folder(&staging)?;
        let written = self.write_folder(&staging, partitions);
        if written.is_err() {
            // Best effort: on a full disk this makes room; the error to report is the first one.
            drop(fs::remove_dir_all(&staging));
            return written;
        }
        self.staged.insert(time);
        Ok(())
    }

    fn is_published(&mut self, time: BatchTime) -> Result<bool, SinkError> {
        is_there(&self.folder(time))
    }

    fn stages_outside(&self) -> bool {
        true
    }

    fn recover(&mut self, last: Option<BatchTime>) -> Result<(), SinkError> {
        last.map_or(Ok(()), |last| self.publish(last))?;
        for staging in self.stagings()? {
            remove_folder(&staging)?;
        }
        Ok(())
    }

    fn publish(&mut self, time: BatchTime) -> Result<(), SinkError> {
        let (staging, folder) = (self.staging_folder(time), self.folder(time));
        if is_there(&folder)? {
            remove_folder(&staging)?;
        } else {
            match fs::rename(&staging, &folder) {
                Ok(()) => {
                    reach(Point::PublishWithin).map_err(|e| failure("sync directory", &self.directory, e))?;
                    sync_directory(&self.directory)?;
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound && !self.staged.contains(&time) => {}
                Err(source) => return Err(failure("rename a finished batch to", &folder, source)),
            }
        }
        self.staged.remove(&time);
        Ok(())
    }
}

impl FilesWriter {
    /// The folder of the batch `time` where everyone sees it.
    fn folder(&self, time: BatchTime) -> PathBuf {
        self.directory.join(self.name("", time, ""))
    }

    /// The hidden folder where the batch `time` is made.
    fn staging_folder(&self, time: BatchTime) -> PathBuf {
        self.directory.join(self.name(".", time, ".staging"))
    }

    /// The hidden folders of this sink that are there.
    fn stagings(&self) -> Result<Vec<PathBuf>, SinkError> {
        let failed = |source| failure("list", &self.directory, source);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let time = name.to_str().and_then(|name| self.time_of_staging(name));
            found.extend(time.map(|time| self.staging_folder(time)));
        }
        Ok(found)
    }

    /// The batch whose hidden folder has this name, where it is one of this sink's.
    fn time_of_staging(&self, name: &str) -> Option<BatchTime> {
        let rest = name.strip_prefix('.')?.strip_prefix(self.prefix.to_str()?)?.strip_prefix('-')?;
        let millis: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect();
        let time = BatchTime::from_millis(millis.parse().ok()?);
        (self.name(".", time, ".staging") == name).then_some(time)
    }

    fn name(&self, before: &str, time: BatchTime, after: &str) -> OsString {
        let mut name = OsString::from(before);
        name.push(&self.prefix);
        name.push(format!("-{}", time.millis()));
        if let Some(suffix) = &self.suffix {
            name.push(format!(".{suffix}"));
        }
        name.push(after);
        name
    }

    /// Makes `folder` with a file a partition. Files are synced once all are written, so that the disk may take
    /// them together.
    fn write_folder(&mut self, folder: &Path, partitions: &[Partition]) -> Result<(), SinkError> {
        fs::create_dir(folder).map_err(|source| failure("create folder", folder, source))?;
        let mut files = Vec::with_capacity(partitions.len());
        for (i, blocks) in partitions.iter().enumerate() {
            let path = folder.join(format!("part-{i:05}"));
            let file = self.write_file(&path, blocks)?;
            reach(Point::StageWithin).map_err(|source| failure("write", &path, source))?;
            files.push((path, file));
        }
        for (path, file) in files {
            file.sync_all().map_err(|source| failure("sync", &path, source))?;
        }
        sync_directory(folder)
    }

    fn write_file(&mut self, path: &Path, blocks: &Partition) -> Result<File, SinkError> {
        let mut file = File::create_new(path).map_err(|source| failure("create", path, source))?;
        let mut write = |bytes: &[u8]| file.write_all(bytes).map_err(|source| failure("write", path, source));
        write(self.encoder.begin()?)?;
        for block in blocks {
            write(self.encoder.encode(block)?)?;
        }
        Ok(file)
    }
}

fn is_there(path: &Path) -> Result<bool, SinkError> {
    path.try_exists().map_err(|source| failure("look for", path, source))
}

/// Removes `folder` and what is in it, where it is there.
fn remove_folder(folder: &Path) -> Result<(), SinkError> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failure("remove", folder, e)),
        _ => Ok(()),
    }
}

/// Makes the names in `directory` survive a crash.
fn sync_directory(directory: &Path) -> Result<(), SinkError> {
    disk::sync_directory(directory).map_err(|source| failure("sync directory", directory, source))
}
