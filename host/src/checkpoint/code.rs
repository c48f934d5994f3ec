//! The files of plugins that ran, kept by their digests, so that what ran can run again whatever became of the files.
//!
//! A file appears whole and synced, or not at all, and is what its name says or isn't taken.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::CheckpointError;
use crate::disk::sync_directory;
use crate::failpoint::{Point, reach};
use crate::plugin::PluginFile;

/// The folder of them within the checkpoint.
const FOLDER: &str = "plugins";

/// The files of plugins that ran.
#[derive(Clone, Debug)]
pub struct CodeFolder {
    path: PathBuf,
}

impl CodeFolder {
    /// That of the checkpoint in the directory `checkpoint`.
    pub fn of(checkpoint: &Path) -> Self {
        Self { path: checkpoint.join(FOLDER) }
    }

    /// Keeps `file`.
    pub fn keep(&self, file: &PluginFile) -> Result<(), CheckpointError> {
        let path = self.file(&file.digest);
        if path.is_file() && self.read(&file.digest).is_ok() {
            return Ok(());
        }
        let written = reach(Point::Keep).and_then(|()| {
            fs::create_dir_all(&self.path)?;
            let aside = path.with_extension("new");
            let mut new = File::create(&aside)?;
            new.write_all(&file.bytes)?;
            new.sync_all()?;
            reach(Point::KeepWithin)?;
            fs::rename(&aside, &path)?;
            sync_directory(&self.path)?;
            reach(Point::Kept)
        });
        written.map_err(|source| CheckpointError::Code { path, source })
    }

    /// The file with the digest `digest`. One that is another by now is an error.
    pub fn read(&self, digest: &str) -> Result<PluginFile, CheckpointError> {
        let path = self.file(digest);
        let file = fs::read(&path).map(PluginFile::from_bytes);
        match file {
            Ok(file) if file.digest == digest => Ok(file),
            Ok(_) => {
                let source = io::Error::new(io::ErrorKind::InvalidData, "it isn't what its name says");
                Err(CheckpointError::Code { path, source })
            }
            Err(source) => Err(CheckpointError::Code { path, source }),
        }
    }

    /// Removes all but those with the digests `needed`. What can't be removed stays.
    pub fn retain(&self, needed: &HashSet<&str>) {
        let _ = reach(Point::Collect);
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let path = entry.path();
            if !path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|digest| needed.contains(digest))
            {
                let _ = fs::remove_file(path);
                let _ = reach(Point::Collected);
            }
        }
    }

    fn file(&self, digest: &str) -> PathBuf {
        self.path.join(format!("{digest}.wasm"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_is_read_or_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let code = CodeFolder::of(folder.path());
        let (one, two) = (PluginFile::from_bytes(vec![1]), PluginFile::from_bytes(vec![2]));
        assert!(code.read(&one.digest).is_err());
        code.keep(&one).unwrap();
        code.keep(&two).unwrap();
        assert_eq!(code.read(&one.digest).unwrap().bytes, [1]);
        fs::write(code.file(&one.digest), [3]).unwrap();
        assert!(code.read(&one.digest).unwrap_err().to_string().contains("isn't what its name says"));
        code.keep(&one).unwrap();
        assert_eq!(code.read(&one.digest).unwrap().bytes, [1], "what was damaged is written anew");
        code.retain(&HashSet::from([two.digest.as_str()]));
        assert!(code.read(&one.digest).is_err() && code.read(&two.digest).is_ok());
    }
}
