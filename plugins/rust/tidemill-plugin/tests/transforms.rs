//! What `map`, `flat_map` and `filter` make of functions, run natively on tables.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use tidemill_plugin::testing::{self, Table};
use tidemill_plugin::{Reject, Row, Timestamp, config, filter, flat_map, map};

#[derive(Row)]
struct Word<'a> {
    word: &'a str,
    n: i64,
}

#[flat_map]
fn split_words(line: &str) -> impl Iterator<Item = Word<'_>> {
    line.split_whitespace().map(|word| Word { word, n: 1 })
}

#[config]
struct Limits {
    max: usize,
    #[serde(default)]
    dots: bool,
}

#[flat_map]
fn short_words<'a>(line: &'a str, limits: &'a Limits) -> impl Iterator<Item = Result<Word<'a>, Reject>> {
    let cut = move |c| c == ' ' || limits.dots && c == '.';
    line.split(cut).map(move |word| match word.len() > limits.max {
        true => Err(Reject::new(format!("`{word}` is longer than {}", limits.max))),
        false => Ok(Word { word, n: 1 }),
    })
}

#[derive(Row)]
struct Everything {
    flag: bool,
    time: Timestamp,
    text: Option<String>,
    bytes: Vec<u8>,
    ratio: Option<f64>,
}

#[map(carry)]
fn everything(flag: bool, time: Timestamp, text: Option<&str>, bytes: &[u8]) -> Everything {
    Everything {
        flag: !flag,
        time: Timestamp(time.0 + 1),
        text: text.map(str::to_uppercase),
        bytes: bytes.to_vec(),
        ratio: None,
    }
}

#[derive(Row)]
struct Number {
    number: i64,
}

#[map]
fn parse(line: &str) -> Result<Number, std::num::ParseIntError> {
    Ok(Number { number: line.parse()? })
}

#[flat_map(carry)]
fn repeat(number: i64) -> Result<Vec<Number>, Reject> {
    if number < 0 {
        return Err(Reject::new("negative"));
    }
    Ok((0..number).map(|number| Number { number }).collect())
}

#[filter]
fn is_large(price: f64, r#type: Option<&str>) -> Result<bool, Reject> {
    match r#type {
        Some("bad") => Err(Reject::new("a bad type")),
        _ => Ok(price > 100.0),
    }
}

fn rejects(outcome: &testing::Outcome) -> Vec<(u32, &str)> {
    outcome.rejects.iter().map(|(row, reason)| (*row, reason.as_str())).collect()
}

#[test]
fn a_line_becomes_its_words() {
    let input = Table::new().column("n", [7, 8, 9]).column("line", ["to be", "", "or  not"]);
    let outcome = testing::transform::<split_words>("null", &input).unwrap();
    assert_eq!(outcome.table.rows(), ["(to, 1)", "(be, 1)", "(or, 1)", "(not, 1)"]);
    assert_eq!(outcome.rejects, []);
    assert_eq!(split_words("to be").map(|w| w.word.len()).sum::<usize>(), 4);
}

#[test]
fn an_empty_batch_stays_empty() {
    let input = Table::new().column::<&str>("line", []);
    let outcome = testing::transform::<split_words>("null", &input).unwrap();
    assert_eq!(outcome.table.rows(), [""; 0]);
    let outcome = testing::transform::<parse>("null", &input).unwrap();
    assert_eq!(outcome.table.num_rows(), 0);
}

#[test]
fn words_of_every_length_arrive_whole() {
    let words: Vec<String> = (1..70).map(|n| "abcdefghij".repeat(7)[..n].to_string()).collect();
    let input = Table::new().column("line", [words.join(" ")]);
    let outcome = testing::transform::<split_words>("null", &input).unwrap();
    let expected: Vec<String> = words.iter().map(|word| format!("({word}, 1)")).collect();
    assert_eq!(outcome.table.rows(), expected);
}

