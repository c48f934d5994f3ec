//! What `aggregate` makes of accumulators, run natively on tables.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use tidemill_plugin::testing::{self, Table};
use tidemill_plugin::{Aggregation, Reject, Row, aggregate, config};

#[derive(Row, Default)]
struct Longest {
    text: String,
    seen: i64,
}

#[derive(Row)]
struct Found {
    longest: String,
    of: i64,
}

#[aggregate]
impl Longest {
    fn add(&mut self, value: &str) {
        self.take(value);
        self.seen += 1;
    }

    fn merge(&mut self, other: Self) {
        self.take(&other.text);
        self.seen += other.seen;
    }

    fn finish(self) -> Found {
        Found { longest: self.text, of: self.seen }
    }

    fn take(&mut self, text: &str) {
        if text.len() > self.text.len() {
            self.text = text.to_owned();
        }
    }
}

#[config]
struct Limits {
    start: f64,
    most: f64,
}

#[derive(Row)]
struct Trade<'a> {
    price: Option<f64>,
    symbol: &'a str,
}

#[derive(Row)]
struct Worth {
    worth: f64,
}

#[aggregate]
impl Worth {
    fn new(limits: &Limits) -> Self {
        Worth { worth: limits.start }
    }

    fn add(&mut self, value: Trade<'_>, limits: &Limits) -> Result<(), Reject> {
        let price = value.price.ok_or_else(|| Reject::new(format!("{} has no price", value.symbol)))?;
        self.worth += price.min(limits.most);
        Ok(())
    }

    fn merge(&mut self, other: Self) {
        self.worth += other.worth;
    }

    fn finish(self, limits: &Limits) -> Result<Worth, Reject> {
        match self.worth < 0.0 {
            true => Err(Reject::new(format!("less than nothing, from {}", limits.start))),
            false => Ok(self),
        }
    }
}

const LIMITS: &str = r#"{"start": 1.0, "most": 10.0}"#;

#[test]
fn values_are_collected_merged_and_finished() {
    let words = Table::new().column("word", ["a", "ccc", "bb", "d"]);
    let found = testing::aggregate::<Aggregation<Longest>>("null", &[3, 4], &words).unwrap();
    assert_eq!(found.rows(), ["(ccc, 3)", "(d, 1)"]);
    let none = Table::new().column::<&str>("word", []);
    assert_eq!(testing::aggregate::<Aggregation<Longest>>("null", &[], &none).unwrap().num_rows(), 0);
}

#[test]
fn values_may_be_rows_and_every_part_may_see_the_config() {
    let trades = Table::new()
        .column("symbol", ["MILL", "POND", "MILL"])
        .column("ignored", [1, 2, 3])
        .column("price", [Some(5.0), Some(50.0), Some(-9.5)]);
    let worth = testing::aggregate::<Aggregation<Worth>>(LIMITS, &[2, 3], &trades);
    assert_eq!(worth.unwrap_err(), "less than nothing, from 1");
    let worth = testing::aggregate::<Aggregation<Worth>>(LIMITS, &[3], &trades).unwrap();
    assert_eq!(worth.rows(), ["(7.5)"], "two empty ones began with 1.0 each");
}

#[test]
fn what_does_not_fit_is_named() {
    let numbers = Table::new().column("n", [1]);
    let error = testing::aggregate::<Aggregation<Longest>>("null", &[1], &numbers).unwrap_err();
    assert_eq!(error, "one column of type utf8 is wanted; the columns are: n: int64");
    let error = testing::aggregate::<Aggregation<Longest>>("{\"a\": 1}", &[1], &numbers).unwrap_err();
    assert_eq!(error, "config: this plugin takes none");
    let unpriced = Table::new().column("symbol", ["MILL"]).column::<Option<f64>>("price", [None]);
    let error = testing::aggregate::<Aggregation<Worth>>(LIMITS, &[1], &unpriced).unwrap_err();
    assert_eq!(error, "MILL has no price");
    let nulls = Table::new().column("word", [Some("a"), None]);
    let error = testing::aggregate::<Aggregation<Longest>>("null", &[2], &nulls).unwrap_err();
    assert_eq!(error, "row 1 holds no value");
}
