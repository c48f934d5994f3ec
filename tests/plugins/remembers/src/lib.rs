//! Shows what an instance keeps from call to call: the number of the row among all that it has seen, and the order of
//! a `HashMap`, whose seed goes by the maps made before.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use tidemill_plugin::{Row, map};

static NUM_ROWS: AtomicU64 = AtomicU64::new(0);

/// A line with what is kept.
#[derive(Row)]
pub struct Seen {
    seen: String,
}

/// Numbers `line`, and puts its words into the order of a set.
#[map]
pub fn remembers(line: &str) -> Seen {
    let number = NUM_ROWS.fetch_add(1, Ordering::Relaxed);
    let words: HashSet<&str> = line.split(' ').collect();
    Seen { seen: format!("{number} {}", words.into_iter().collect::<Vec<_>>().join(" ")) }
}
