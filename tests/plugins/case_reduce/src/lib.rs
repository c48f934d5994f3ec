//! Combines rows of several columns: the least number, a sum, and the first text.

use tidemill_plugin::{Reject, Row, reduce};

/// What is combined.
#[derive(Row)]
pub struct Values<'a> {
    least: i64,
    total: f64,
    first: Option<&'a str>,
}

/// Both together; a failure where the least is 13 on both sides.
#[reduce]
pub fn combine<'a>(a: Values<'a>, b: Values<'a>) -> Result<Values<'a>, Reject> {
    if a.least == 13 && b.least == 13 {
        return Err(Reject::new("13 twice"));
    }
    Ok(Values { least: a.least.min(b.least), total: a.total + b.total, first: a.first.or(b.first) })
}
