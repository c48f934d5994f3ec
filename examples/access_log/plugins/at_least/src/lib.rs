//! Keeps rows whose `count` reaches the limit that the config says.

use tidemill_plugin::{config, filter};

/// When a count is worth telling.
#[config]
pub struct Config {
    limit: i64,
}

/// Whether it reaches the limit.
#[filter]
pub fn at_least(count: i64, config: &Config) -> bool {
    count >= config.limit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_counts() {
        assert_eq!([4, 5, 6].map(|count| at_least(count, &Config { limit: 5 })), [false, true, true]);
    }
}
