//! `cargo xtask bench`: whole runs of a word count beside native ones, the cost of the sandbox a row, of limits and
//! of rows that a plugin fails on, states of ten million keys, slides of windows, joins, checkpoints, latency, swaps, start and
//! memory. Prints a table; `--json FILE` writes the figures as one object.
//!
//! Runs to be compared take turns, and medians are told, so that a machine that is busy for a while is busy
//! for all of them.

mod batches;
mod checkpoint;
mod figures;
mod hand;
mod input;
mod join;
mod languages;
mod latency;
mod limits;
mod native;
mod poison;
mod process;
mod sandbox;
mod state;
mod swap;
mod windows;
mod wordcount;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

use figures::Figures;

/// As in the `tidemill` program; the program written by hand has it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What to measure, and how long.
#[derive(Parser)]
struct Args {
    /// Write the figures to this file, as one JSON object
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Lines of the word count
    #[arg(long, default_value_t = 1_000_000)]
    lines: u64,
    /// Turns of each run; the word count has three times as many
    #[arg(long, default_value_t = 7)]
    turns: usize,
    /// Keys that have a state
    #[arg(long, default_value_t = 10_000_000)]
    keys: usize,
    /// Seconds of the latency run
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Only the groups of figures whose names contain this
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let mut figures = Figures::default();
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut group = |name: &str, measure: &dyn Fn(&mut Figures) -> Result<()>| -> Result<()> {
        if !name.contains(&args.only) {
            return Ok(());
        }
        eprintln!("measuring {name} ...");
        measure(&mut figures).with_context(|| format!("cannot measure {name}"))
    };
    // Short runs, of which ratios are told: more turns, so that medians outlast what else the machine does for a while.
    group("wordcount", &|figures| wordcount::measure(figures, folder.path(), args.lines, args.turns * 3))?;
    group("distinct", &|figures| {
        wordcount::measure_distinct(figures, folder.path(), args.lines / 4, args.turns)
    })?;
    group("sandbox", &|figures| sandbox::measure(figures, args.turns))?;
    group("languages", &|figures| languages::measure(figures, folder.path(), args.turns.min(3)))?;
    group("limits", &|figures| limits::measure(figures, args.turns))?;
    group("poison", &|figures| poison::measure(figures, args.turns))?;
    group("state", &|figures| state::measure(figures, args.keys, args.turns))?;
    group("windows", &windows::measure)?;
    group("join", &|figures| join::measure(figures, args.turns))?;
    group("checkpoint", &|figures| {
        let scale = checkpoint::Scale { lines: args.lines, keys: args.keys, seconds: args.seconds };
        checkpoint::measure(figures, folder.path(), &scale, args.turns)
    })?;
    group("latency", &|figures| latency::measure(figures, args.seconds))?;
    group("batch", &|figures| latency::measure_empty(figures))?;
    group("swap", &|figures| swap::measure(figures, folder.path()))?;
    group("process", &|figures| process::measure(figures, folder.path()))?;
    print!("{}", figures.table());
    if let Some(path) = &args.json {
        std::fs::write(path, figures.json()?).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
