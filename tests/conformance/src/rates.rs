//! Cases about rates: the controller that decides on them, the limit that holds a source, and the way from one to the other.

use std::sync::Arc;
use std::time::Duration;

use named::{Cell, Record};
use serde_json::{Value, json};
use tidemill::batch::ManualClock;
use tidemill::batch::rate::{Limiter, Load, Pid, PidOptions, RateControl, RateOptions};
use tidemill::context::{RunOptions, StopMode};
use tidemill::record::{BatchTime, Interval};

use crate::receivers::{Manner, Received};
use crate::rows::{schema, to_rows};
use crate::run::{BatchEnds, Collected, Harness, advance, ended};
use crate::{Case, Failure, ensure};

/// Runs a case about rates.
pub fn run(harness: &Harness, case: &Case) -> Result<(), Failure> {
    match case.op.as_str() {
        "pid.compute" => compute(case),
        "pid.new" => refused(case),
        "pid.property" => stays_below(case),
        "rate limiter" => limiter(case),
        "rate controller" => published(harness, case),
        other => Err(Failure::unsupported(format!("the harness knows no `{other}`"))),
    }
}

/// The controller that `params` describe; none where it is refused.
fn pid(params: &Value) -> Result<Option<Pid>, Failure> {
    let number = |name: &str| {
        params.get(name).and_then(Value::as_f64).ok_or_else(|| Failure::wrong(format!("`{name}` is missing")))
    };
    let options = PidOptions {
        proportional: number("proportional")?,
        integral: number("integral")?,
        derivative: number("derivative")?,
        min_rate: number("min_rate")?,
    };
    let interval = Interval::new(Duration::from_secs_f64(number("batch_ms")? / 1000.0));
    Ok(interval.and_then(|interval| Pid::new(interval, options).ok()))
}

fn params(case: &Case) -> Value {
    Value::Object(case.params.clone())
}

/// What the controller answers to a batch: a time, rows, and two delays, all in milliseconds. A time of processing below
/// zero, which there can't be, counts as none.
fn estimate(pid: &mut Pid, call: &Value) -> Result<Option<f64>, Failure> {
    let numbers: Option<Vec<i64>> = call.as_array().and_then(|all| all.iter().map(Value::as_i64).collect());
    let Some([time, rows, processing, delay]) = numbers.as_deref() else {
        return Err(Failure::wrong("a batch is four numbers"));
    };
    let millis = |millis: i64| Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    let rows = usize::try_from(*rows).unwrap_or(0);
    Ok(pid.estimate(BatchTime::from_millis(*time), rows, millis(*processing), millis(*delay)))
}

/// Whether two rates are the same, but for the last bits of what was computed in another order.
fn is_same(rate: Option<f64>, expected: Option<f64>) -> bool {
    match (rate, expected) {
        (Some(rate), Some(expected)) => (rate - expected).abs() <= expected.abs() * 1e-9,
        (rate, expected) => rate == expected,
    }
}

fn compute(case: &Case) -> Result<(), Failure> {
    let mut pid = pid(&params(case))?.ok_or_else(|| Failure::wrong("the controller is refused"))?;
    let expected = case.expected.iter().flatten().filter_map(Value::as_array).flatten();
    let calls: Vec<&Value> = case.inputs.iter().flatten().flatten().collect();
    ensure(calls.len() == expected.clone().count(), || "calls and answers differ in number".to_owned())?;
    for (number, (call, expected)) in calls.into_iter().zip(expected).enumerate() {
        let rate = estimate(&mut pid, call)?;
        ensure(is_same(rate, expected.as_f64()), || {
            format!("call {number} answers {rate:?} instead of {expected}")
        })?;
    }
    Ok(())
}

fn refused(case: &Case) -> Result<(), Failure> {
    let sets = case.params.get("refused").and_then(Value::as_array);
    for set in sets.ok_or_else(|| Failure::wrong("`refused` is missing"))? {
        ensure(pid(set)?.is_none(), || format!("{set} is taken"))?;
    }
    Ok(())
}

