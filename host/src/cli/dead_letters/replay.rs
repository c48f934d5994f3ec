//! `tidemill dead-letters replay`: letters through their operator once more.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use crate::batch::SystemClock;
use crate::cli::run::obey_signals;
use crate::cli::screen::Screen;
use crate::cli::{End, engine, print};
use crate::context::{Replay, ReplayError, StartError};
use crate::dead_letters::Selection;
use crate::manifest::{Fault, Manifest};
use crate::plugin::Engine;
use crate::source::Tally;

/// Replays the letters of `operator` that `selection` means, or with `dry_run` says what would be.
pub(super) fn replay(
    path: &Path,
    operator: &str,
    selection: &Selection,
    dry_run: bool,
    screen: &Screen,
) -> Result<(), End> {
    let manifest = Manifest::read(path)?;
    let explain = manifest.explainer();
    let engine = engine()?;
    let replay = Replay::open(manifest.pipeline, operator, selection, &engine);
    let replay = replay.map_err(|error| end(error, &explain))?;
    if dry_run {
        let tally = replay.rehearse().map_err(|error| end(error, &explain))?;
        return print(&plan(operator, &replay, &tally));
    }
    if replay.num_letters() == 0 {
        return print(&format!("There are no dead letters of `{operator}` to replay.\n"));
    }
    run(&replay, operator, &engine, &explain, screen)
}

fn run(
    replay: &Replay,
    operator: &str,
    engine: &Engine,
    explain: &dyn Fn(&Fault) -> String,
    screen: &Screen,
) -> Result<(), End> {
    let running = replay.start(engine, Arc::new(SystemClock), Vec::new());
    let running = running.map_err(|error| match error {
        StartError::Wrong(fault) => End::wrong(explain(&fault)),
        error => End::failed(error),
    })?;
    obey_signals(&running.control(), None)
        .map_err(|error| End::failed(format!("cannot listen for signals: {error}")))?;
    let ended = replay.await_termination(running);
    screen.clear();
    let (summary, tally) = ended.map_err(End::failed)?;
    for misfit in &tally.misfits {
        tracing::warn!(operator, "not replayed: {misfit}");
    }
    tracing::info!(
        operator,
        letters = tally.num_rows,
        dead_again = summary.num_dead_letters,
        left = replay.num_letters().saturating_sub(tally.num_rows),
        "replayed"
    );
    Ok(())
}

fn end(error: ReplayError, explain: &dyn Fn(&Fault) -> String) -> End {
    match error {
        ReplayError::Wrong(fault) => End::wrong(explain(&fault)),
        ReplayError::Part(_) | ReplayError::NotKept => End::wrong(error),
        error => End::failed(error),
    }
}

/// What a replay would do.
fn plan(operator: &str, replay: &Replay, tally: &Tally) -> String {
    let names = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<_>>().join(", ");
    let part = replay.pipeline();
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = writeln!(
        out,
        "Of {} dead letters of `{operator}`, {} would be replayed.",
        replay.num_letters(),
        tally.num_rows
    );
    let _ = writeln!(out, "streams: {}", names(part.streams.keys().collect()));
    let _ = writeln!(out, "sinks: {}", names(part.sinks.keys().collect()));
    for misfit in &tally.misfits {
        let _ = writeln!(out, "does not fit: {misfit}");
    }
    let num_more = tally.num_misfits.saturating_sub(tally.misfits.len() as u64);
    if num_more > 0 {
        let _ = writeln!(out, "{num_more} more do not fit");
    }
    let num_without_input = replay.num_letters().saturating_sub(tally.num_rows + tally.num_misfits);
    if num_without_input > 0 {
        let _ = writeln!(out, "{num_without_input} do not say which of the operator's inputs they are of");
    }
    out
}
