//! What several folders ask of the file system.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Whether files can be put into `directory`, as far as can be seen without making it.
pub(crate) fn check_directory(directory: &Path) -> io::Result<()> {
    for ancestor in directory.ancestors() {
        let path = if ancestor.as_os_str().is_empty() { Path::new(".") } else { ancestor };
        match fs::metadata(path) {
            Ok(found) if !found.is_dir() => return Err(io::ErrorKind::NotADirectory.into()),
            Ok(found) if found.permissions().readonly() => {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            Ok(_) => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// The user's folder of what can be made again: `TIDEMILL_CACHE`, or `tidemill` in `XDG_CACHE_HOME` or `~/.cache`.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("TIDEMILL_CACHE")
        .or_else(|| folder("XDG_CACHE_HOME").map(|home| home.join("tidemill")))
        .or_else(|| folder("HOME").map(|home| home.join(".cache").join("tidemill")))
}

/// Makes a folder that nobody else can open, where there is none.
pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// What is to be done about `error`, to be said behind it; nothing where the error says it.
pub(crate) fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room there, then start again",
        io::ErrorKind::ReadOnlyFilesystem => "; let the disk be written to, then start again",
        // The error of a device has no kind of its own.
        _ if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
            "; look at the disk, then start again"
        }
        _ => "",
    }
}

/// Makes the names in `directory` survive a crash.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
