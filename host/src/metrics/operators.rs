//! Operators that call plugins: calls, their time, failures, instances, lost log lines, and what guests count.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use super::counters::{Counters, Named};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Operator {
    pub(super) operator: String,
    pub(super) plugin: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    operator: String,
    plugin: String,
    kind: &'static str,
}

/// The metrics of all operators, each a family with the operator as its label.
#[derive(Debug, Default)]
pub(super) struct OperatorFamilies {
    calls: Family<Operator, Counter>,
    call_seconds: Family<Operator, Counter<f64, AtomicU64>>,
    failures: Family<Failure, Counter>,
    instances: Family<Operator, Counter>,
    lost_lines: Family<Operator, Counter>,
    counters: Family<Named, Counter>,
    made: Mutex<HashMap<Operator, OperatorMetrics>>,
}

impl OperatorFamilies {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let new = Self::default();
        registry.register("plugin_calls", "Calls of plugins with rows", new.calls.clone());
        registry.register_with_unit(
            "plugin_call",
            "Time within calls of plugins, over all workers",
            Unit::Seconds,
            new.call_seconds.clone(),
        );
        registry.register("plugin_failures", "Calls of plugins that failed", new.failures.clone());
        registry.register("plugin_instances", "Instances of plugins made", new.instances.clone());
        registry.register(
            "plugin_log_lines_dropped",
            "Lines of plugins that were over their ration of the log",
            new.lost_lines.clone(),
        );
        registry.register("plugin_counter", "What plugins count themselves, by name", new.counters.clone());
        new
    }

    pub(super) fn of(&self, stream: &str, plugin: &str) -> OperatorMetrics {
        let label = Operator { operator: stream.to_owned(), plugin: plugin.to_owned() };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(label).or_insert_with_key(|label| self.make(label)).clone()
    }

    fn make(&self, label: &Operator) -> OperatorMetrics {
        OperatorMetrics {
            calls: self.calls.get_or_create_owned(label),
            call_seconds: self.call_seconds.get_or_create_owned(label),
            failures: self.failures.clone(),
            instances: self.instances.get_or_create_owned(label),
            lost_lines: self.lost_lines.get_or_create_owned(label),
            counters: Counters::new(label.clone(), self.counters.clone()),
            label: label.clone(),
        }
    }
}

/// What is measured of one operator that calls a plugin. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OperatorMetrics {
    label: Operator,
    calls: Counter,
    call_seconds: Counter<f64, AtomicU64>,
    failures: Family<Failure, Counter>,
    instances: Counter,
    lost_lines: Counter,
    counters: Counters,
}

impl OperatorMetrics {
    /// A call was made, and took so long.
    pub fn call(&self, took: Duration) {
        self.calls.inc();
        self.call_seconds.inc_by(took.as_secs_f64());
    }

    /// A call failed in a way of the kind `kind`.
    pub fn failed(&self, kind: &'static str) {
        let Operator { operator, plugin } = self.label.clone();
        self.failures.get_or_create_owned(&Failure { operator, plugin, kind }).inc();
    }

    /// An instance was made.
    pub fn instance(&self) {
        self.instances.inc();
    }

    /// A line was too much for the log.
    pub fn line_dropped(&self) {
        self.lost_lines.inc();
    }

    /// What its plugin counts itself.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
