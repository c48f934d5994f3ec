//! The metrics of a run's batches and of the states after each, and the file that they are written to where one is asked for.
//!
//! Handles are made at the start, so that every source and sink is there from the first batch, with zero. The file
//! appears whole or not at all: it is written beside and moved to its name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::report::BatchReport;
use crate::metrics::{Metrics, Rows, StateMetrics};
use crate::operator::StateView;
use crate::plan::OpenedStream;
use crate::record::{BatchTime, DeadLetter};

/// The least batch time between two writings of the file.
const REWRITE: Duration = Duration::from_secs(1);

/// The file of metrics can't be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write metrics to {}: {source}", path.display())]
pub struct MetricsFileError {
    path: PathBuf,
    source: io::Error,
}

/// What measures batches once they are published.
pub(super) struct Measured {
    metrics: Metrics,
    rows_in: Vec<Rows>,
    rows_out: Vec<Rows>,
    file: Option<MetricsFile>,
}

/// What measures the states that a batch leaves behind, before the next one changes them.
pub(super) struct Weighed {
    metrics: Metrics,
    /// What operators keep for keys, and where its size goes.
    states: Vec<(Arc<dyn StateView>, StateMetrics)>,
}

impl Weighed {
    /// Weighs what `streams` keep.
    pub(super) fn new(metrics: &Metrics, streams: &IndexMap<String, OpenedStream>) -> Self {
        let mut new = Self { metrics: metrics.clone(), states: Vec::new() };
        new.follow(streams);
        new.weigh();
        new
    }

    /// Weighs what `streams` keep from now on.
    pub(super) fn follow(&mut self, streams: &IndexMap<String, OpenedStream>) {
        let states = streams.iter().filter_map(|(name, stream)| Some((name, stream.state.as_ref()?)));
        self.states = states.map(|(name, state)| (Arc::clone(state), self.metrics.state(name))).collect();
    }

    /// Takes the sizes of states.
    pub(super) fn weigh(&self) {
        for (state, metrics) in &self.states {
            let size = state.size();
            metrics.set(size.keys, size.bytes);
        }
    }

    /// There are so many workers.
    pub(super) fn workers(&self, number: usize) {
        self.metrics.batches().set_workers(number);
    }
}

impl Measured {
    /// For sources and sinks in the order of reports. The file is written at once, to see that it can be.
    pub(super) fn open<'a>(
        metrics: &Metrics,
        sources: impl Iterator<Item = &'a String>,
        sinks: impl Iterator<Item = &'a String>,
        file: Option<&Path>,
    ) -> Result<Self, MetricsFileError> {
        let batches = metrics.batches();
        let rows_in = sources.map(|name| batches.rows_in(name)).collect();
        let rows_out = sinks.map(|name| batches.rows_out(name)).collect();
        let file = file.map(|path| MetricsFile { path: path.to_owned(), written: None, has_failed: false });
        let new = Self { metrics: metrics.clone(), rows_in, rows_out, file };
        if let Some(file) = &new.file {
            file.write(metrics)?;
        }
        Ok(new)
    }

    /// Takes a published batch in.
    pub(super) fn batch(&mut self, report: &BatchReport, dead: &[DeadLetter]) {
        let add = |rows: &[Rows], counts: &[(String, usize)]| {
            rows.iter().zip(counts).for_each(|(rows, (_, count))| rows.add(*count));
        };
        add(&self.rows_in, &report.num_input_rows);
        add(&self.rows_out, &report.num_output_rows);
        let batches = self.metrics.batches();
        for alike in dead.chunk_by(|one, next| one.origin == next.origin && one.kind == next.kind) {
            let letter = alike.first();
            letter.into_iter().for_each(|l| batches.set_aside(&l.origin, l.kind.name(), alike.len() as u64));
        }
        batches.done(report.processing_time, report.scheduling_delay, report.num_merged);
        if let Some(file) = &mut self.file {
            file.update(&self.metrics, report.time);
        }
    }

    /// Writes the file for the last time.
    pub(super) fn close(&mut self) {
        if let Some(file) = &mut self.file {
            file.rewrite(&self.metrics);
        }
    }
}

struct MetricsFile {
    path: PathBuf,
    /// The batch that it was written after.
    written: Option<BatchTime>,
    has_failed: bool,
}

impl MetricsFile {
    fn update(&mut self, metrics: &Metrics, time: BatchTime) {
        if self.written.is_none_or(|written| time.since(written) >= REWRITE) {
            self.written = Some(time);
            self.rewrite(metrics);
        }
    }

    /// A full disk is no reason to stop a pipeline. It is told once, until writing works again.
    fn rewrite(&mut self, metrics: &Metrics) {
        let written = self.write(metrics);
        let failed_before = std::mem::replace(&mut self.has_failed, written.is_err());
        if let Err(error) = written
            && !failed_before
        {
            tracing::warn!(pipeline = metrics.pipeline(), "{error}; it is tried again");
        }
    }

    fn write(&self, metrics: &Metrics) -> Result<(), MetricsFileError> {
        let mut aside = self.path.clone().into_os_string();
        aside.push(".new");
        let written = fs::write(&aside, metrics.text()).and_then(|()| fs::rename(&aside, &self.path));
        written.map_err(|source| MetricsFileError { path: self.path.clone(), source })
    }
}
