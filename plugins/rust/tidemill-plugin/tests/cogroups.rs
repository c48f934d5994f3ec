//! What `cogroup` makes of functions, run natively on tables.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use tidemill_plugin::testing::{self, Table};
use tidemill_plugin::{Reject, Row, cogroup, config};

#[derive(Row)]
struct Pair {
    left: Option<i64>,
    right: Option<String>,
}

/// A full outer join.
#[cogroup]
fn join<'a>(
    left: impl Iterator<Item = i64>,
    right: impl Iterator<Item = &'a str>,
) -> impl Iterator<Item = Pair> {
    let right: Vec<String> = right.map(str::to_owned).collect();
    let left: Vec<i64> = left.collect();
    let lefts = if left.is_empty() { vec![None] } else { left.into_iter().map(Some).collect() };
    let rights = if right.is_empty() { vec![None] } else { right.into_iter().map(Some).collect() };
    lefts.into_iter().flat_map(move |left| rights.clone().into_iter().map(move |right| Pair { left, right }))
}

#[derive(Row)]
struct Client<'a> {
    client: &'a str,
    port: i64,
}

#[derive(Row)]
struct Owed {
    owed: i64,
}

#[config]
struct Limit {
    most: i64,
}

#[cogroup]
fn owed(
    key: Client<'_>,
    left: impl Iterator<Item = Owed>,
    _right: impl Iterator<Item = Option<i64>>,
    limit: &Limit,
) -> impl Iterator<Item = Result<Owed, Reject>> {
    let (name, most) = (format!("{}:{}", key.client, key.port), limit.most);
    left.map(move |Owed { owed }| match owed > most {
        true => Err(Reject::new(format!("{name} owes {owed}"))),
        false => Ok(Owed { owed }),
    })
}

#[test]
fn a_function_sees_the_rows_of_both_sides_key_by_key() {
    let keys = Table::new().column("k", ["a", "b", "c"]);
    let (left, right) = (Table::new().column("n", [1, 2, 3]), Table::new().column("s", ["x", "y"]));
    let rows = testing::cogroup::<join>("null", &keys, (&[2, 2, 3], &left), (&[1, 2, 2], &right)).unwrap();
    assert_eq!(rows.rows(), ["(a, 1, x)", "(a, 2, x)", "(b, null, y)", "(c, 3, null)"]);
}

#[test]
fn keys_and_values_may_be_rows_and_an_item_may_be_an_error() {
    let keys = Table::new().column("port", [80, 81]).column("client", ["ann", "bob"]);
    let left = Table::new().column("owed", [1, 5, 2]).column("note", ["", "", ""]);
    let right = Table::new().column::<Option<i64>>("n", []);
    let run = |config| testing::cogroup::<owed>(config, &keys, (&[1, 3], &left), (&[0, 0], &right));
    assert_eq!(run(r#"{"most": 5}"#).unwrap().rows(), ["(80, ann, 1)", "(81, bob, 5)", "(81, bob, 2)"]);
    assert_eq!(run(r#"{"most": 4}"#).unwrap_err(), "bob:81 owes 5");
}

#[test]
fn nulls_and_columns_that_do_not_fit_are_named() {
    let keys = Table::new().column("k", ["a"]);
    let (left, right) = (Table::new().column("n", [Some(1), None]), Table::new().column("s", ["x"]));
    let error = testing::cogroup::<join>("null", &keys, (&[2], &left), (&[1], &right)).unwrap_err();
    assert_eq!(error, "row 1 holds no value");
    let error = testing::cogroup::<join>("null", &keys, (&[1], &right), (&[1], &right)).unwrap_err();
    assert_eq!(error, "the left side: one column of type int64 is wanted; the columns are: s: utf8");
}
