//! Batches: how many, their rows, what was set aside, how long they took and how late they began.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Source {
    source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sink {
    sink: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Letter {
    origin: String,
    kind: &'static str,
}

/// What is measured of the batches of a run.
#[derive(Debug)]
pub struct BatchMetrics {
    batches: Counter,
    merged: Counter,
    workers: Gauge,
    rate: Family<Source, Gauge<f64, AtomicU64>>,
    rows_in: Family<Source, Counter>,
    rows_out: Family<Sink, Counter>,
    dead_letters: Family<Letter, Counter>,
    processing: Histogram,
    delay: Histogram,
}

/// A count of rows.
#[derive(Clone, Debug)]
pub struct Rows(Counter);

impl Rows {
    /// So many more.
    pub fn add(&self, rows: usize) {
        self.0.inc_by(rows as u64);
    }
}

/// The rate that a source is held to.
#[derive(Clone, Debug)]
pub struct RateMetrics {
    rates: Family<Source, Gauge<f64, AtomicU64>>,
    source: Source,
}

impl RateMetrics {
    /// It is so many rows a second. Where this is never called, there is no limit to be seen.
    pub fn set(&self, rate: f64) {
        self.rates.get_or_create(&self.source).set(rate);
    }
}

impl BatchMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let new = Self {
            batches: Counter::default(),
            merged: Counter::default(),
            workers: Gauge::default(),
            rate: Family::default(),
            rows_in: Family::default(),
            rows_out: Family::default(),
            dead_letters: Family::default(),
            processing: Histogram::new(seconds()),
            delay: Histogram::new(seconds()),
        };
        registry.register("batches", "Batches processed and published", new.batches.clone());
        registry.register(
            "batches_merged",
            "Batches that were due and ran as part of the next",
            new.merged.clone(),
        );
        registry.register("workers", "Threads that work on a batch", new.workers.clone());
        registry.register("rate_limit", "Rows a second that a source may bring", new.rate.clone());
        registry.register("rows_in", "Rows that came in from a source", new.rows_in.clone());
        registry.register("rows_out", "Rows published at a sink", new.rows_out.clone());
        registry.register("dead_letters", "Rows and lines set aside", new.dead_letters.clone());
        registry.register_with_unit(
            "batch_processing",
            "Time from the cut of a batch to its last sink",
            Unit::Seconds,
            new.processing.clone(),
        );
        registry.register_with_unit(
            "batch_scheduling_delay",
            "How long after its time a batch began",
            Unit::Seconds,
            new.delay.clone(),
        );
        new
    }

    /// So many threads work on a batch.
    pub fn set_workers(&self, number: usize) {
        self.workers.set(i64::try_from(number).unwrap_or(i64::MAX));
    }

    /// The rows that come in from `source`.
    pub fn rows_in(&self, source: &str) -> Rows {
        Rows(self.rows_in.get_or_create_owned(&Source { source: source.to_owned() }))
    }

    /// The rate that `source` is held to.
    pub fn rate(&self, source: &str) -> RateMetrics {
        RateMetrics { rates: self.rate.clone(), source: Source { source: source.to_owned() } }
    }

    /// The rows that go out at `sink`.
    pub fn rows_out(&self, sink: &str) -> Rows {
        Rows(self.rows_out.get_or_create_owned(&Sink { sink: sink.to_owned() }))
    }

    /// So many more rows were set aside by the source or stream `origin`.
    pub fn set_aside(&self, origin: &str, kind: &'static str, rows: u64) {
        self.dead_letters.get_or_create_owned(&Letter { origin: origin.to_owned(), kind }).inc_by(rows);
    }

    /// A batch is published, with so many merged into it.
    pub fn done(&self, processing: Duration, delay: Duration, merged: u64) {
        self.batches.inc();
        self.merged.inc_by(merged);
        self.processing.observe(processing.as_secs_f64());
        self.delay.observe(delay.as_secs_f64());
    }
}

/// From 0.1 ms, for batches of a millisecond, to 54 minutes, for pipelines that are far behind.
fn seconds() -> impl Iterator<Item = f64> {
    let millis = exponential_buckets(0.1, 2.0, 9).chain(exponential_buckets(50.0, 2.0, 17));
    millis.map(|millis| millis / 1000.0)
}
