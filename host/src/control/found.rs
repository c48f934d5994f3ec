//! How the command line finds a pipeline that runs: a file in its checkpoint says where it listens.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The name of the file.
const FILE: &str = "control";

/// The file that says where a pipeline listens. It goes with what is dropped.
pub struct Advertised {
    path: PathBuf,
}

impl Advertised {
    /// Says in `checkpoint` that a pipeline listens at `address`.
    pub fn write(checkpoint: &Path, address: SocketAddr) -> io::Result<Self> {
        let path = checkpoint.join(FILE);
        let aside = path.with_extension("new");
        fs::write(&aside, format!("{address}\n")).and_then(|()| fs::rename(&aside, &path))?;
        Ok(Self { path })
    }
}

impl Drop for Advertised {
    fn drop(&mut self) {
        // What can't be removed is found to be nobody's by whoever asks.
        let _ = fs::remove_file(&self.path);
    }
}

/// Where the pipeline listens that has its checkpoint in `checkpoint`; none where none says so.
pub fn find(checkpoint: &Path) -> Option<SocketAddr> {
    fs::read_to_string(checkpoint.join(FILE)).ok()?.trim().parse().ok()
}
