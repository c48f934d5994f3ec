//! What `versioned_total` does, by a state that has a count too, and takes over the totals of `versioned_total` but for
//! negative ones. The version `greedy` adds a thousand to each value, and fails on the key `poison`.
//!
//! The name stands in the file as text of a fixed length, so that tests make versions of one build by writing over it.

use std::hint::black_box;

use tidemill_plugin::{Reject, Row, State, map_with_state};

static VERSION: [u8; 32] = *b"version:plain                   ";

/// What is kept of a key.
#[derive(Row)]
pub struct Stats {
    total: i64,
    count: i64,
}

/// A total with the version that made it, and how many values it has seen.
#[derive(Row)]
pub struct Said {
    total: i64,
    version: String,
}

/// Adds `value` to what was there.
#[map_with_state(migrate = from_total)]
pub fn versioned_stats(key: &str, value: Option<i64>, state: &mut State<Stats>) -> Option<Said> {
    let version = std::str::from_utf8(black_box(&VERSION)).unwrap_or_default();
    let version = version.trim_start_matches("version:").trim_end();
    let is_greedy = version == "greedy";
    assert!(!(is_greedy && key == "poison"), "this version fails on this key");
    let more = if is_greedy { 1000 } else { 0 };
    let (total, count) = state.get().map_or((0, 0), |stats| (stats.total, stats.count));
    let (total, count) = (total + value? + more, count + 1);
    state.update(Stats { total, count });
    Some(Said { total, version: format!("{version} {count}") })
}

/// The total that `versioned_total` kept.
fn from_total(total: i64) -> Result<Stats, Reject> {
    if total < 0 {
        return Err(Reject::new(format!("the total {total} is negative")));
    }
    Ok(Stats { total, count: 0 })
}
