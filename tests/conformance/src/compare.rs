//! Comparing what came out with what was expected.

use serde_json::Value;

use crate::{Case, Failure, ensure};

/// The operations that answer lists of values.
const GROUPING: [&str; 3] = ["groupByKey", "cogroup", "groupByKeyAndWindow"];

/// Fails where the batches `got` are not `expected`, by the rules of `case`.
pub fn same(case: &Case, got: &[Vec<Value>], expected: &[Value]) -> Result<(), Failure> {
    let got: Vec<&Vec<Value>> = match case.drops_empty {
        true => got.iter().filter(|batch| !batch.is_empty()).take(expected.len()).collect(),
        false => got.iter().collect(),
    };
    ensure(got.len() == expected.len(), || {
        format!("{} batches came out instead of {}: {got:?}", got.len(), expected.len())
    })?;
    for (number, (got, expected)) in (1..).zip(got.into_iter().zip(expected)) {
        let wanted = expected.as_array().cloned().unwrap_or_default();
        same_batch(case, got, &wanted).map_err(|()| {
            Failure::wrong(format!("batch {number} is {} instead of {expected}", Value::Array(got.clone())))
        })?;
    }
    Ok(())
}

fn same_batch(case: &Case, got: &[Value], expected: &[Value]) -> Result<(), ()> {
    let sorts_values = GROUPING.contains(&case.op.as_str()) && !case.values_ordered && !case.ordered;
    let canonical = |records: &[Value]| {
        let mut texts: Vec<String> = records
            .iter()
            .map(|record| if sorts_values { sorted_values(record) } else { canonical(record) })
            .map(|record| record.to_string())
            .collect();
        if !case.ordered {
            texts.sort();
        }
        texts
    };
    if canonical(got) == canonical(expected) { Ok(()) } else { Err(()) }
}

/// The same value, where whole numbers have no fraction.
pub fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(n) if !n.is_i64() => match n.as_f64() {
            Some(float) if float == float.trunc() && float.abs() < 1e15 => Value::from(float as i64),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}

/// A pair of a key and lists, with each list sorted.
fn sorted_values(record: &Value) -> Value {
    match canonical(record) {
        Value::Array(pair) => match pair.as_slice() {
            [key, values] => Value::Array(vec![key.clone(), sorted(values)]),
            _ => Value::Array(pair),
        },
        other => other,
    }
}

fn sorted(value: &Value) -> Value {
    let Value::Array(items) = value else { return value.clone() };
    let mut items: Vec<Value> = items.iter().map(sorted).collect();
    if !items.iter().any(Value::is_array) {
        items.sort_by_cached_key(Value::to_string);
    }
    Value::Array(items)
}

/// Fails where the records of all batches together, sorted, are not `expected`.
pub fn same_sorted(got: &[Vec<Value>], expected: &[Value]) -> Result<(), Failure> {
    let texts = |records: &mut dyn Iterator<Item = &Value>| {
        let mut texts: Vec<String> = records.map(|record| canonical(record).to_string()).collect();
        texts.sort();
        texts
    };
    let (got, wanted) = (texts(&mut got.iter().flatten()), texts(&mut expected.iter()));
    ensure(got == wanted, || format!("all together are {got:?} instead of {wanted:?}"))
}
