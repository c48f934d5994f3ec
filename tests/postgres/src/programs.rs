//! The programs of the server, and as whom they run.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// Where Debian puts the programs, below the version.
const FOLDER: &str = "/usr/lib/postgresql";

/// The folder of the newest server's programs.
pub fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir(FOLDER).into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    let found = folders.filter(|folder| folder.join("initdb").exists()).max();
    found.with_context(|| format!("there is no PostgreSQL in {FOLDER}; `cargo xtask test` installs it"))
}

/// A command that root starts as another user, because a server refuses root.
pub fn as_unprivileged(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    if let Some((user, group)) = unprivileged() {
        command.uid(user).gid(group);
    }
    command
}

/// The ids of the user `nobody`, where this is root.
pub fn unprivileged() -> Option<(u32, u32)> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    if user.split_whitespace().nth(1) != Some("0") {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let nobody = users.lines().find_map(|line| line.strip_prefix("nobody:"))?;
    let mut fields = nobody.split(':').skip(1).map_while(|field| field.parse().ok());
    Some((fields.next()?, fields.next()?))
}
