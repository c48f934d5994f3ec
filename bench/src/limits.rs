//! What limits cost: the word split with code that looks at its deadline at each function and loop, and without.

use anyhow::Result;
use tidemill::plugin::{Engine, EngineOptions};

use crate::figures::{Figures, median};
use crate::sandbox::{lines, load, split_nanos};

/// Measures both in `turns` turns.
pub fn measure(figures: &mut Figures, turns: usize) -> Result<()> {
    let options = EngineOptions::from_env();
    let limited = load(&Engine::new(&options)?, "split_words")?;
    let options = EngineOptions { without_time_limits: true, ..options };
    let unlimited = load(&Engine::new(&options)?, "split_words")?;
    let lines = lines();
    let (mut on, mut off, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..turns.max(1) {
        // The ratio is of runs that followed each other at once.
        let turn = (split_nanos(&limited, &lines)?, split_nanos(&unlimited, &lines)?);
        on.push(turn.0);
        off.push(turn.1);
        ratios.push(turn.0 / turn.1);
    }
    let (on, off) = (median(on), median(off));
    figures.add("limits.split_ns_a_word", on, "ns", None);
    figures.add("limits.split_without_ns_a_word", off, "ns", None);
    figures.add("limits.epochs_ns_a_word", on - off, "ns", None);
    figures.add("limits.on_over_off", median(ratios), "", None);
    Ok(())
}
