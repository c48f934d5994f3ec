//! `tidemill run`: a pipeline from its manifest, until it ends or is stopped by a signal.

use std::sync::Arc;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::args::RunArgs;
use super::screen::{LiveListener, Screen};
use super::{End, FAILED, engine};
use crate::batch::SystemClock;
use crate::context::{Control, Listener, RunError, RunOptions, StartError, StopMode, start};
use crate::manifest::{Fault, Manifest, Place};
use crate::source::{Extent, SourceError};

pub(super) fn run(args: &RunArgs, screen: &Screen) -> Result<(), End> {
    let manifest = Manifest::read(&args.manifest)?;
    let explain = manifest.explainer();
    let pipeline = Arc::new(manifest.pipeline);
    let prints = pipeline.sinks.values().any(|output| output.sink.kind() == "console");
    let listeners: Vec<Box<dyn Listener>> = vec![Box::new(LiveListener::new(screen, prints))];
    let engine = engine()?;
    let running = match start(&pipeline, &options(args), &engine, Arc::new(SystemClock), listeners) {
        Ok(running) => running,
        Err(StartError::Wrong(fault)) => return Err(End::wrong(explain(&fault))),
        Err(StartError::Failed(RunError::Source { name, error: SourceError::Option(problem) })) => {
            let fault = Fault::from_message(Place::item(format!("sources.{name}")), &problem);
            return Err(End::wrong(explain(&fault)));
        }
        Err(StartError::Failed(RunError::Checkpoint(error))) => return Err(error.into()),
        Err(error) => return Err(End::failed(error)),
    };
    tracing::info!(pipeline = %pipeline.name, interval_ms = pipeline.interval.millis(), "running");
    if pipeline.checkpoint.is_none() {
        tracing::info!("there is no checkpoint: nothing survives a restart");
    }
    screen.show(pipeline.interval);
    stop_on_signals(&running.control())
        .map_err(|error| End::failed(format!("cannot listen for signals: {error}")))?;
    let ended = running.await_termination();
    screen.clear();
    let summary = ended.map_err(End::failed)?;
    tracing::info!(
        batches = summary.num_batches,
        rows = summary.num_rows_in,
        dead_letters = summary.num_dead_letters,
        "stopped"
    );
    Ok(())
}

fn options(args: &RunArgs) -> RunOptions {
    RunOptions {
        extent: if args.once { Extent::Available } else { Extent::Endless },
        batches: args.batches.map(u64::from),
        duration: args.duration.map(|period| period.0),
        workers: args.workers,
        beside: None,
        drop_state: args.drop_state.clone(),
        new_plugins: args.new_plugins,
        metrics_file: args.metrics_file.clone(),
    }
}

/// The first signal asks the pipeline to stop, the second ends the process.
pub(super) fn stop_on_signals(control: &Control) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let control = control.clone();
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for _ in signals.forever() {
            if control.asked().is_some() {
                eprintln!("\nerror: ended at once, by a second signal");
                std::process::exit(i32::from(FAILED));
            }
            tracing::info!("stopping: what was received is processed first; a second signal ends at once");
            control.stop(StopMode::Graceful);
        }
    })?;
    Ok(())
}
