//! Turns a client's total into a list of one, `[[client, total]]`, which is what `top` merges.
//!
//! A reduce answers what it takes, so a list of the largest has to begin as lists; nested values travel
//! as JSON.

use tidemill_plugin::{Row, map};

/// A list of clients with their totals.
#[derive(Debug, PartialEq, Row)]
pub struct Top {
    top: String,
}

/// The total comes in cents, and is shown as money.
#[map]
pub fn as_top(client: i64, cents: i64) -> Top {
    Top { top: serde_json::json!([[client, cents as f64 / 100.0]]).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_a_list_of_one() {
        assert_eq!(as_top(7, 110_250), Top { top: "[[7,1102.5]]".into() });
    }
}
