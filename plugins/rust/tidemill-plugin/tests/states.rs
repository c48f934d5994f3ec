//! What `update_state` and `map_with_state` make of functions, run natively on tables.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use tidemill_plugin::testing::{self, Keys, Table, Updated};
use tidemill_plugin::{Reject, Row, State, Timestamp, config, map_with_state, update_state};

#[update_state]
fn running_sum(values: impl Iterator<Item = i64>, state: Option<i64>) -> Option<i64> {
    Some(state.unwrap_or(0) + values.sum::<i64>()).filter(|sum| *sum != 0)
}

#[derive(Row)]
struct Place<'a> {
    city: &'a str,
    street: i64,
}

#[derive(Row)]
struct Last {
    text: Option<String>,
    at: Timestamp,
}

#[config]
struct Limit {
    limit: usize,
}

#[update_state]
fn last<'a>(
    key: Place<'_>,
    values: impl Iterator<Item = Option<&'a str>>,
    state: Option<Last>,
    now: Timestamp,
    limit: &Limit,
) -> Result<Option<Last>, Reject> {
    let Some(text) = values.last() else { return Ok(state) };
    match text {
        Some(text) if text.len() > limit.limit => {
            Err(Reject::new(format!("{} {}: {text}", key.city, key.street)))
        }
        text => Ok(Some(Last { text: text.map(str::to_owned), at: now })),
    }
}

#[derive(Row)]
struct Told {
    what: String,
}

/// Does with the state what the value says, and tells what it was before.
#[map_with_state]
fn obey(key: &str, value: Option<&str>, state: &mut State<i64>) -> Option<Told> {
    let before = state.get().copied();
    match value {
        Some("inc") => state.update(before.unwrap_or(0) + 1),
        Some("remove") => state.remove(),
        Some("remove, update") => {
            state.remove();
            state.update(1);
        }
        Some("remove twice") => {
            state.remove();
            state.remove();
        }
        Some("quiet") => return None,
        Some(_) => {}
        None if key == "stubborn" => state.update(0),
        None if key == "eager" => state.remove(),
        None => {}
    }
    let why = value.unwrap_or(if state.is_timing_out() { "timed out" } else { "no value" });
    Some(Told { what: format!("{why} {before:?}") })
}

fn words() -> Table {
    Table::new().column("word", ["a", "b", "c"])
}

#[track_caller]
fn obeyed(keys: &Keys) -> Updated {
    testing::update_state::<obey>("null", keys).unwrap()
}

fn of_one(word: &str, values: &[&str]) -> Keys {
    let values = Table::new().column("what", values.iter().copied());
    Keys::new(&Table::new().column("word", [word]), &[values.num_rows()], &values)
}

#[test]
fn a_state_is_updated_by_all_new_values_of_its_key_and_none_removes_it() {
    let keys = Keys::new(&words(), &[2, 3, 3], &Table::new().column("n", [1, 2, 5]));
    let first = testing::update_state::<running_sum>("null", &keys).unwrap();
    assert_eq!(first.kept, [true, true, false]);
    assert_eq!(first.states.rows()[..2], ["(3)", "(5)"]);
    assert_eq!(first.states.fields()[0].name, "state");
    assert_eq!(first.output.num_rows(), 0);

    let keys = Keys::new(&words(), &[1, 1, 2], &Table::new().column("n", [-3, 7]));
    let second =
        testing::update_state::<running_sum>("null", &keys.with_states(&first.states, &first.kept)).unwrap();
    assert_eq!(second.kept, [false, true, true]);
    assert_eq!(second.states.rows()[1..], ["(5)", "(7)"]);
}