/// Whatever the load, as long as batches are late the rate stays below what was processed.
fn stays_below(case: &Case) -> Result<(), Failure> {
    let mut pid = pid(&params(case))?.ok_or_else(|| Failure::wrong("the controller is refused"))?;
    let calls = case.number("calls").unwrap_or(0);
    let mut state = 20_261_121_u64;
    let mut below = |limit: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((state >> 33) % limit).unwrap_or(0)
    };
    for number in 0..calls {
        let (rows, delay) = (below(1000), below(19));
        let rate = estimate(&mut pid, &json!([number * 20, rows, 20, delay]))?;
        let speed = rows as f64 / 0.020;
        let min_rate = case.params.get("min_rate").and_then(Value::as_f64).unwrap_or(0.0);
        if let Some(rate) = rate.filter(|rate| delay > 0 && *rate > min_rate) {
            ensure(rate < speed, || format!("{rate} after {rows} rows with a delay of {delay} ms"))?;
        }
    }
    Ok(())
}

fn limiter(case: &Case) -> Result<(), Failure> {
    let max_rate = case.number("max_rate").and_then(|rate| u64::try_from(rate).ok());
    let mut limiter = Limiter::new(Interval::MILLISECOND, None, max_rate);
    let updates = case.inputs.iter().flatten().flatten().filter_map(Value::as_f64);
    updates.for_each(|rate| limiter.update(rate));
    let expected = case.expected.iter().flatten().filter_map(Value::as_array).flatten().next_back();
    ensure(is_same(limiter.rate(), expected.and_then(Value::as_f64)), || {
        format!("the limit is {:?} instead of {expected:?}", limiter.rate())
    })
}

/// Publishes one rate after the other, once rows come.
struct Publisher(std::vec::IntoIter<f64>);

impl RateControl for Publisher {
    fn rates(&mut self, load: &Load) -> Vec<Option<f64>> {
        let source = |num_rows: usize| if num_rows > 0 { self.0.next() } else { None };
        load.sources.iter().map(|load| load.num_rows).map(source).collect()
    }
}

/// Each rate shows in the rows that the next batch takes of a receiver that has more of them.
fn published(harness: &Harness, case: &Case) -> Result<(), Failure> {
    let interval_ms = case.batch_ms.ok_or_else(|| Failure::wrong("`batch_ms` is missing"))?;
    let rates: Vec<f64> = case.inputs.iter().flatten().flatten().filter_map(Value::as_f64).collect();
    let record = Record::single(Cell::Int);
    let records: Vec<Value> = (0..1000).map(Value::from).collect();
    let rows = to_rows(&record, &records)?;
    let source =
        Received { schema: schema(&record), blocks: vec![rows.clone(), rows], manner: Manner::HalfLate };
    let clock = Arc::new(ManualClock::new(0));
    let mut context = harness.context(interval_ms, &clock)?;
    let per_batch = |rate: f64| (rate * interval_ms as f64 / 1000.0) as usize;
    let published = rates.clone();
    context.rate(RateOptions {
        // A row in the first batch with any.
        initial_rate: 1000 / interval_ms.max(1),
        ..RateOptions::custom(move |_, _| Box::new(Publisher(published.clone().into_iter())))
    });
    let handle = context.source("received", source);
    let collected = Collected::default();
    collected.collect(&mut context, &handle);
    let ends = BatchEnds::of(&mut context);
    let running = context.start(&RunOptions::default()).map_err(Failure::wrong)?;
    let mut sizes = Vec::new();
    while sizes.len() <= rates.len() {
        advance(&clock, interval_ms);
        ends.wait()?;
        sizes = collected.records(&record)?.iter().map(Vec::len).filter(|size| *size > 0).collect();
    }
    running.stop(StopMode::Immediate);
    ended(&running)?.map_err(Failure::wrong)?;
    let limits: Vec<usize> = std::iter::once(1).chain(rates.iter().copied().map(per_batch)).collect();
    ensure(sizes == limits, || format!("batches have {sizes:?} rows instead of {limits:?}"))
}
