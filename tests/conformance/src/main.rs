//! Runs the conformance cases of a folder; `cargo xtask conformance` calls it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use conformance::{Exceptions, Harness, Report, read_folder};

/// Runs the cases of all files *.json in a folder, and prints what became of them.
#[derive(Parser)]
struct Args {
    /// The folder of cases
    folder: PathBuf,
    /// The folder of built plugins
    #[arg(long)]
    plugins: PathBuf,
    /// The list of cases that are not asked of the engine
    #[arg(long)]
    exceptions: PathBuf,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let files = read_folder(&args.folder)?;
    let exceptions = Exceptions::read(&args.exceptions)?;
    let cache = tempfile::tempdir()?;
    let harness = Harness::new(&args.plugins, Some(cache.path().to_owned()))?;
    let report = Report::run(&files, &harness, &exceptions);
    println!("{report}");
    Ok(if report.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
