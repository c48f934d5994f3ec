//! What operators keep for keys: how many keys, how many bytes.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stream {
    operator: String,
}

/// The sizes of all operators' states, each a family with the operator as its label.
#[derive(Debug, Default)]
pub(super) struct StateFamilies {
    keys: Family<Stream, Gauge>,
    bytes: Family<Stream, Gauge>,
}

impl StateFamilies {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let new = Self::default();
        registry.register("state_keys", "Keys that have a state", new.keys.clone());
        registry.register_with_unit(
            "state",
            "Memory of keys and their states",
            Unit::Bytes,
            new.bytes.clone(),
        );
        new
    }

    pub(super) fn of(&self, stream: &str) -> StateMetrics {
        let label = Stream { operator: stream.to_owned() };
        StateMetrics {
            keys: self.keys.get_or_create_owned(&label),
            bytes: self.bytes.get_or_create_owned(&label),
        }
    }
}

/// The size of one operator's states. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StateMetrics {
    keys: Gauge,
    bytes: Gauge,
}

impl StateMetrics {
    /// There are so many keys, which take so many bytes with their states.
    pub fn set(&self, keys: usize, bytes: usize) {
        let count = |number| i64::try_from(number).unwrap_or(i64::MAX);
        self.keys.set(count(keys));
        self.bytes.set(count(bytes));
    }
}
