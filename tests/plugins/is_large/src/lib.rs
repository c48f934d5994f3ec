//! Keeps the rows whose price is over the limit that the config gives.
//!
//! A filter as authors write them: it reads one column by name, wherever it stands, and carries all others.

use tidemill_plugin::{config, filter};

/// What counts as large.
#[config]
pub struct Config {
    over: f64,
}

/// Whether a price is large.
#[filter]
pub fn is_large(price: f64, config: &Config) -> bool {
    price > config.over
}
