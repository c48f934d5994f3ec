//! The word count, from a file to nowhere: with Wasm operators, with native ones, and written by hand.
//!
//! Each kind runs twice in a turn, and the second run counts: the first one finds caches and memory as another kind left
//! them, which a program that runs for days never does.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tidemill::context::{BatchReport, RunOptions, StreamingContext};
use tidemill::plugin::{Engine, EngineOptions, PluginSpec};
use tidemill::source::{Directory, Extent};

use crate::figures::{Figures, Goal, median};
use crate::{hand, input, native};

/// Measures all of it with `num_lines` lines, in `turns` turns.
pub fn measure(figures: &mut Figures, folder: &Path, num_lines: u64, turns: usize) -> Result<()> {
    let input = input::make(folder, num_lines)?;
    let file = input.join("lines.txt");
    let engine = Engine::new(&EngineOptions::from_env())?;
    let (words, _) = hand::count(&file, 2)?;
    ensure!(words == num_lines as i64 * i64::from(input::WORDS), "the input has {words} words");
    let run = |operators, num_workers| pipeline(&input, &engine, operators, num_workers);
    let kinds: [&dyn Fn() -> Result<Duration>; 6] = [
        &|| run(Operators::Wasm, 1),
        &|| run(Operators::Wasm, 2),
        &|| run(Operators::Native, 1),
        &|| run(Operators::Native, 2),
        &|| by_hand(&file, 1),
        &|| by_hand(&file, 2),
    ];
    let [wasm_1, wasm_2, native_1, native_2, hand_1, hand_2] = medians(kinds, turns)?;
    let words = words as f64;
    figures.add("wordcount.rows_per_s", num_lines as f64 / wasm_2, "lines/s", None);
    figures.add("wordcount.words_per_s", words / wasm_2, "words/s", None);
    figures.add("wordcount.words_per_s_1_worker", words / wasm_1, "words/s", None);
    figures.add("wordcount.native_words_per_s", words / native_2, "words/s", None);
    figures.add("wordcount.hand_words_per_s", words / hand_2, "words/s", None);
    figures.add("wordcount.wasm_over_native", native_2 / wasm_2, "", Some(Goal::AtLeast(0.8)));
    figures.add("wordcount.wasm_over_native_1_worker", native_1 / wasm_1, "", None);
    figures.add("wordcount.wasm_over_hand", hand_2 / wasm_2, "", Some(Goal::AtLeast(0.6)));
    figures.add("wordcount.wasm_over_hand_1_worker", hand_1 / wasm_1, "", None);
    figures.add("wordcount.two_workers_over_one", wasm_1 / wasm_2, "", Some(Goal::AtLeast(1.7)));
    figures.add("wordcount.hand_two_threads_over_one", hand_1 / hand_2, "", None);
    Ok(())
}

/// Measures the same with words that all differ, the worst that can happen to a table of keys.
pub fn measure_distinct(figures: &mut Figures, folder: &Path, num_lines: u64, turns: usize) -> Result<()> {
    let input = input::make_distinct(folder, num_lines)?;
    let file = input.join("lines.txt");
    let engine = Engine::new(&EngineOptions::from_env())?;
    let (words, num_different) = hand::count(&file, 2)?;
    ensure!(num_different as i64 == words, "of {words} words only {num_different} differ");
    let kinds: [&dyn Fn() -> Result<Duration>; 2] =
        [&|| pipeline(&input, &engine, Operators::Wasm, 2), &|| by_hand(&file, 2)];
    let [wasm, hand] = medians(kinds, turns)?;
    figures.add("distinct.words_per_s", words as f64 / wasm, "words/s", None);
    figures.add("distinct.wasm_over_hand", hand / wasm, "", None);
    Ok(())
}

/// The seconds that each of `kinds` takes, of `turns` turns.
fn medians<const N: usize>(kinds: [&dyn Fn() -> Result<Duration>; N], turns: usize) -> Result<[f64; N]> {
    let mut seconds = [const { Vec::new() }; N];
    for _ in 0..turns.max(1) {
        for (kind, seconds) in kinds.iter().zip(&mut seconds) {
            kind()?;
            seconds.push(kind()?.as_secs_f64());
        }
    }
    Ok(seconds.map(median))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operators {
    Wasm,
    Native,
}

/// The path of a plugin of the workspace.
pub fn plugin(name: &str) -> Result<PathBuf> {
    let target = std::env::current_exe()?;
    let folder = target.ancestors().nth(2).context("the target folder is not where it should be")?;
    let path = folder.join("plugins").join(format!("{name}.wasm"));
    ensure!(path.exists(), "{} isn't there; run `cargo xtask plugins`", path.display());
    Ok(path)
}

/// The time that the batches of a run took.
fn pipeline(input: &Path, engine: &Engine, operators: Operators, num_workers: usize) -> Result<Duration> {
    let took = Arc::new(Mutex::new(Duration::ZERO));
    let mut context = StreamingContext::new("wordcount", Duration::from_secs(1))?;
    context.engine(engine).workers(NonZeroUsize::new(num_workers).context("no workers")?);
    let (split, sum) = match operators {
        Operators::Wasm => (
            context.plugin("split_words", PluginSpec::new(plugin("split_words")?)),
            context.plugin("sum", PluginSpec::new(plugin("sum")?)),
        ),
        Operators::Native => (
            context.native_plugin("split_words", native::split_words()),
            context.native_plugin("sum", native::sum()),
        ),
    };
    let lines = context.text_files("lines", Directory::new(input));
    let words = context.transform("words", &lines, &split);
    let counts = context.reduce_by_key("counts", &words, &["word"], &sum);
    context.discard("nowhere", &counts);
    let total = Arc::clone(&took);
    context.listener(move |report: &BatchReport| {
        if let Ok(mut total) = total.lock() {
            *total += report.processing_time;
        }
    });
    context.start(&RunOptions { extent: Extent::Available, ..RunOptions::default() })?.await_termination()?;
    let took = took.lock().map_err(|_| anyhow::anyhow!("the listener panicked"))?;
    Ok(*took)
}

fn by_hand(file: &Path, num_threads: usize) -> Result<Duration> {
    let begun = Instant::now();
    std::hint::black_box(hand::count(file, num_threads)?);
    Ok(begun.elapsed())
}
