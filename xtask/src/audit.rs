//! `cargo xtask audit`: what is in the dependency tree, by the rules of `deny.toml`.
//!
//! Licences, bans and sources need nothing but the lock file. Advisories need a database, which is fetched; where it
//! can't be, that is said and the rest still counts.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use tidemill_toolchain::step::{self, step};

/// The version of cargo-deny that `deny.toml` is written for.
const VERSION: &str = "0.20.2";
/// Where advisories come from.
const DATABASE: &str = "https://github.com/RustSec/advisory-db";

/// Check licences, bans, sources and, where their database can be reached, advisories.
///
/// Builds cargo-deny into the target folder the first time, which takes minutes.
#[derive(clap::Args)]
pub struct Args {}

/// Runs cargo-deny.
pub fn run(workspace: &Workspace, _: &Args) -> Result<()> {
    let deny = install(workspace)?;
    step("licences, bans and sources", || {
        step::run(check(workspace, &deny).args(["licenses", "bans", "sources"]))
    })?;
    if !is_reachable() {
        eprintln!("\n==> no advisories: {DATABASE} can't be reached");
        return Ok(());
    }
    step("advisories", || step::run(check(workspace, &deny).arg("advisories")))
}

fn check(workspace: &Workspace, deny: &Path) -> Command {
    let mut command = Command::new(deny);
    // Duplicates are allowed and many: whoever wants the list runs cargo-deny without this.
    command.current_dir(workspace.root()).args(["--log-level", "error", "check"]);
    command
}

/// The program cargo-deny, built where it isn't there.
fn install(workspace: &Workspace) -> Result<PathBuf> {
    let tools = workspace.target().join("tools");
    let deny = tools.join("bin").join("cargo-deny");
    let found = Command::new(&deny).arg("--version").output();
    let is_there = found.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).split_whitespace().last() == Some(VERSION)
    });
    if !is_there {
        let mut cargo = workspace.cargo();
        // A debug build: it is built more often than it has much to do.
        cargo.args(["install", "--locked", "--debug", "--force", "--version", &format!("={VERSION}")]);
        cargo.arg("--root").arg(&tools).arg("cargo-deny").env("CARGO_TARGET_DIR", tools.join("build"));
        step(format!("building cargo-deny {VERSION}"), || step::run(&mut cargo))?;
        // Several hundred megabytes that nobody needs again.
        let _ = std::fs::remove_dir_all(tools.join("build"));
    }
    if !deny.exists() {
        bail!("cargo has not put cargo-deny into {}", tools.display());
    }
    Ok(deny)
}

/// Whether the database of advisories answers.
fn is_reachable() -> bool {
    let mut git = Command::new("git");
    git.args(["ls-remote", "--exit-code", DATABASE, "HEAD"]).env("GIT_TERMINAL_PROMPT", "0");
    git.output().is_ok_and(|output| output.status.success())
}
