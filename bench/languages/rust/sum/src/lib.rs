//! The word count of the benchmarks, in Rust: a sum, also for windows.

use tidemill_plugin::reduce;

/// The total of two.
#[reduce(inverse = subtract)]
pub fn add(a: i64, b: i64) -> i64 {
    a + b
}

fn subtract(total: i64, b: i64) -> i64 {
    total - b
}
