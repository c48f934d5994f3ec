//! `tidemill run`: a pipeline from its manifest, until it ends or is stopped by a signal.

use std::sync::{Arc, Weak};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::args::RunArgs;
use super::screen::{LiveListener, Screen};
use super::{End, FAILED, engine};
use crate::batch::SystemClock;
use crate::context::swap::{Reloaded, Reloader};
use crate::context::{Control, Listener, RunError, RunOptions, RunningContext, StartError, StopMode, start};
use crate::control::{Advertised, Progress, Server, Settings, Token};
use crate::manifest::{Fault, Manifest, Pipeline, Place};
use crate::source::{Extent, SourceError};

pub(super) fn run(args: &RunArgs, screen: &Screen) -> Result<(), End> {
    let manifest = Manifest::read(&args.manifest)?;
    let (explain, outline) = (manifest.explainer(), manifest.outline.clone());
    let pipeline = Arc::new(manifest.pipeline);
    let prints = pipeline.sinks.values().any(|output| output.sink.kind() == "console");
    let progress = Progress::default();
    let listeners: Vec<Box<dyn Listener>> =
        vec![Box::new(LiveListener::new(screen, prints)), Box::new(progress.clone())];
    let control = args.control.or(pipeline.control);
    let control = control.map(|address| Settings::new(address, Token::from_env()?)).transpose();
    let control = control.map_err(End::wrong)?;
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
    let reloader = Arc::new(Reloader::new(&args.manifest, outline, running.swapper()));
    obey_signals(&running.control(), Some(Arc::downgrade(&reloader)))
        .map_err(|error| End::failed(format!("cannot listen for signals: {error}")))?;
    tracing::info!(pipeline = %pipeline.name, interval_ms = pipeline.interval.millis(), "running");
    if pipeline.checkpoint.is_none() {
        tracing::info!("there is no checkpoint: nothing survives a restart");
    }
    let _listening =
        control.map(|settings| listen(settings, &running, progress, &reloader, &pipeline)).transpose()?;
    screen.show(pipeline.interval);
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

/// Answers for `running` until what it answers is dropped, and says where.
fn listen(
    settings: Settings,
    running: &RunningContext,
    progress: Progress,
    reloader: &Reloader,
    pipeline: &Pipeline,
) -> Result<(Server, Option<Advertised>), End> {
    let server = Server::start(settings, running, progress, Some(reloader.clone())).map_err(End::failed)?;
    let address = server.address();
    let advertised = pipeline.checkpoint.as_deref().map(|checkpoint| Advertised::write(checkpoint, address));
    let advertised = advertised.transpose();
    let advertised = advertised.inspect_err(|error| {
        tracing::warn!("commands need --address, as the checkpoint can't say it: {error}")
    });
    // Whoever waits for this finds the address.
    tracing::info!(%address, "listening for control");
    Ok((server, advertised.unwrap_or_default()))
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

/// The first signal asks the pipeline to stop, the second ends the process. SIGHUP has `reloader` read the manifest again,
/// where there is one. The thread that listens outlives the run, and must not keep its plugins: they say at their end
/// what they have not said.
pub(super) fn obey_signals(control: &Control, reloader: Option<Weak<Reloader>>) -> std::io::Result<()> {
    let hang_up = reloader.is_some().then_some(SIGHUP);
    let mut signals = Signals::new([SIGINT, SIGTERM].into_iter().chain(hang_up))?;
    let control = control.clone();
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            match &reloader {
                Some(reloader) if signal == SIGHUP => reloader.upgrade().into_iter().for_each(reload),
                _ => stop(&control),
            }
        }
    })?;
    Ok(())
}

fn stop(control: &Control) {
    if control.asked().is_some() {
        eprintln!("\nerror: ended at once, by a second signal");
        std::process::exit(i32::from(FAILED));
    }
    tracing::info!("stopping: what was received is processed first; a second signal ends at once");
    control.stop(StopMode::Graceful);
}

/// Has the manifest read again on a thread beside, because a swap waits for a batch and signals don't.
fn reload(reloader: Arc<Reloader>) {
    let reloading = move || match reloader.reload() {
        Ok(Reloaded { swapped, set }) => {
            let plugins: Vec<&str> = swapped.iter().map(|swapped| swapped.plugin.as_str()).collect();
            tracing::info!(swapped = plugins.join(", "), set = set.join(", "), "read the manifest again");
        }
        Err(error) => tracing::error!("the manifest was read again, and not taken: {error}"),
    };
    if let Err(error) = std::thread::Builder::new().name("reload".into()).spawn(reloading) {
        tracing::error!("no thread to read the manifest again: {error}");
    }
}
