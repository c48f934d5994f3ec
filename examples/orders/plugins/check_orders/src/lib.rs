//! Refuses orders that make no sense, and works out what the others are worth.

use tidemill_plugin::{Reject, Row, map};

/// No order is worth as much: whole cents, which sums keep as they are, end somewhere.
const MOST_CENTS: f64 = 1e15;

/// What is added to an order that makes sense; its other columns are carried.
#[derive(Debug, PartialEq, Row)]
pub struct Checked {
    side: &'static str,
    cents: i64,
}

/// Says `bought` for B and `sold` for S, and what the order comes to, in cents.
#[map(carry)]
pub fn check(amount: i64, price: f64, side: &str) -> Result<Checked, Reject> {
    let side = match side {
        "B" => "bought",
        "S" => "sold",
        other => {
            return Err(Reject::new(format!("the side is `{other}`, which is neither B nor S")));
        }
    };
    if amount <= 0 {
        return Err(Reject::new(format!("the amount is {amount}; it must be above zero")));
    }
    let cents = (amount as f64 * price * 100.0).round();
    if !(0.0..MOST_CENTS).contains(&cents) {
        return Err(Reject::new(format!("the price is {price}; it must be zero or more, and within reason")));
    }
    Ok(Checked { side, cents: cents as i64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_worth_its_amount_at_its_price() {
        assert_eq!(check(20, 55.125, "S"), Ok(Checked { side: "sold", cents: 110_250 }));
    }

    #[test]
    fn orders_that_make_no_sense_are_refused_with_the_reason() {
        let reason = |amount, price, side| check(amount, price, side).map_err(|reject| reject.to_string());
        assert_eq!(reason(20, 55.0, "H"), Err("the side is `H`, which is neither B nor S".into()));
        assert_eq!(reason(-20, 55.0, "B"), Err("the amount is -20; it must be above zero".into()));
        let beyond = "the price is NaN; it must be zero or more, and within reason";
        assert_eq!(reason(20, f64::NAN, "B"), Err(beyond.into()));
        assert!(reason(20, -1.0, "B").is_err() && reason(i64::MAX, 1e9, "S").is_err());
    }
}
