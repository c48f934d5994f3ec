//! The operator that instances work for: its name, its ration of the log, and what is measured of it.
//!
//! All instances of an operator share one caller, whichever worker they are on, so that limits and counts are an
//! operator's and not an instance's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tracing::level_filters::LevelFilter;

use super::limits::Limits;
use super::ration::Ration;
use super::voice::Level;
use crate::metrics::{Metrics, OperatorMetrics};
use crate::record::BatchTime;

/// One operator that calls a plugin.
pub(super) struct Caller {
    pub(super) pipeline: String,
    pub(super) stream: String,
    pub(super) plugin: String,
    pub(super) metrics: OperatorMetrics,
    pub(super) limits: Limits,
    ration: Mutex<Ration>,
}

impl Caller {
    fn new(metrics: &Metrics, stream: &str, plugin: &str, limits: &Limits) -> Self {
        Self {
            pipeline: metrics.pipeline().to_owned(),
            stream: stream.to_owned(),
            plugin: plugin.to_owned(),
            metrics: metrics.operator(stream, plugin),
            limits: *limits,
            ration: Mutex::new(Ration::new(limits.log_rate.as_usize(), Instant::now())),
        }
    }

    /// Logs a line of the plugin, or counts it as dropped. A line that nobody would see costs nothing.
    pub(super) fn log(&self, level: Level, batch: Option<BatchTime>, line: &str) {
        if LevelFilter::current() < level {
            return;
        }
        let spent = self.ration().spend(line.len() + 1, Instant::now());
        let (pipeline, stream, plugin) = (&*self.pipeline, &*self.stream, &*self.plugin);
        if let Some(lines) = spent.dropped_before {
            tracing::warn!(pipeline, stream, plugin, lines, "{DROPPED}");
        }
        if !spent.is_granted {
            self.metrics.line_dropped();
            return;
        }
        let batch = batch.map(tracing::field::display);
        match level {
            Level::TRACE => tracing::trace!(pipeline, stream, plugin, batch, "{line}"),
            Level::DEBUG => tracing::debug!(pipeline, stream, plugin, batch, "{line}"),
            Level::INFO => tracing::info!(pipeline, stream, plugin, batch, "{line}"),
            Level::WARN => tracing::warn!(pipeline, stream, plugin, batch, "{line}"),
            Level::ERROR => tracing::error!(pipeline, stream, plugin, batch, "{line}"),
        }
    }

    fn ration(&self) -> std::sync::MutexGuard<'_, Ration> {
        self.ration.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const DROPPED: &str = "plugin logs too much, lines were dropped; raise `limits.log_rate` if they matter";

impl Drop for Caller {
    fn drop(&mut self) {
        let lines = self.ration().take_dropped();
        if let Some(lines) = lines {
            let (pipeline, stream, plugin) = (&*self.pipeline, &*self.stream, &*self.plugin);
            tracing::warn!(pipeline, stream, plugin, lines, "{DROPPED}");
        }
    }
}

/// The callers of one plugin, by stream.
pub(super) struct Callers {
    plugin: String,
    metrics: Metrics,
    limits: Limits,
    made: Mutex<HashMap<String, Arc<Caller>>>,
}

impl Callers {
    /// Of the plugin that the manifest calls `plugin`.
    pub(super) fn new(plugin: &str, metrics: &Metrics, limits: &Limits) -> Self {
        Self { plugin: plugin.to_owned(), metrics: metrics.clone(), limits: *limits, made: Mutex::default() }
    }

    /// The caller that makes `stream`.
    pub(super) fn get(&self, stream: &str) -> Arc<Caller> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(caller) = made.get(stream) {
            return Arc::clone(caller);
        }
        let caller = Arc::new(Caller::new(&self.metrics, stream, &self.plugin, &self.limits));
        made.insert(stream.to_owned(), Arc::clone(&caller));
        caller
    }
}
