//! All that a case expects of the batches that come out, and of the states of keys after them.

use serde_json::Value;

use crate::adapt::adapted;
use crate::compare::{same, same_sorted};
use crate::run::{Batch, Held};
use crate::{Case, Failure, ensure};

/// Compares what came out with all that `case` expects.
pub fn check(case: &Case, batches: &[Batch]) -> Result<Held, Failure> {
    let got: Vec<Vec<Value>> = batches.iter().map(|batch| batch.partitions.concat()).collect();
    let mut held = Held::AsIs;
    if let Some(expected) = &case.expected {
        let ours = adapted(case, expected);
        if ours.is_some() {
            held = Held::Adapted;
        }
        same(case, &got, ours.as_ref().unwrap_or(expected))?;
    }
    if let Some(expected) = &case.expected_partition_count {
        let counts: Vec<usize> = batches.iter().map(|batch| batch.partitions.len()).collect();
        ensure(counts == *expected, || format!("partitions are {counts:?} instead of {expected:?}"))?;
    }
    if let Some(expected) = &case.output_times_ms {
        let times: Vec<i64> = batches.iter().map(|batch| batch.time).take(expected.len()).collect();
        ensure(times == *expected, || format!("times are {times:?} instead of {expected:?}"))?;
    }
    if let Some(expected) = &case.expected_flat_sorted {
        same_sorted(&got, expected)?;
    }
    Ok(held)
}

/// Compares the states after each batch with what `case` says of them.
pub fn check_states(case: &Case, states: &[Vec<Value>]) -> Result<(), Failure> {
    let wrong = |failure| match failure {
        Failure::Wrong(why) => Failure::wrong(format!("of the states, {why}")),
        other => other,
    };
    if let Some(expected) = &case.expected_state {
        same(case, states, expected).map_err(wrong)?;
    }
    let after = |states: &Vec<Value>, expected: &Value| {
        same(case, std::slice::from_ref(states), std::slice::from_ref(expected))
    };
    if let Some(expected) = &case.expected_state_last {
        let last = states.last().ok_or_else(|| Failure::wrong("there are no states"))?;
        after(last, expected).map_err(wrong)?;
    }
    if let Some(expected) = &case.expected_state_some {
        let found = states.iter().any(|states| after(states, expected).is_ok());
        ensure(found, || format!("the states are never {expected}: {states:?}"))?;
    }
    Ok(())
}
