//! Writes files of orders into a folder that a pipeline watches.
//!
//! Each file is written aside and renamed, so that a reader sees it whole or not at all. What the files
//! hold follows from the seed; when they appear follows from `--every`.

mod order;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};
use clap::Parser;

use crate::order::Orders;

/// Write files of orders, a few lines of them broken, into a folder.
#[derive(Parser)]
struct Args {
    /// What decides every order
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many files
    #[arg(long, default_value_t = 5)]
    files: u32,
    /// How many lines a file has
    #[arg(long, default_value_t = 200)]
    rows: u32,
    /// How long to wait between files, as `500ms`
    #[arg(long, default_value = "0s")]
    every: humantime::Duration,
    /// Where the files go; it is made if it is not there
    dir: PathBuf,
}

fn main() -> Result<()> {
    let args = Args::parse();
    fs::create_dir_all(&args.dir).with_context(|| format!("cannot create {}", args.dir.display()))?;
    let mut orders = Orders::new(args.seed);
    for number in 1..=args.files {
        if number > 1 {
            thread::sleep(*args.every);
        }
        let lines: String = orders.by_ref().take(args.rows as usize).collect();
        let file = publish(&args.dir, &format!("orders-{}-{number:04}.csv", args.seed), &lines)?;
        println!("{}  {} lines", file.display(), args.rows);
    }
    Ok(())
}

/// Writes a file under another name, which no glob for `*.csv` finds, and then gives it its own.
fn publish(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let aside = folder.join(format!(".{name}.part"));
    let file = folder.join(name);
    fs::write(&aside, text).with_context(|| format!("cannot write {}", aside.display()))?;
    fs::rename(&aside, &file).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}
