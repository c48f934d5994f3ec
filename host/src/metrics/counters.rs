//! What a plugin counts itself: counters that it names, so few and so named that no plugin can flood the metrics.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::operators::Operator;

/// The most counters of an operator; what more are named is counted as `OTHER`.
const MAX_COUNTERS: usize = 100;
/// The longest name of a counter.
pub const MAX_NAME_BYTES: usize = 100;
/// The counter of all that has no counter of its own.
pub const OTHER: &str = "other";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Named {
    operator: String,
    plugin: String,
    name: String,
}

/// The counters of one operator's plugin. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Counters {
    operator: Operator,
    family: Family<Named, Counter>,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    counters: HashMap<String, Counter>,
    has_warned: bool,
}

impl Counters {
    pub(super) fn new(operator: Operator, family: Family<Named, Counter>) -> Self {
        Self { operator, family, known: Arc::default() }
    }

    /// Whether `name` may be a counter's: 1 to 100 letters and digits of ASCII, `_`, `-`, `.`, `:` and `/`.
    pub fn is_name(name: &str) -> bool {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
        (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(fits)
    }

    /// Adds to the counter `name`, or to `other` where that isn't a name or there are too many.
    pub fn add(&self, name: &str, delta: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = known.counters.get(name) {
            counter.inc_by(delta);
            return;
        }
        let own = Self::is_name(name) && known.counters.len() < MAX_COUNTERS;
        let name = if own || name == OTHER { name } else { self.other(&mut known.has_warned, name) };
        let counter = self.counter(name);
        counter.inc_by(delta);
        if own {
            known.counters.insert(name.to_owned(), counter);
        }
    }

    fn counter(&self, name: &str) -> Counter {
        let Operator { operator, plugin } = self.operator.clone();
        self.family.get_or_create_owned(&Named { operator, plugin, name: name.to_owned() })
    }

    fn other(&self, has_warned: &mut bool, name: &str) -> &'static str {
        if !std::mem::replace(has_warned, true) {
            let name: String = name.chars().take(MAX_NAME_BYTES).flat_map(char::escape_default).collect();
            tracing::warn!(
                stream = %self.operator.operator,
                plugin = %self.operator.plugin,
                "plugin counts `{name}`, which is no name of at most {MAX_NAME_BYTES} letters, digits, `_-.:/`, or one of more than {MAX_COUNTERS}; it and its like are counted as `{OTHER}`"
            );
        }
        OTHER
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;

    /// What the counters of the operator `words` say, by name.
    fn counted(metrics: &Metrics) -> Vec<(String, u64)> {
        let text = metrics.text();
        let lines = text.lines().filter_map(|line| line.strip_prefix("tidemill_plugin_counter_total{"));
        let mut counted: Vec<(String, u64)> = lines
            .map(|line| {
                let (labels, value) = line.rsplit_once("} ").unwrap();
                let (_, name) = labels.rsplit_once("name=\"").unwrap();
                (name.trim_end_matches('"').to_owned(), value.parse().unwrap())
            })
            .collect();
        counted.sort();
        counted
    }

    #[test]
    fn counters_add_up_over_whoever_asks_for_them() {
        let metrics = Metrics::new("p");
        metrics.operator("words", "split").counters().add("long", 2);
        metrics.operator("words", "split").counters().add("long", 3);
        assert_eq!(counted(&metrics), [("long".to_owned(), 5)]);
    }

    #[test]
    fn what_is_no_name_is_counted_as_other() {
        let metrics = Metrics::new("p");
        let operator = metrics.operator("words", "split");
        for name in ["", "two words", "a\"b\n", "ä", &"x".repeat(101)] {
            operator.counters().add(name, 1);
        }
        operator.counters().add(&"x".repeat(100), 7);
        assert_eq!(counted(&metrics), [("other".to_owned(), 5), ("x".repeat(100), 7)]);
    }

    #[test]
    fn names_without_end_end_up_in_other() {
        let metrics = Metrics::new("p");
        let operator = metrics.operator("words", "split");
        (0..1000).for_each(|n| operator.counters().add(&format!("n{n}"), 1));
        operator.counters().add("n0", 1);
        let counted = counted(&metrics);
        assert_eq!(counted.len(), 101);
        assert_eq!(counted[0], ("n0".to_owned(), 2));
        assert_eq!(counted[100], ("other".to_owned(), 900));
        // Another operator has its own.
        metrics.operator("more", "split").counters().add("fresh", 1);
        assert!(metrics.text().contains("operator=\"more\",plugin=\"split\",name=\"fresh\"} 1"));
    }
}