#[test]
fn keys_and_states_may_be_rows_and_the_time_is_the_batch_s() {
    let places = Table::new().column("street", [1, 2]).column("city", ["Ulm", "Rom"]);
    let texts = Table::new().column("text", [Some("x"), None]);
    let keys = Keys::new(&places, &[2, 2], &texts).at(Timestamp(7));
    let run = |keys: &Keys, config| testing::update_state::<last>(config, keys);
    let first = run(&keys, r#"{"limit": 1}"#).unwrap();
    assert_eq!((first.states.rows()[0].as_str(), &*first.kept), ("(null, 7)", &[true, false][..]));
    let long = Keys::new(&places, &[0, 1], &Table::new().column("text", ["long"]));
    let long = long.with_states(&first.states, &first.kept);
    assert_eq!(run(&long, r#"{"limit": 1}"#).unwrap_err(), "Rom 2: long");
    assert_eq!(run(&long, r#"{"limit": 4}"#).unwrap().states.rows(), ["(null, 7)", "(long, 0)"]);
}

#[test]
fn a_key_that_timed_out_is_forgotten_by_an_update() {
    let none = Table::new().column::<i64>("n", []);
    let keys = Keys::new(&words(), &[0, 0, 0], &none)
        .with_states(&Table::new().column("state", [1, 2, 3]), &[true; 3])
        .timed_out(&[false, true, false]);
    assert_eq!(testing::update_state::<running_sum>("null", &keys).unwrap().kept, [true, false, true]);
}

#[test]
fn a_function_is_called_once_a_record_in_order_and_records_see_each_other() {
    let values = Table::new().column("what", ["inc", "inc", "remove", "inc", "see", "quiet"]);
    let first = obeyed(&Keys::new(&words(), &[4, 5, 6], &values));
    let told = ["(a, inc None)", "(a, inc Some(1))", "(a, remove Some(2))", "(a, inc None)", "(b, see None)"];
    assert_eq!(first.output.rows(), told);
    assert_eq!(first.kept, [true, false, false]);
    assert_eq!(first.states.rows()[0], "(1)");
}

#[test]
fn a_state_that_is_not_touched_stays() {
    let keys = of_one("a", &["see", "quiet"]).with_states(&Table::new().column("state", [4]), &[true]);
    let updated = obeyed(&keys);
    assert_eq!((updated.states.rows(), updated.kept), (vec!["(4)".to_owned()], vec![true]));
    assert_eq!(updated.output.rows(), ["(a, see Some(4))"]);
}

#[test]
fn a_key_that_times_out_is_told_once_and_forgotten_unless_it_has_data() {
    let states = Table::new().column("state", [1, 2, 3]);
    let keys = Keys::new(&words(), &[0, 1, 1], &Table::new().column("what", ["see"]));
    let updated = obeyed(&keys.with_states(&states, &[true, true, false]).timed_out(&[true; 3]));
    assert_eq!(updated.output.rows(), ["(a, timed out Some(1))", "(b, see Some(2))"]);
    assert_eq!(updated.kept, [false, true, false]);
}

#[test]
fn changing_what_is_removed_or_timing_out_fails_the_call() {
    let error = |keys: &Keys| testing::update_state::<obey>("null", keys).unwrap_err();
    assert_eq!(error(&of_one("a", &["remove, update"])), "the state is updated after it was removed");
    assert_eq!(error(&of_one("a", &["remove twice"])), "the state is removed after it was removed");
    let idle =
        |word| of_one(word, &[]).with_states(&Table::new().column("state", [1]), &[true]).timed_out(&[true]);
    assert_eq!(error(&idle("stubborn")), "the state is updated while its key times out");
    assert_eq!(error(&idle("eager")), "the state is removed while its key times out");
}

#[test]
fn what_does_not_fit_is_named() {
    let error = |keys: &Keys| testing::update_state::<running_sum>("null", keys).unwrap_err();
    let texts = Keys::new(&words(), &[1, 1, 1], &Table::new().column("n", ["a"]));
    assert_eq!(error(&texts), "the value: one column of type int64 is wanted; the columns are: n: utf8");
    let nulls = Keys::new(&words(), &[1, 1, 1], &Table::new().column("n", [None::<i64>]));
    assert_eq!(error(&nulls), "row 0 holds no value");
    let keys = Keys::new(&Table::new().column("n", [1]), &[0], &Table::new().column::<&str>("what", []));
    let error = testing::update_state::<obey>("null", &keys).unwrap_err();
    assert_eq!(error, "the key: one column of type utf8 is wanted; the columns are: n: int64");
}

#[derive(Row, Debug, PartialEq)]
struct Grown {
    total: i64,
    note: Option<String>,
}

#[update_state(migrate = [from_total, from_text])]
fn grown(values: impl Iterator<Item = i64>, state: Option<Grown>) -> Option<Grown> {
    let Grown { total, note } = state.unwrap_or(Grown { total: 0, note: None });
    Some(Grown { total: total + values.sum::<i64>(), note })
}

fn from_total(total: i64) -> Result<Grown, Reject> {
    let note = (total < 0).then(|| Reject::new("a negative total"));
    note.map_or(Ok(Grown { total, note: None }), Err)
}

#[derive(Row)]
struct Texts<'a> {
    text: &'a str,
    total: i64,
}

fn from_text(old: Texts<'_>) -> Grown {
    Grown { total: old.total, note: Some(old.text.to_owned()) }
}

#[test]
fn the_function_whose_state_has_the_columns_that_were_kept_migrates_them() {
    let keys = Keys::new(&words(), &[0, 0, 0], &Table::new().column::<i64>("n", []));
    let migrate = |states: &Table| testing::migrate::<grown>("null", &keys, states);
    assert_eq!(migrate(&Table::new().column("state", [1, 2])).unwrap().rows(), ["(1, null)", "(2, null)"]);
    let texts = Table::new().column("total", [3]).column("text", ["old"]);
    assert_eq!(migrate(&texts).unwrap().rows(), ["(3, old)"], "the order of columns doesn't matter");
    assert_eq!(migrate(&Table::new().column("state", [1, -1])).unwrap_err(), "a negative total");
    let nulls = Table::new().column("state", [Some(1), None]);
    assert_eq!(migrate(&nulls).unwrap_err(), "row 1 holds no value");
    let more = texts.column("more", [1]);
    let error = migrate(&more).unwrap_err();
    assert!(
        error.starts_with("no earlier version is known with this state; the columns are: total: int64"),
        "{error}"
    );
}
