//! What a language costs: size of a component, time to compile it and to make an instance, a word, a row, memory.
//!
//! The plugins are the word count as one writes it in the language, on rows. Those in Rust are members of the workspace;
//! the others are built here, with tools that are fetched where they are missing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use arrow::array::{Array, ArrayRef};
use tidemill::metrics::Metrics;
use tidemill::plugin::{Engine, EngineOptions, Plugin, PluginSpec, WasmPlugin};
use tidemill::project::{Install, build};
use tidemill::record::line_schema;

use crate::figures::{Figures, median};
use crate::sandbox::{self, Values};
use crate::wordcount;

/// Instances made in a turn.
const INSTANCES: u32 = 20;

/// Measures each language, in `turns` turns.
pub fn measure(figures: &mut Figures, folder: &Path, turns: usize) -> Result<()> {
    let rust = Parts { split: wordcount::plugin("words_by_row")?, sum: wordcount::plugin("sum_by_row")? };
    measure_one(figures, "rust", &rust, turns)?;
    for language in ["python", "js", "go", "c", "cpp", "zig", "assemblyscript"] {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("languages").join(language);
        let output = folder.join(format!("{language}.wasm"));
        build(&project, Some(&output), Install::Missing)?;
        measure_one(figures, language, &Parts { split: output.clone(), sum: output }, turns)?;
    }
    Ok(())
}

/// The files of one language.
struct Parts {
    split: PathBuf,
    sum: PathBuf,
}

fn measure_one(figures: &mut Figures, language: &str, parts: &Parts, turns: usize) -> Result<()> {
    let engine = Engine::new(&EngineOptions::default())?;
    let load =
        |path: &PathBuf| WasmPlugin::load(&engine, "bench", &PluginSpec::new(path), &Metrics::new("bench"));
    let begun = Instant::now();
    let split = load(&parts.split)?;
    let compile = begun.elapsed();
    let sum = load(&parts.sum)?;
    let (lines, values) = (sandbox::lines(), Values::new()?);
    let [mut open, mut word, mut row] = [const { Vec::new() }; 3];
    for _ in 0..turns.max(1) {
        open.push(open_time(&split)?.as_secs_f64() * 1e3);
        word.push(sandbox::split_nanos(&split, &lines)?);
        row.push(values.sum_nanos(&sum)?);
    }
    // Last, because what compiling needed goes back to the system only by and by.
    let memory = memory(&split, &lines)?;
    let mut add =
        |name: &str, value: f64, unit| figures.add(format!("languages.{language}.{name}"), value, unit, None);
    add("size_kb", split.file_bytes() as f64 / 1e3, "kB");
    add("compile_ms", compile.as_secs_f64() * 1e3, "ms");
    add("instance_ms", median(open), "ms");
    add("split_ns_a_word", median(word), "ns");
    add("reduce_ns_a_row", median(row), "ns");
    add("memory_mib", memory, "MiB");
    Ok(())
}

/// How long it takes to make an instance and open it.
fn open_time(plugin: &dyn Plugin) -> Result<Duration> {
    let begun = Instant::now();
    for _ in 0..INSTANCES {
        plugin.transformer("words", &line_schema())?;
    }
    Ok(begun.elapsed() / INSTANCES)
}

/// What an instance keeps in memory once it has split `lines`, in MiB: of several that live at the same time.
fn memory(plugin: &dyn Plugin, lines: &ArrayRef) -> Result<f64> {
    let before = resident_kib()?;
    let mut live = Vec::new();
    for _ in 0..INSTANCES {
        let mut transformer = plugin.transformer("words", &line_schema())?;
        transformer.process(&sandbox::CALL, std::slice::from_ref(lines), lines.len())?;
        live.push(transformer);
    }
    let kib = resident_kib()?.saturating_sub(before);
    Ok(kib as f64 / 1024.0 / f64::from(INSTANCES))
}

/// The memory of this process.
fn resident_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("there is no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
