//! What `reduce` makes of functions, run natively on tables.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use tidemill_plugin::testing::{self, Table};
use tidemill_plugin::{Reject, Row, config, reduce};

#[reduce]
fn add(a: i64, b: i64) -> i64 {
    a + b
}

#[reduce]
fn longest<'a>(a: &'a str, b: &'a str) -> &'a str {
    if b.len() > a.len() { b } else { a }
}

#[derive(Row)]
struct Stats<'a> {
    count: i64,
    highest: Option<f64>,
    label: &'a str,
}

#[reduce]
fn merge<'a>(a: Stats<'a>, b: Stats<'a>) -> Stats<'a> {
    let highest = match (a.highest, b.highest) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    };
    Stats { count: a.count + b.count, highest, label: a.label.max(b.label) }
}

#[config]
struct Limit {
    limit: i64,
}

#[reduce]
fn add_up_to(a: Option<i64>, b: Option<i64>, config: &Limit) -> Result<Option<i64>, Reject> {
    let sum = a.unwrap_or(0) + b.unwrap_or(0);
    match sum > config.limit {
        true => Err(Reject::new(format!("{sum} is over {}", config.limit))),
        false => Ok(Some(sum)),
    }
}

#[test]
fn plain_values_are_combined_whatever_their_column_is_called() {
    let values = Table::new().column("n", [1, 2, 3, 4]);
    assert_eq!(testing::reduce::<add>("null", &[1, 4], &values).unwrap().rows(), ["(1)", "(9)"]);
    let texts = Table::new().column("text", ["a", "ccc", "bb"]);
    assert_eq!(testing::reduce::<longest>("null", &[3], &texts).unwrap().rows(), ["(ccc)"]);
    assert_eq!(add(1, 2), 3);
}

#[config]
struct Floor {
    floor: i64,
}

#[reduce(inverse = take_off)]
fn put_on(a: i64, b: i64, _config: &Floor) -> Result<i64, Reject> {
    Ok(a + b)
}

fn take_off(total: i64, b: i64, config: &Floor) -> Result<i64, Reject> {
    match total - b {
        rest if rest < config.floor => Err(Reject::new(format!("{rest} is below {}", config.floor))),
        rest => Ok(rest),
    }
}

#[test]
fn an_inverse_takes_values_back_out_of_totals() {
    let totals = Table::new().column("n", [10, 20, 30]);
    let values = Table::new().column("n", [1, 2, 3]);
    let run = |config| testing::subtract::<put_on>(config, &totals, &[2, 2, 3], &values);
    assert_eq!(run(r#"{"floor": 0}"#).unwrap().rows(), ["(7)", "(20)", "(27)"]);
    assert_eq!(run(r#"{"floor": 8}"#).unwrap_err(), "7 is below 8");
    assert_eq!(testing::reduce::<put_on>(r#"{"floor": 0}"#, &[3], &values).unwrap().rows(), ["(6)"]);
}

#[test]
fn nothing_to_combine_is_nothing_combined() {
    let values = Table::new().column::<i64>("n", []);
    assert_eq!(testing::reduce::<add>("null", &[], &values).unwrap().num_rows(), 0);
}

#[test]
fn rows_are_combined_in_the_order_of_the_input_columns() {
    let values = Table::new()
        .column("label", ["x", "z", "y"])
        .column("highest", [None, Some(2.5), Some(1.0)])
        .column("count", [1, 2, 3]);
    let total = testing::reduce::<merge>("null", &[2, 3], &values).unwrap();
    assert_eq!(total.rows(), ["(z, 2.5, 3)", "(y, 1.0, 3)"]);
}

#[test]
fn nulls_and_errors_fail_the_call() {
    let values = Table::new().column("n", [Some(1), None, Some(5)]);
    let error = testing::reduce::<add>("null", &[3], &values).unwrap_err();
    assert_eq!(error, "row 1 holds no value");
    let run = |config| testing::reduce::<add_up_to>(config, &[3], &values);
    assert_eq!(run(r#"{"limit": 6}"#).unwrap().rows(), ["(6)"]);
    assert_eq!(run(r#"{"limit": 5}"#).unwrap_err(), "6 is over 5");
}

#[test]
fn columns_that_do_not_fit_are_errors_at_open() {
    let open = |table: &Table| testing::reduce::<merge>("null", &[1], table).unwrap_err();
    let some = Table::new().column("count", [1]).column("label", ["a"]);
    assert_eq!(
        open(&some),
        "there is no column `highest` of type float64; the columns are: count: int64, label: utf8"
    );
    let more = some.column("highest", [1.0]).column("extra", [1]);
    assert_eq!(open(&more), "the reducer has no field for column `extra`");
    let two = Table::new().column("a", [1]).column("b", [1]);
    assert_eq!(
        testing::reduce::<add>("null", &[1], &two).unwrap_err(),
        "one column of type int64 is wanted; the columns are: a: int64, b: int64"
    );
}
