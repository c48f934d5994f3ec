//! Where a project's SDK is: beside it or above it, or unpacked from the program.
//!
//! An SDK is a slice of the repository, with the paths that files have there: `wit/`, `plugins/python/` and so on.
//! So a project inside the repository is built with the repository itself.

use std::fs;
use std::path::{Path, PathBuf};

use super::embedded::files_in;
use super::{Language, ProjectError, file, tools};

/// The folder of the SDK beside a project.
pub(super) const FOLDER: &str = "sdk";

/// The SDK nearest to the folder `project`: `sdk` in it or in a folder above, or the repository that it is in.
pub(super) fn find(project: &Path) -> Option<PathBuf> {
    let is_sdk = |folder: &PathBuf| folder.join("wit/worlds.wit").is_file();
    project
        .ancestors()
        .find_map(|folder| [folder.join(FOLDER), folder.to_path_buf()].into_iter().find(is_sdk))
}

/// The SDK of a language in the folder of tools, written there where it isn't yet.
pub(super) fn unpack(language: &dyn Language) -> Result<PathBuf, ProjectError> {
    let folder = tools::folder()?.join(format!("sdk-{}-{}", env!("CARGO_PKG_VERSION"), language.name()));
    write(language, &folder)?;
    Ok(folder)
}

/// Writes the contract and the SDK of a language into `folder`.
pub(super) fn write(language: &dyn Language, folder: &Path) -> Result<(), ProjectError> {
    let roots = [("wit", "wit")].into_iter().chain(language.sdk().iter().copied());
    for (root, goal) in roots {
        for (path, text) in files_in(root) {
            let goal = if path.is_empty() { folder.join(goal) } else { folder.join(goal).join(path) };
            write_file(&goal, text)?;
        }
    }
    write_file(&folder.join("VERSION"), concat!(env!("CARGO_PKG_VERSION"), "\n"))
}

/// Writes a file, and the folder that it is in.
pub(super) fn write_file(path: &Path, text: &str) -> Result<(), ProjectError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(file("make", folder))?;
    }
    fs::write(path, text).map_err(file("write", path))
}
