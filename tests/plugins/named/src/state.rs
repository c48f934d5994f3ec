//! The functions by their names that work on the state of a key.

use serde_json::{Value, json};

use crate::function::add;
use crate::record::{Cell, Record};

/// How the state that function `name` keeps of a key stands in a column; none where there is no such function.
pub(crate) fn state_cell(name: &str) -> Option<Cell> {
    Some(match name {
        "running_sum"
        | "sum_of_batch_times"
        | "count_return_sum"
        | "count_return_key_twice"
        | "count_return_pair"
        | "count_return_nothing"
        | "toggle"
        | "report_timeouts"
        | "instructed" => Cell::Int,
        "expire_after_2_idle" | "append_list" => Cell::Json,
        _ => return None,
    })
}

/// Whether there is a function of this name that works on a state.
pub fn is_stateful(name: &str) -> bool {
    state_cell(name).is_some()
}

/// How what function `name` puts out for keys that stand as `key` stands in columns.
pub fn mapped(name: &str, key: Cell) -> Result<Record, String> {
    match name {
        "count_return_sum" | "count_return_nothing" => Ok(Record::single(Cell::Int)),
        "count_return_pair" => Ok(Record::pair(key, Cell::Int)),
        "instructed" => Ok(Record::single(Cell::Json)),
        "count_return_key_twice" | "toggle" | "report_timeouts" => Ok(Record::single(key)),
        _ => Err(format!("`{name}` is not a function that maps with a state")),
    }
}

/// The new state of a key that had `state`, and got `values` in the batch of time `now`, in milliseconds; none removes
/// the key.
pub fn update(
    name: &str,
    now: i64,
    values: &[Value],
    state: Option<&Value>,
) -> Result<Option<Value>, String> {
    let number = || state.cloned().unwrap_or_else(|| json!(0));
    Ok(match name {
        "running_sum" => Some(values.iter().try_fold(number(), |sum, value| add(&sum, value))?),
        "sum_of_batch_times" if values.is_empty() => Some(number()),
        "sum_of_batch_times" => Some(add(&number(), &json!(now))?),
        "append_list" => {
            let list = state.cloned().unwrap_or_else(|| json!([]));
            Some(add(&list, &Value::Array(values.to_vec()))?)
        }
        "expire_after_2_idle" => {
            let part =
                |name: &str| state.and_then(|state| state.get(name)).cloned().unwrap_or_else(|| json!(0));
            match values {
                [] if part("idle") == 1 => None,
                [] => Some(json!({ "n": part("n"), "idle": add(&part("idle"), &json!(1))? })),
                _ => {
                    let n = values.iter().try_fold(part("n"), |n, value| add(&n, value))?;
                    Some(json!({ "n": n, "idle": 0 }))
                }
            }
        }
        _ => return Err(format!("`{name}` is not a function that updates a state")),
    })
}

/// What comes out for one value of `key`, or for none because the key was idle for too long. `state` is what the key
/// has, and becomes what it has afterwards.
pub fn map_with_state(
    name: &str,
    key: &Value,
    value: Option<&Value>,
    state: &mut Option<Value>,
) -> Result<Vec<Value>, String> {
    let mut count = || {
        let sum = add(&state.clone().unwrap_or_else(|| json!(0)), value.unwrap_or(&json!(0)))?;
        *state = Some(sum.clone());
        Ok::<Value, String>(sum)
    };
    Ok(match name {
        "count_return_sum" => vec![count()?],
        "count_return_pair" => vec![json!([key, count()?])],
        "count_return_key_twice" => {
            count()?;
            vec![add(key, key)?]
        }
        "count_return_nothing" => {
            count()?;
            vec![]
        }
        "toggle" if state.is_some() => {
            *state = None;
            vec![key.clone()]
        }
        "toggle" => {
            *state = value.cloned();
            vec![]
        }
        "instructed" => vec![instructed(value, state)?],
        "report_timeouts" if value.is_none() => vec![key.clone()],
        "report_timeouts" => {
            *state = Some(json!(1));
            vec![]
        }
        _ => return Err(format!("`{name}` is not a function that maps with a state")),
    })
}

/// Does to `state` what `value` says, and answers what was done with what.
fn instructed(value: Option<&Value>, state: &mut Option<Value>) -> Result<Value, String> {
    Ok(match value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).as_deref() {
        None => json!({ "timed_out": state }),
        Some("noop" | "0") => json!({}),
        Some("get-state") => json!({ "mapped": state.clone().unwrap_or_else(|| json!(-1)) }),
        Some("update-state" | "1") => {
            *state = Some(state.as_ref().map_or(Ok(json!(0)), |state| add(state, &json!(1)))?);
            json!({})
        }
        Some("remove-state" | "2") => json!({ "removed": state.take() }),
        Some(other) => return Err(format!("`{other}` is no instruction")),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// The state after each of some batches.
    fn states(name: &str, batches: &[&[i64]]) -> Vec<Value> {
        let mut state = None;
        let after = |values: &&[i64]| {
            let values: Vec<Value> = values.iter().map(|&value| value.into()).collect();
            state = update(name, 1000, &values, state.as_ref()).unwrap();
            state.clone().unwrap_or(Value::Null)
        };
        batches.iter().map(after).collect()
    }

    #[test]
    fn states_go_from_batch_to_batch() {
        assert_eq!(states("running_sum", &[&[1, 2], &[], &[4]]), [json!(3), json!(3), json!(7)]);
        assert_eq!(states("sum_of_batch_times", &[&[], &[5, 5], &[5]]), [json!(0), json!(1000), json!(2000)]);
        assert_eq!(states("append_list", &[&[1], &[2, 3]]), [json!([1]), json!([1, 2, 3])]);
        let idle = |n: i64, idle: i64| json!({ "n": n, "idle": idle });
        let expected = [idle(1, 0), idle(1, 1), idle(3, 0), idle(3, 1), Value::Null, idle(4, 0)];
        assert_eq!(states("expire_after_2_idle", &[&[1], &[], &[2], &[], &[], &[4]]), expected);
    }

    #[test]
    fn what_is_mapped_follows_from_the_state() {
        let mut state = None;
        let mut map = |name: &str, value: Option<Value>| {
            let out = map_with_state(name, &json!("k"), value.as_ref(), &mut state).unwrap();
            (out, state.clone())
        };
        assert_eq!(map("count_return_pair", Some(json!(2))), (vec![json!(["k", 2])], Some(json!(2))));
        assert_eq!(map("count_return_key_twice", Some(json!(1))), (vec![json!("kk")], Some(json!(3))));
        assert_eq!(map("toggle", Some(json!(9))), (vec![json!("k")], None));
        assert_eq!(map("toggle", Some(json!(9))), (vec![], Some(json!(9))));
        assert_eq!(map("report_timeouts", Some(json!(9))), (vec![], Some(json!(1))));
        assert_eq!(map("report_timeouts", None), (vec![json!("k")], Some(json!(1))));
    }

    #[test]
    fn every_function_has_a_state_and_those_that_map_have_an_output() {
        for name in ["count_return_sum", "count_return_pair", "toggle"] {
            assert!(state_cell(name).is_some() && mapped(name, Cell::Text).is_ok());
        }
        assert!(state_cell("guess").is_none() && mapped("running_sum", Cell::Text).is_err());
    }
}
