//! The input of the word count: lines of eight words over a Zipf vocabulary, in a file.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tidemill::context::{RunOptions, StreamingContext};
use tidemill::sink::Files;
use tidemill::source::{Extent, Generate};

/// How many words a line has.
pub const WORDS: u32 = 8;
/// How many different words there are.
pub const VOCABULARY: u32 = 100_000;

/// A folder in `folder` with one file of `num_lines` lines, made by tidemill itself.
pub fn make(folder: &Path, num_lines: u64) -> Result<PathBuf> {
    let made = folder.join("made");
    fs::create_dir_all(&made)?;
    let mut context = StreamingContext::new("input", Duration::from_millis(1))?;
    let options = Generate {
        rows: Some(num_lines),
        words: WORDS,
        vocabulary: VOCABULARY,
        seed: 1,
        ..Generate::default()
    };
    let lines = context.generate("lines", options);
    context.files("made", &lines, Files::new(made.join("lines")));
    context.start(&RunOptions { extent: Extent::Available, ..RunOptions::default() })?.await_termination()?;
    let input = folder.join("input");
    fs::create_dir_all(&input)?;
    let mut file = File::create(input.join("lines.txt")).context("cannot make the input file")?;
    for batch in sorted(&made)? {
        for part in sorted(&batch)? {
            file.write_all(&fs::read(part)?)?;
        }
    }
    fs::remove_dir_all(made)?;
    Ok(input)
}

/// A folder in `folder` with one file of `num_lines` lines in which no word comes twice.
pub fn make_distinct(folder: &Path, num_lines: u64) -> Result<PathBuf> {
    let input = folder.join("distinct");
    fs::create_dir_all(&input)?;
    let mut file =
        BufWriter::new(File::create(input.join("lines.txt")).context("cannot make the input file")?);
    for line in 0..num_lines as u32 {
        // An odd factor gives different numbers different products, in no order.
        let word = |i: u32| format!("{:08x}", (line * WORDS + i).wrapping_mul(0x9e37_79b1));
        writeln!(file, "{}", (0..WORDS).map(word).collect::<Vec<_>>().join(" "))?;
    }
    file.flush()?;
    Ok(input)
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}
