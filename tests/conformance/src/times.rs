//! Arithmetic on batch times and intervals.

use std::time::Duration;

use serde_json::{Value, json};
use tidemill::record::{BatchTime, Interval};

use crate::{Case, Failure, ensure};

/// Runs a case about times: a list of arguments each, and what each gives.
pub fn run(case: &Case) -> Result<(), Failure> {
    let calls = case.inputs.iter().flatten().flatten();
    let results = calls.map(|call| {
        let numbers: Option<Vec<i64>> =
            call.as_array().and_then(|all| all.iter().map(Value::as_i64).collect());
        result(&case.op, &numbers.ok_or_else(|| Failure::wrong("times are whole numbers"))?)
    });
    let results: Value = results.collect::<Result<Vec<_>, _>>()?.into();
    let expected = case.expected.as_ref().and_then(|expected| expected.first());
    ensure(Some(&results) == expected, || format!("{results} instead of {expected:?}"))
}

fn result(op: &str, numbers: &[i64]) -> Result<Value, Failure> {
    let time = BatchTime::from_millis;
    Ok(match (op, numbers) {
        ("time.floor", &[a, b]) => {
            let interval = interval(b)?;
            json!(interval.next_after(a).previous(interval).millis())
        }
        ("time.isMultipleOf", &[a, b]) => json!(interval(b)?.divide(length(a)?).is_some()),
        ("time.until", &[a, b, step]) => range(a, b, interval(step)?, |time, end| time < end),
        ("time.to", &[a, b, step]) => range(a, b, interval(step)?, |time, end| time <= end),
        ("time.less", &[a, b]) => json!(time(a) < time(b)),
        ("time.lessEq", &[a, b]) => json!(time(a) <= time(b)),
        ("time.greater", &[a, b]) => json!(time(a) > time(b)),
        ("time.greaterEq", &[a, b]) => json!(time(a) >= time(b)),
        ("time.equals", &[a, b]) => json!(time(a) == time(b)),
        ("time.min", &[a, b]) => json!(time(a).min(time(b)).millis()),
        ("time.max", &[a, b]) => json!(time(a).max(time(b)).millis()),
        ("time.plus", &[a, b]) => json!(time(a).next(interval(b)?).millis()),
        ("time.minus", &[a, 0]) => json!(time(a).since(time(0)).as_millis()),
        ("time.minus", &[a, b]) => json!(time(a).previous(interval(b)?).millis()),
        _ => return Err(Failure::unsupported(format!("times have no `{op}`"))),
    })
}

fn range(start: i64, end: i64, step: Interval, goes_on: fn(BatchTime, BatchTime) -> bool) -> Value {
    let end = BatchTime::from_millis(end);
    let times = std::iter::successors(Some(BatchTime::from_millis(start)), |time| Some(time.next(step)));
    times.take_while(|&time| goes_on(time, end)).map(|time| json!(time.millis())).collect()
}

fn length(millis: i64) -> Result<Duration, Failure> {
    u64::try_from(millis).map(Duration::from_millis).map_err(Failure::wrong)
}

fn interval(millis: i64) -> Result<Interval, Failure> {
    Interval::new(length(millis)?).ok_or_else(|| Failure::wrong(format!("{millis} is no interval")))
}