#[test]
fn a_row_without_a_needed_value_is_refused() {
    let input = Table::new().column("line", [Some("1"), None, Some("3")]);
    let outcome = testing::transform::<parse>("null", &input).unwrap();
    assert_eq!(outcome.table.rows(), ["(1)", "(3)"]);
    assert_eq!(rejects(&outcome), [(1, "column `line` holds no value")]);
}

#[test]
fn an_error_refuses_the_row() {
    let input = Table::new().column("line", ["1", "x", "3"]);
    let outcome = testing::transform::<parse>("null", &input).unwrap();
    assert_eq!(outcome.table.rows(), ["(1)", "(3)"]);
    assert_eq!(rejects(&outcome), [(1, "invalid digit found in string")]);
}

#[test]
fn what_a_refused_row_put_out_before_is_taken_back() {
    let input = Table::new().column("line", ["a bb", "c dddd e", "f"]);
    let outcome = testing::transform::<short_words>(r#"{"max": 3}"#, &input).unwrap();
    assert_eq!(outcome.table.rows(), ["(a, 1)", "(bb, 1)", "(f, 1)"]);
    assert_eq!(rejects(&outcome), [(1, "`dddd` is longer than 3")]);
}

#[test]
fn a_bad_config_is_an_error_at_open() {
    let input = Table::new().column("line", ["a"]);
    let open = |config| testing::transform::<short_words>(config, &input).unwrap_err();
    assert_eq!(open("null"), "config: missing field `max`");
    assert_eq!(open(r#"{"max": 1, "mix": 2}"#), "config: unknown field `mix`, expected `max` or `dots`");
    let given = testing::transform::<split_words>(r#"{"max": 1}"#, &input).unwrap_err();
    assert_eq!(given, "config: this plugin takes none");
}

#[test]
fn carried_columns_stand_before_those_produced() {
    let input = Table::new()
        .column("id", [1, 2])
        .column("flag", [true, false])
        .column("time", [Timestamp(5), Timestamp(6)])
        .column("text", [Some("a"), None])
        .column("bytes", [&[1u8, 2][..], &[]]);
    let outcome = testing::transform::<everything>("null", &input).unwrap();
    let names: Vec<_> = outcome.table.fields().iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["id", "flag", "time", "text", "bytes", "ratio"]);
    assert_eq!(outcome.table.rows(), ["(1, false, 6, A, [1, 2], null)", "(2, true, 7, null, [], null)"]);
}

#[test]
fn a_produced_column_replaces_the_carried_one_of_its_name() {
    let input = Table::new().column("number", [2, -1, 0, 1]).column("id", ["a", "b", "c", "d"]);
    let outcome = testing::transform::<repeat>("null", &input).unwrap();
    assert_eq!(outcome.table.rows(), ["(a, 0)", "(a, 1)", "(d, 0)"]);
    assert_eq!(rejects(&outcome), [(1, "negative")]);
}

#[test]
fn a_filter_carries_all_columns() {
    let input = Table::new()
        .column("id", [1, 2, 3, 4])
        .column("type", [Some("a"), Some("bad"), None, None])
        .column("price", [Some(200.0), Some(200.0), None, Some(101.0)]);
    let outcome = testing::transform::<is_large>("null", &input).unwrap();
    assert_eq!(outcome.table.rows(), ["(1, a, 200.0)", "(4, null, 101.0)"]);
    assert_eq!(rejects(&outcome), [(1, "a bad type"), (2, "column `price` holds no value")]);
}

#[test]
fn a_missing_or_wrong_column_is_named_with_what_there_is() {
    let input = Table::new().column("Line", ["a"]).column("price", [Some(1)]);
    assert_eq!(
        testing::transform::<split_words>("null", &input).unwrap_err(),
        "there is no column `line` of type utf8; the columns are: Line: utf8, price: int64?"
    );
    assert_eq!(
        testing::transform::<is_large>("null", &input).unwrap_err(),
        "column `price` is int64, but float64 is wanted; the columns are: Line: utf8, price: int64?"
    );
}
