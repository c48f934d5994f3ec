//! Adds up the values of each key, and says which version of itself it is. The version `greedy` adds a thousand to each,
//! and fails on the key `poison`.
//!
//! The name stands in the file as text of a fixed length, so that tests make versions of one build by writing over it.

use std::hint::black_box;

use tidemill_plugin::{Row, State, map_with_state};

static VERSION: [u8; 32] = *b"version:plain                   ";

/// A total with the version that made it.
#[derive(Row)]
pub struct Said {
    total: i64,
    version: String,
}

/// Adds `value` to what was there.
#[map_with_state]
pub fn versioned_total(key: &str, value: Option<i64>, state: &mut State<i64>) -> Option<Said> {
    let version = std::str::from_utf8(black_box(&VERSION)).unwrap_or_default();
    let version = version.trim_start_matches("version:").trim_end();
    let is_greedy = version == "greedy";
    assert!(!(is_greedy && key == "poison"), "this version fails on this key");
    let more = if is_greedy { 1000 } else { 0 };
    let total = state.get().copied().unwrap_or(0) + value? + more;
    state.update(total);
    Some(Said { total, version: version.to_owned() })
}
