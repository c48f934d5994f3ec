//! Takes its time over each row: for tests of what happens when more comes than can be processed.

use std::hint::black_box;

use tidemill_plugin::{config, filter};

/// How long it takes.
#[config]
pub struct Config {
    /// Steps of arithmetic a row, about a nanosecond each.
    rounds: u64,
}

/// Keeps every row.
#[filter]
pub fn busy(line: &str, config: &Config) -> bool {
    let mut number = line.len() as u64;
    for round in 0..config.rounds {
        number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round));
    }
    black_box(number);
    true
}
