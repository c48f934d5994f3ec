//! The case about the state of a key as a plugin sees it: what can be done to it, and what it says then.

use serde_json::{Map, Value};
use tidemill_plugin::State;

use crate::{Case, Failure};

/// Runs a case about a state, step by step.
pub fn run(case: &Case) -> Result<(), Failure> {
    let mut state = State::new(None);
    for step in case.steps.iter().flatten() {
        for key in ["do", "then"] {
            if let Some(deed) = step.get(key).and_then(Value::as_str) {
                state = done(state, deed)?;
            }
        }
        check(&state, step).map_err(|why| Failure::wrong(format!("after {step:?}, {why}")))?;
    }
    Ok(())
}

fn done(mut state: State<i64>, deed: &str) -> Result<State<i64>, Failure> {
    let number = |text: &str| text.parse::<i64>().map_err(Failure::wrong);
    match deed.split(' ').collect::<Vec<_>>().as_slice() {
        ["new"] | ["wrap", "nothing"] => return Ok(State::new(None)),
        ["wrap", n] => return Ok(State::new(Some(number(n)?))),
        ["wrap", n, "as", "timing", "out"] => return Ok(State::timing_out(number(n)?)),
        ["update", n] => state.update(number(n)?),
        ["remove"] => state.remove(),
        _ => return Err(Failure::unsupported(format!("the harness can't `{deed}`"))),
    }
    state.check().map_err(Failure::wrong)?;
    Ok(state)
}

/// Whether it was updated or removed before, a state doesn't say; and what it doesn't allow, `check` says.
fn check(state: &State<i64>, step: &Map<String, Value>) -> Result<(), String> {
    let flag = |name: &str| step.get(name).and_then(Value::as_bool);
    let same = |name: &str, got: bool| match flag(name) {
        Some(expected) if expected != got => Err(format!("`{name}` is {got}")),
        _ => Ok(()),
    };
    same("exists", state.exists())?;
    same("timing_out", state.is_timing_out())?;
    for name in ["get", "get_option"] {
        let expected = step.get(name).and_then(Value::as_i64);
        if state.get().copied() != expected {
            return Err(format!("`{name}` is {:?}", state.get()));
        }
    }
    let fails = |name: &str, deed: fn(&mut State<i64>)| {
        let mut copy = state.clone();
        deed(&mut copy);
        if step.get(name).is_some() && copy.check().is_ok() {
            return Err(format!("`{name}` is no error"));
        }
        Ok(())
    };
    fails("update_now", |state| state.update(1))?;
    fails("remove_now", State::remove)
}
