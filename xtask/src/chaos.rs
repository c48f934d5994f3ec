//! `cargo xtask chaos`: the real program killed at random while it is fed, and what came of it counted.

use std::process::Command;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{plugins, postgres};
use tidemill_toolchain::step;

/// Kill a pipeline at random while senders push records, and count what came of them: none lost, none twice.
///
/// Installs PostgreSQL where it is missing, on Debian; a server of its own runs meanwhile. Prints the seed, which kills at
/// the same times again. What it counts is told in `tests/chaos/src/lib.rs`.
#[derive(clap::Args)]
pub struct Args {
    /// How often to kill it, 50 to 2,000 ms after each start [default: 20]
    #[arg(long)]
    cycles: Option<u32>,
    /// Which times to kill at; a new one each time where none is given
    #[arg(long)]
    seed: Option<u64>,
    /// Soak: so long, such as 30m, with a kill every 20 to 60 s; memory and disk have to stay flat
    #[arg(long = "for", value_name = "TIME", conflicts_with = "cycles")]
    time: Option<String>,
}

/// Builds plugins, program and harness, and lets it kill.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    plugins::build_all(workspace)?;
    postgres::find_or_install()?;
    workspace.build_programs()?;
    let mut harness = Command::new(workspace.program("chaos"));
    harness.arg("--program").arg(workspace.program("tidemill"));
    harness.arg("--plugins").arg(workspace.plugin_dir());
    for (name, value) in [
        ("--cycles", args.cycles.map(|cycles| cycles.to_string())),
        ("--seed", args.seed.map(|seed| seed.to_string())),
        ("--for", args.time.clone()),
    ] {
        if let Some(value) = value {
            harness.arg(name).arg(value);
        }
    }
    if !step::status(&mut harness)?.success() {
        std::process::exit(1);
    }
    Ok(())
}
