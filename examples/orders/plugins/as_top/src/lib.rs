//! Turns a client's total into a list of one, `[[client, total]]`, which is what `top` merges.
//!
//! A reduce answers what it takes, so a list of the largest has to begin as lists; nested values travel
//! as JSON.

use tidemill_plugin::{Reject, Row, map};

/// A list of clients with their totals.
#[derive(Debug, PartialEq, Row)]
pub struct Top {
    top: String,
}

/// The total is rounded to cents here, after all adding is done. JSON has no infinity.
#[map]
pub fn as_top(client: i64, total: f64) -> Result<Top, Reject> {
    let cents = (total * 100.0).round();
    if !cents.is_finite() {
        return Err(Reject::new(format!("client {client} comes to {total}, which is no amount of money")));
    }
    Ok(Top { top: serde_json::json!([[client, cents / 100.0]]).to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_a_list_of_one() {
        assert_eq!(as_top(7, 1_102.499_999), Ok(Top { top: "[[7,1102.5]]".into() }));
    }

    #[test]
    fn a_total_beyond_all_numbers_is_refused() {
        assert!(as_top(7, f64::INFINITY).is_err());
    }
}
