//! Adds what an order is worth to its columns, and refuses orders without an amount.
//!
//! Its arguments stand in another order than the columns of any source in the tests: names alone tell them apart.

use tidemill_plugin::{Reject, Row, map};

/// What is added to an order.
#[derive(Row)]
pub struct Worth {
    worth: f64,
}

/// The price of the whole amount; an order without an amount is refused.
#[map(carry)]
pub fn worth(price: f64, amount: Option<i64>) -> Result<Worth, Reject> {
    let amount = amount.ok_or_else(|| Reject::new("the order has no amount"))?;
    match amount {
        1.. => Ok(Worth { worth: price * amount as f64 }),
        _ => Err(Reject::new(format!("the amount is {amount}"))),
    }
}
