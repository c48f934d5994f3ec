//! `cargo xtask bench`: the benchmark harness, on plugins and a host built for speed.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;

use crate::plugins;
use crate::workspace::Workspace;
use tidemill_toolchain::step::{run as run_command, step};

/// Measure throughput, latency, start and memory, and print a table.
#[derive(clap::Args)]
pub struct Args {
    /// Write the figures as one JSON object to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// More for the harness; `cargo xtask bench -- --help` lists what it takes
    #[arg(last = true)]
    rest: Vec<OsString>,
}

/// Builds the plugins and runs the harness in the folder the user is in.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    plugins::build_all(workspace)?;
    let mut harness = workspace.cargo();
    harness.current_dir(std::env::current_dir()?);
    harness.arg("run").arg("--manifest-path").arg(workspace.root().join("Cargo.toml"));
    harness.args(["--release", "--package", "tidemill-bench", "--"]);
    if let Some(json) = &args.json {
        harness.arg("--json").arg(json);
    }
    harness.args(&args.rest);
    step("building and running the benchmarks (a release build; the first takes minutes)", || {
        run_command(&mut harness)
    })
}
