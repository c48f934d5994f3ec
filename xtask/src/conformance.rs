//! `cargo xtask conformance`: what Spark's own tests expect, on the engine and through real plugins.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::plugins;
use crate::workspace::Workspace;
use tidemill_toolchain::step;

/// Run the conformance cases, and print what passed, what failed, and what doesn't apply and why.
#[derive(clap::Args)]
pub struct Args {
    /// The folder of cases, files *.json [default: tests/conformance]
    folder: Option<PathBuf>,
}

/// Builds plugins and harness and runs all cases; fails where one of them does.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    plugins::build_all(workspace)?;
    let ours = workspace.root().join("tests").join("conformance");
    let folder = match &args.folder {
        Some(folder) => std::env::current_dir()?.join(folder),
        None => ours.clone(),
    };
    workspace.build_programs()?;
    let mut harness = Command::new(workspace.program("conformance"));
    harness.arg(folder).arg("--plugins").arg(workspace.plugin_dir());
    harness.arg("--exceptions").arg(ours.join("exceptions.toml"));
    if !step::status(&mut harness)?.success() {
        std::process::exit(1);
    }
    Ok(())
}
