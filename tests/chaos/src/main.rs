//! `chaos`: the check as a program, which `cargo xtask chaos` builds and runs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use chaos::{Extent, Options, run};
use clap::Parser;

/// Kill a pipeline at random while it is fed, and count what comes of it.
#[derive(Parser)]
struct Args {
    /// The program
    #[arg(long)]
    program: PathBuf,
    /// The folder of its plugins
    #[arg(long)]
    plugins: PathBuf,
    /// How often to kill it, 50 to 2,000 ms after each start
    #[arg(long, default_value_t = 20, conflicts_with = "time")]
    cycles: u32,
    /// Which times to kill at; a new one each time where none is given
    #[arg(long)]
    seed: Option<u64>,
    /// Soak: so long, with a kill every 20 to 60 s, and an eye on memory and disk
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    time: Option<Duration>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("seed {seed}");
    match kill(&args, seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: seed {seed}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn kill(args: &Args, seed: u64) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let options = Options {
        program: args.program.clone(),
        plugins: args.plugins.clone(),
        cache: None,
        folder: folder.path().to_owned(),
        extent: args.time.map_or(Extent::Cycles(args.cycles), Extent::Soak),
        seed,
    };
    let report = run(&options, &|progress| eprintln!("{progress}")).inspect_err(|_| {
        // What is there is needed to find out why.
        eprintln!("what is left is in {}", folder.path().display());
    });
    if report.is_err() {
        let _kept = folder.keep();
    }
    let report = report?;
    println!(
        "{} kills: {} records of frames and files came out once each, in files, SQLite and PostgreSQL; {} lines of plain \
         connections too, and {} were on their way when it was killed; {} keys have the minimum, maximum, sum and count \
         that they should have",
        report.num_kills, report.num_exact, report.num_lines, report.num_lines_lost, report.num_keys
    );
    report.soak.into_iter().for_each(|told| println!("{told}"));
    Ok(())
}
