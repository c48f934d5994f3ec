//! The programs of a PostgreSQL server, which tests start for themselves: found, or installed from Debian's archive.
//!
//! Debian would make and start a server for everybody with the package; that is held back.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use tidemill_toolchain::apt::{self, Root};
use tidemill_toolchain::step;

/// Where Debian puts them, below the version.
const FOLDER: &str = "/usr/lib/postgresql";

/// What tells the package not to make a server.
const SETTING: &str = "/etc/postgresql-common/createcluster.d/tidemill.conf";

/// The one command that helps.
const REMEDY: &str = "sudo apt-get install --no-install-recommends postgresql";

/// Finds the programs, or installs them.
pub fn find_or_install() -> Result<()> {
    if find().is_some() {
        return Ok(());
    }
    if let Some(root) = Root::find()
        && let Err(error) = install(&root)
    {
        eprintln!("    {error:#}");
    }
    match find() {
        Some(_) => Ok(()),
        None => {
            bail!("the tests need a PostgreSQL server and there is none here; install it with `{REMEDY}`")
        }
    }
}

/// The folder of the programs.
fn find() -> Option<PathBuf> {
    let versions = fs::read_dir(FOLDER).ok()?;
    let mut folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.find(|folder| folder.join("initdb").exists())
}

fn install(root: &Root) -> Result<()> {
    let was_there = Path::new(SETTING).exists();
    if !was_there {
        let write = format!("mkdir -p $(dirname {SETTING}) && echo create_main_cluster = false > {SETTING}");
        step::run(root.command("sh").args(["-c", &write]))?;
    }
    let installed = apt::install(root, &["postgresql"], "for the tests of the sink `postgres`");
    if !was_there {
        step::run(root.command("rm").args(["-f", SETTING]))?;
    }
    installed
}
