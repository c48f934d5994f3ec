//! Holds what each client was billed against what it paid: bills without a payment, and what was paid too much.
//!
//! A cogroup as authors write it: rows with two columns on one side, plain numbers on the other.

use tidemill_plugin::{Reject, Row, cogroup};

/// What a client was billed.
#[derive(Row)]
pub struct Bill<'a> {
    number: i64,
    item: &'a str,
}

/// What is said of a client.
#[derive(Row)]
pub struct Settled {
    what: String,
    paid: f64,
}

/// A row for each bill with all that was paid; one for payments without any bill. Nobody may be paid.
#[cogroup]
pub fn settle<'a>(
    key: Option<&'a str>,
    left: impl Iterator<Item = Bill<'a>>,
    right: impl Iterator<Item = f64>,
) -> Result<Vec<Settled>, Reject> {
    let paid = right.fold(0.0, |paid, payment| paid + payment);
    if paid < 0.0 {
        return Err(Reject::new(format!("{} was paid", key.unwrap_or("somebody"))));
    }
    let mut rows: Vec<_> =
        left.map(|bill| Settled { what: format!("{} {}", bill.number, bill.item), paid }).collect();
    if rows.is_empty() {
        rows.push(Settled { what: "no bill".to_owned(), paid });
    }
    Ok(rows)
}
