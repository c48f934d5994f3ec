//! Refuses orders that make no sense, and works out what the others are worth.

use tidemill_plugin::{Reject, Row, map};

/// An order that makes sense, with what the dashboard wants of it.
#[derive(Debug, PartialEq, Row)]
pub struct Order<'a> {
    side: &'a str,
    client: i64,
    symbol: &'a str,
    amount: i64,
    total: f64,
}

/// Says `bought` for B and `sold` for S, and what the order comes to.
#[map]
pub fn check<'a>(client: i64, symbol: &'a str, amount: i64, price: f64, side: &str) -> Result<Order<'a>, Reject> {
    let side = match side {
        "B" => "bought",
        "S" => "sold",
        other => return Err(Reject::new(format!("the side is `{other}`, which is neither B nor S"))),
    };
    if amount <= 0 {
        return Err(Reject::new(format!("the amount is {amount}; it must be above zero")));
    }
    let total = amount as f64 * price;
    if !total.is_finite() || price < 0.0 {
        return Err(Reject::new(format!("the price is {price}; it must be zero or more, and within reason")));
    }
    Ok(Order { side, client, symbol, amount, total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_worth_its_amount_at_its_price() {
        let order = Order { side: "sold", client: 7, symbol: "MILL", amount: 20, total: 1_102.5 };
        assert_eq!(check(7, "MILL", 20, 55.125, "S"), Ok(order));
    }

    #[test]
    fn orders_that_make_no_sense_are_refused_with_the_reason() {
        let reason = |amount, price, side| check(7, "MILL", amount, price, side).map_err(|reject| reject.to_string());
        assert_eq!(reason(20, 55.0, "H"), Err("the side is `H`, which is neither B nor S".into()));
        assert_eq!(reason(-20, 55.0, "B"), Err("the amount is -20; it must be above zero".into()));
        assert_eq!(reason(20, f64::NAN, "B"), Err("the price is NaN; it must be zero or more, and within reason".into()));
    }
}
