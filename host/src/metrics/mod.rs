//! What is measured of a running pipeline, for people and for what watches programs.
//!
//! Numbers come in through handles that are made once and cost an atomic addition; text in the OpenMetrics format
//! goes out. One `Metrics` a run; names and labels follow the conventions of Prometheus. Knows nothing of
//! what is measured but names, and a label's values come from the manifest, never from rows.

mod batches;
mod counters;
mod operators;
mod states;

use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

pub use batches::{BatchMetrics, RateMetrics, Rows};
pub use counters::{Counters, MAX_NAME_BYTES, OTHER};
pub use operators::OperatorMetrics;
pub use states::StateMetrics;

use operators::OperatorFamilies;
use states::StateFamilies;

/// All that is measured of one run of a pipeline. Cheap to clone, and good after the run's end.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pipeline: String,
    registry: Registry,
    batches: BatchMetrics,
    operators: OperatorFamilies,
    states: StateFamilies,
}

impl Metrics {
    /// For a run of the pipeline `pipeline`; everything begins at zero.
    pub fn new(pipeline: &str) -> Self {
        let label = ("pipeline".into(), pipeline.to_owned().into());
        let mut registry = Registry::with_prefix_and_labels("tidemill", std::iter::once(label));
        let batches = BatchMetrics::new(&mut registry);
        let operators = OperatorFamilies::new(&mut registry);
        let states = StateFamilies::new(&mut registry);
        Self(Arc::new(Shared { pipeline: pipeline.to_owned(), registry, batches, operators, states }))
    }

    /// The pipeline's name.
    pub fn pipeline(&self) -> &str {
        &self.0.pipeline
    }

    /// What is measured of batches.
    pub fn batches(&self) -> &BatchMetrics {
        &self.0.batches
    }

    /// What is measured of the operator that makes `stream` with `plugin`. The same numbers, whoever asks.
    pub fn operator(&self, stream: &str, plugin: &str) -> OperatorMetrics {
        self.0.operators.of(stream, plugin)
    }

    /// What the operator that makes `stream` keeps for keys. The same numbers, whoever asks.
    pub fn state(&self, stream: &str) -> StateMetrics {
        self.0.states.of(stream)
    }

    /// All of it, in the OpenMetrics text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.0.registry) {
            Ok(()) => text,
            // Writing to a string can't fail.
            Err(std::fmt::Error) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_text_has_every_label_and_ends_as_openmetrics_wants() {
        let metrics = Metrics::new("shop");
        metrics.batches().rows_in("orders").add(3);
        metrics.batches().set_aside("orders", "undecodable", 2);
        metrics.batches().done(Duration::from_millis(40), Duration::ZERO, 0);
        metrics.operator("words", "split").call(Duration::from_millis(1500));
        metrics.operator("words", "split").failed("trap");
        metrics.state("totals").set(7, 700);
        metrics.state("totals").set(5, 500);
        let text = metrics.text();
        for line in [
            "# TYPE tidemill_batches counter",
            "tidemill_batches_total{pipeline=\"shop\"} 1",
            "tidemill_rows_in_total{pipeline=\"shop\",source=\"orders\"} 3",
            "tidemill_dead_letters_total{pipeline=\"shop\",origin=\"orders\",kind=\"undecodable\"} 2",
            "tidemill_batch_processing_seconds_sum{pipeline=\"shop\"} 0.04",
            "tidemill_plugin_calls_total{pipeline=\"shop\",operator=\"words\",plugin=\"split\"} 1",
            "tidemill_plugin_call_seconds_total{pipeline=\"shop\",operator=\"words\",plugin=\"split\"} 1.5",
            "tidemill_plugin_failures_total{pipeline=\"shop\",operator=\"words\",plugin=\"split\",kind=\"trap\"} 1",
            "# TYPE tidemill_state_keys gauge",
            "tidemill_state_keys{pipeline=\"shop\",operator=\"totals\"} 5",
            "tidemill_state_bytes{pipeline=\"shop\",operator=\"totals\"} 500",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing:\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
